"""One level of concurrency: what was measured of its requests so far, and the figures of all of them."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field

from ollama_rx.cli.bench.request_result import RequestResult
from ollama_rx.cli.output.counted import counted
from ollama_rx.stats import Metrics, Spread


@dataclass(eq=False, slots=True)
class BenchLevel:
    """A number of requests, ``streams`` of them at once; their results are added as they arrive."""

    streams: int
    requests: int
    is_warm_up: bool = False
    """Whether it is the request before the first level, whose figures do not count."""
    begun: int = 0
    results: list[RequestResult] = field(default_factory=list[RequestResult])

    @property
    def title(self) -> str:
        """The level's name for people."""
        return counted(self.streams, "stream")

    def begin_request(self) -> None:
        """Count a request that is sent."""
        self.begun += 1

    @property
    def completed(self) -> list[RequestResult]:
        """The requests whose answers are complete."""
        return [result for result in self.results if result.error is None]

    @property
    def failed(self) -> list[RequestResult]:
        """The requests that have failed."""
        return [result for result in self.results if result.error is not None]

    @property
    def interrupted(self) -> int:
        """How many requests have been sent and are not over."""
        return self.begun - len(self.results)

    def has_answers(self) -> bool:
        """Whether any answer is complete."""
        return bool(self.completed)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFigures:
    """The figures of a level, over its complete answers; times in seconds."""

    first_token: Spread
    first_text: Spread
    time_per_token: Spread
    token_gaps: Spread
    """Over all tokens of all answers, so that a long answer counts more."""
    duration: Spread
    tokens_per_second: Spread
    """Of one stream, its wait for the first token included."""
    server_tokens_per_second: Spread
    server_prompt_tokens_per_second: Spread
    load_duration: float | None
    """The longest time for which the server has loaded the model before an answer."""
    tokens: int
    prompt_tokens: int
    wall: float
    """From the first request that was sent to the last one that was over, also if it failed."""
    has_thinking: bool

    @property
    def total_tokens_per_second(self) -> float | None:
        """The tokens of all streams divided by the wall time."""
        return self.tokens / self.wall if self.wall else None


def figures_of(level: BenchLevel) -> LevelFigures:
    """Return the figures of what a level has so far."""
    done = level.completed
    stats = [result.stats for result in done]
    metrics = [each.metrics or Metrics() for each in stats]
    loads = [each.load_duration for each in metrics if each.load_duration is not None]
    started = min((result.started for result in level.results), default=0.0)
    return LevelFigures(
        first_token=spread_of(result.first_token for result in done),
        first_text=spread_of(result.first_text for result in done),
        time_per_token=spread_of(result.time_per_token for result in done),
        token_gaps=spread_of(gap for result in done for gap in result.token_gaps),
        duration=spread_of(each.duration for each in stats),
        tokens_per_second=spread_of(result.tokens_per_second for result in done),
        server_tokens_per_second=spread_of(
            each.tokens_per_second if timed.eval_duration else None
            for each, timed in zip(stats, metrics, strict=True)
        ),
        server_prompt_tokens_per_second=spread_of(each.prompt_tokens_per_second for each in stats),
        load_duration=max(loads, default=None),
        tokens=sum(result.tokens for result in done),
        prompt_tokens=sum(each.prompt_eval_count or 0 for each in metrics),
        wall=max((result.ended for result in level.results), default=started) - started,
        has_thinking=any(result.has_thinking for result in done),
    )


def spread_of(values: Iterable[float | None]) -> Spread:
    """Return the distribution of the values that are known.

    The median of an even number of values is the mean of the two in the middle; the other percentiles are one
    of the values, by nearest rank.

    >>> spread = spread_of([4.0, None, 1.0, 2.0, 3.0])
    >>> spread.count, spread.p50, spread.p95
    (4, 2.5, 4.0)
    """
    known = sorted(value for value in values if value is not None)

    def percentile(fraction: float) -> float | None:
        return known[math.ceil(fraction * len(known)) - 1] if known else None

    return Spread(
        count=len(known),
        sum=math.fsum(known),
        max=known[-1] if known else None,
        p50=statistics.median(known) if known else None,
        p95=percentile(0.95),
        p99=percentile(0.99),
    )
