"""A small cluster keeps its promises, whatever is killed; all scenarios: ``python -m tests.bus.chaos``."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.bus.chaos.run import Run
from tests.bus.chaos.scenarios import SCENARIOS

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("everything", 6),
        ("lose-acknowledgements", 3),
        ("poison", 1),
        ("kill-clients", 2),
        ("slow-readers", 2),
        ("shared-runs", 3),
        ("cancel", 20),
    ],
)
def test_a_cluster_keeps_its_promises(name: str, times: int, tmp_path: Path) -> None:
    run = Run(tmp_path, Random(13), times)  # noqa: S311 - the moments are not secrets
    asyncio.run(SCENARIOS[name].play(run))
