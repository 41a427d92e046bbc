"""What a benchmark has found, and under which conditions."""

import platform
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from ollama_rx.cli.bench.bench_level import BenchLevel
from ollama_rx.cli.bench.bench_plan import BenchPlan
from ollama_rx.cli.bench.request_result import RequestResult
from ollama_rx.cli.terminal import error_words, one_line


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """The plan, who answered, and what was measured."""

    plan: BenchPlan
    host: str
    model: str
    server_version: str | None
    levels: tuple[BenchLevel, ...]
    warm_up: BenchLevel | None
    started_at: datetime

    @property
    def planned(self) -> int:
        """How many requests were to be sent, without the warm-up."""
        return sum(level.requests for level in self.levels)

    @property
    def answered(self) -> int:
        """How many of them have a complete answer."""
        return sum(len(level.completed) for level in self.levels)

    @property
    def begun_levels(self) -> list[BenchLevel]:
        """The levels in which at least one request was sent, without the warm-up."""
        return [level for level in self.levels if level.begun]

    @property
    def answered_levels(self) -> list[BenchLevel]:
        """The levels with figures."""
        return [level for level in self.levels if level.has_answers()]

    @property
    def warm_up_result(self) -> RequestResult | None:
        """The warm-up request, if it was answered."""
        return next(iter(self.warm_up.completed), None) if self.warm_up else None

    def failures(self) -> Iterator[str]:
        """Say why requests failed, once for each reason."""
        for result in self.warm_up.failed if self.warm_up else ():
            yield f"the warm-up request failed: {reason_of(result)}"
        reasons = Counter(reason_of(result) for level in self.levels for result in level.failed)
        for reason, count in reasons.items():
            yield f"{count} of {self.planned} requests failed: {reason}"

    @property
    def is_cut_short(self) -> bool:
        """Whether there are levels after one that was measured."""
        return 0 < len(self.begun_levels) < len(self.levels)


def reason_of(result: RequestResult) -> str:
    """Return why a request failed, in one line."""
    return one_line(error_words(result.error)) if result.error else ""


def client_environment() -> dict[str, str | None]:
    """Return the versions on this side of the connection."""
    try:
        ours = version("ollama-rx")
    except PackageNotFoundError:
        ours = None
    return {
        "ollama_rx": ours,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }
