"""``python -m benchmarks``: measure, print the tables, write ``results/``."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic

from benchmarks.goals import GOALS
from benchmarks.report import print_figures, print_table, print_warnings, write_json
from benchmarks.results import Result, Rounds, results
from benchmarks.scenarios import SCENARIOS, named
from benchmarks.server import ReplayServer
from benchmarks.size import FULL, QUICK

RESULTS = Path(__file__).with_name("results")
GROUPS = ("voice", "web", "bus")  # each with a file of results of its own
STREAMS = [name for name in SCENARIOS if not any(name in named(group) for group in GROUPS)]


def main() -> None:
    """Run the scenarios named on the command line, by default all."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "scenarios",
        nargs="*",
        metavar="SCENARIO",
        help=f"{', '.join(SCENARIOS)}, or a group such as voice, web or bus; default: all",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="take two minutes instead of ten; noisier, and nothing is written",
    )
    arguments = parser.parse_args()
    unknown = {name for name in arguments.scenarios if not named(name)}
    if unknown:
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}: choose from {', '.join(SCENARIOS)}")

    started = monotonic()
    size = QUICK if arguments.quick else FULL
    chosen = arguments.scenarios or SCENARIOS
    names = list(dict.fromkeys(scenario for name in chosen for scenario in named(name)))
    with ReplayServer() as server:
        measured = {name: SCENARIOS[name](server, size, Progress(name)) for name in names}
    Progress.clear()
    found = results(GOALS, measured)
    print_figures(measured)
    print()
    print_table(found)
    print_warnings(measured)
    print(f"{monotonic() - started:.0f} s")
    if not arguments.quick:
        write(measured, found)


def write(measured: Mapping[str, Rounds], found: Sequence[Result]) -> None:
    """Write the files of results of which all scenarios were measured."""
    for group in GROUPS:
        if measured.keys() >= set(named(group)):
            path = RESULTS / f"{group}.json"
            write_json(path, *only(named(group), measured, found), "full")
            print(f"written to {path}")
    if measured.keys() >= set(STREAMS):
        write_json(RESULTS / "results.json", *only(STREAMS, measured, found), "full")
        from benchmarks.plots import draw_all  # noqa: PLC0415 - matplotlib is slow to import

        draw_all(RESULTS, measured)
        print(f"written to {RESULTS}")


def only(
    names: Sequence[str], measured: Mapping[str, Rounds], found: Sequence[Result]
) -> tuple[list[Result], dict[str, Rounds]]:
    """Return the results and the rounds of some scenarios."""
    return [each for each in found if each.goal.scenario in names], {name: measured[name] for name in names}


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
