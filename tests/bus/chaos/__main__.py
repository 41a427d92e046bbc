"""Play the scenarios: ``python -m tests.bus.chaos [scenario ...] [--seed N] [--times N]``."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

from tests.bus.chaos.run import Run
from tests.bus.chaos.scenarios import SCENARIOS


def main() -> int:
    """Return how many scenarios have shown a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.bus.chaos")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=", ".join(SCENARIOS))
    parser.add_argument("--seed", type=int, help="of the random moments; printed by each run")
    parser.add_argument("--times", type=int, help="how often something happens")
    parser.add_argument("--keep", action="store_true", help="keep the logs")
    options = parser.parse_args()
    failures = 0
    for name in options.scenarios or SCENARIOS:
        seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
        scenario = SCENARIOS[name]
        times = options.times or scenario.times
        print(f"{name} --seed {seed} --times {times}", flush=True)  # noqa: T201
        folder = Path(tempfile.mkdtemp(prefix="chaos-"))
        begun = time.monotonic()
        try:
            tally = asyncio.run(scenario.play(Run(folder, Random(seed), times)))  # noqa: S311
        except Exception:  # noqa: BLE001 - the other scenarios are still to be played
            failures += 1
            traceback.print_exc()
            print(f"  FAILED; logs in {folder}", flush=True)  # noqa: T201
        else:
            print(f"  {time.monotonic() - begun:.0f} s: {tally}", flush=True)  # noqa: T201
    return failures


if __name__ == "__main__":
    sys.exit(main())
