"""A line says how many requests are over, and how fast tokens arrive now."""

from collections.abc import Iterator

import pytest

from ollama_rx.cli.bench.bench_level import BenchLevel
from ollama_rx.cli.bench.bench_progress import BenchProgress
from ollama_rx.cli.output.status_line import StatusLine
from tests.cli.bench.made_results import made_result


class Recorded(StatusLine):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def show(self, text: str, *, instead_of: str | None = None) -> None:
        assert instead_of is None
        self.shown.append(text)


@pytest.fixture
def status() -> Recorded:
    return Recorded()


def test_the_speed_is_measured_since_the_last_refresh(status: Recorded) -> None:
    times: Iterator[float] = iter([10.0, 10.5, 11.0, 20.0])
    progress = BenchProgress(status, lambda: next(times))
    level = BenchLevel(streams=2, requests=5)
    progress.begin(level)
    for _ in range(20):
        progress.count_token()
    progress.refresh()
    level.results.append(made_result())
    progress.show()
    progress.refresh()
    progress.begin(BenchLevel(streams=1, requests=3))
    assert status.shown == [
        "2 streams: 0 of 5 requests",
        "2 streams: 0 of 5 requests, 40 tokens/s",
        "2 streams: 1 of 5 requests, 40 tokens/s",
        "2 streams: 1 of 5 requests, 0 tokens/s",
        "1 stream: 0 of 3 requests",
    ]


def test_a_clock_that_stands_still_does_no_harm(status: Recorded) -> None:
    progress = BenchProgress(status, lambda: 1.0)
    progress.begin(BenchLevel(streams=1, requests=1))
    progress.refresh()
    assert status.shown[-1] == "1 stream: 0 of 1 requests, 0 tokens/s"


def test_a_warm_up_has_a_line_of_its_own(status: Recorded) -> None:
    progress = BenchProgress(status)
    progress.begin(BenchLevel(streams=1, requests=1, is_warm_up=True))
    progress.refresh()
    assert set(status.shown) == {"warming up, which may load the model"}
