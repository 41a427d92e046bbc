"""``python -m benchmarks``: measure, print the tables, write ``results/``."""

import argparse
import sys
from pathlib import Path
from time import monotonic

from benchmarks.goals import GOALS
from benchmarks.report import print_figures, print_table, print_warnings, write_json
from benchmarks.results import results
from benchmarks.scenarios import FULL, QUICK, SCENARIOS
from benchmarks.server import ReplayServer

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Run the scenarios named on the command line, by default all."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)}; default: all"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="take two minutes instead of ten; noisier, and nothing is written",
    )
    arguments = parser.parse_args()
    unknown = set(arguments.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}: choose from {', '.join(SCENARIOS)}")

    started = monotonic()
    size = QUICK if arguments.quick else FULL
    names = arguments.scenarios or SCENARIOS
    with ReplayServer() as server:
        measured = {name: SCENARIOS[name](server, size, Progress(name)) for name in names}
    Progress.clear()
    found = results(GOALS, measured)
    print_figures(measured)
    print()
    print_table(found)
    print_warnings(measured)
    print(f"{monotonic() - started:.0f} s")
    if not arguments.quick and not arguments.scenarios:
        write_json(RESULTS / "results.json", found, measured, "full")
        from benchmarks.plots import draw_all  # noqa: PLC0415 - matplotlib is slow to import

        draw_all(RESULTS, measured)
        print(f"written to {RESULTS}")


class Progress:
    """One line on the terminal that shows what is being measured."""

    def __init__(self, scenario: str) -> None:
        self._scenario = scenario

    def __call__(self, text: str) -> None:
        """Replace the line."""
        if sys.stderr.isatty():
            print(f"\r\x1b[K{self._scenario}: {text}", end="", file=sys.stderr, flush=True)

    @staticmethod
    def clear() -> None:
        """Remove the line."""
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
