"""Statistics: the server's metrics of one answer, our own measurements of it, and totals of many answers."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any, Literal

from ollama_rx.protocol.json_fields import count_of

_NANOSECONDS = 1e9  # the server's durations are Go's time.Duration

EndedBy = Literal["stop", "tool_calls", "length", "load", "unload", "error", "disposed"]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The server's metrics of one answer: counts in tokens, durations in seconds.

    A metric that is absent, negative or not a whole number is None; cloud models send only some of them.
    """

    total_duration: float | None = None
    load_duration: float | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: float | None = None
    eval_count: int | None = None
    eval_duration: float | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Metrics":
        """Read the metrics in the JSON object of a last chunk."""
        return cls(
            total_duration=_seconds(raw.get("total_duration")),
            load_duration=_seconds(raw.get("load_duration")),
            prompt_eval_count=count_of(raw.get("prompt_eval_count")),
            prompt_eval_duration=_seconds(raw.get("prompt_eval_duration")),
            eval_count=count_of(raw.get("eval_count")),
            eval_duration=_seconds(raw.get("eval_duration")),
        )

    @classmethod
    def total(cls, metrics: Sequence["Metrics"]) -> "Metrics":
        """Add up the metrics of several answers; what no answer has is None.

        >>> Metrics.total([Metrics(eval_count=2), Metrics(eval_count=3)]).eval_count
        5
        """
        if len(metrics) == 1:
            return metrics[0]
        sums: dict[str, Any] = {}
        for name in cls.__slots__:
            known = [value for one in metrics if (value := getattr(one, name)) is not None]
            sums[name] = sum(known) if known else None
        return cls(**sums)


@dataclass(frozen=True, slots=True)
class Stats:
    """Statistics of one answer; all times in seconds, as measured by this client."""

    model: str
    ended_by: EndedBy
    """The server's ``done_reason``; "tool_calls" if that is "stop" and the answer calls tools; "error"; or
    "disposed": ended by an operator, or cancelled."""
    time_to_first_chunk: float | None
    """From the subscription, so it includes loading the model and processing the prompt."""
    time_to_first_text: float | None
    """From the subscription to the first chunk with text, so it includes thinking."""
    duration: float
    gap_p50: float | None
    """The median time between two chunks, by nearest rank; None for fewer than two chunks."""
    gap_p95: float | None
    gap_max: float | None
    chunks: int
    characters: int
    """The length of the text, without thinking."""
    metrics: Metrics | None
    """The server's metrics, added up if there were several answers; None if no last chunk arrived."""
    tokens_per_second: float | None
    """By the server's durations if it sends them (local models), or by our time from first to last chunk."""
    prompt_tokens_per_second: float | None
    """By the server's durations only."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of one figure over many answers; None if no answer has it."""

    count: int
    sum: float
    max: float | None
    p50: float | None
    p95: float | None
    p99: float | None

    @property
    def mean(self) -> float | None:
        """The arithmetic mean."""
        return self.sum / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Totals:
    """Statistics of many answers."""

    answers: int
    ended_by: Mapping[EndedBy, int]
    chunks: int
    characters: int
    tokens: int
    """Generated tokens, over the answers for which the server sent their number."""
    prompt_tokens: int
    duration: Spread
    time_to_first_chunk: Spread
    time_to_first_text: Spread
    gap_p95: Spread
    tokens_per_second: Spread


class StatsTotals:
    """Adds up the `Stats` of many answers, from any number of threads.

    ::

        totals = StatsTotals()
        answers = [client.generate(prompt).pipe(op.gather_stats(totals.add)) for prompt in prompts]
        ...
        totals.all().time_to_first_text.p95

    Memory stays bounded however many answers are added: percentiles come from logarithmic buckets and
    are at most 1 % off; counts, sums and maxima are exact.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._all = _Sums()
        self._models: dict[str, _Sums] = {}

    def add(self, stats: Stats) -> None:
        """Count one answer."""
        with self._lock:
            self._all.add(stats)
            self._models.setdefault(stats.model, _Sums()).add(stats)

    def all(self) -> Totals:
        """Return the totals over all models, as they are now."""
        with self._lock:
            return self._all.totals()

    def by_model(self) -> dict[str, Totals]:
        """Return the totals of each model, as they are now."""
        with self._lock:
            return {model: sums.totals() for model, sums in self._models.items()}


class _Sums:
    def __init__(self) -> None:
        self._ended_by: Counter[EndedBy] = Counter()
        self._chunks = self._characters = self._tokens = self._prompt_tokens = 0
        self._duration = _Histogram()
        self._first_chunk = _Histogram()
        self._first_text = _Histogram()
        self._gap = _Histogram()
        self._speed = _Histogram()

    def add(self, stats: Stats) -> None:
        self._ended_by[stats.ended_by] += 1
        self._chunks += stats.chunks
        self._characters += stats.characters
        if stats.metrics is not None:
            self._tokens += stats.metrics.eval_count or 0
            self._prompt_tokens += stats.metrics.prompt_eval_count or 0
        self._duration.add(stats.duration)
        self._first_chunk.add(stats.time_to_first_chunk)
        self._first_text.add(stats.time_to_first_text)
        self._gap.add(stats.gap_p95)
        self._speed.add(stats.tokens_per_second)

    def totals(self) -> Totals:
        return Totals(
            answers=self._ended_by.total(),
            ended_by=dict(self._ended_by),
            chunks=self._chunks,
            characters=self._characters,
            tokens=self._tokens,
            prompt_tokens=self._prompt_tokens,
            duration=self._duration.spread(),
            time_to_first_chunk=self._first_chunk.spread(),
            time_to_first_text=self._first_text.spread(),
            gap_p95=self._gap.spread(),
            tokens_per_second=self._speed.spread(),
        )


_LOG_WIDTH = math.log(1.02)  # buckets 2 % wide, so their middle is at most 1 % off
_SMALLEST = 1e-6  # a microsecond; smaller values count as this


class _Histogram:
    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._sum = 0.0
        self._max: float | None = None

    def add(self, value: float | None) -> None:
        if value is None:
            return
        self._buckets[math.floor(math.log(max(value, _SMALLEST)) / _LOG_WIDTH)] += 1
        self._sum += value
        self._max = value if self._max is None else max(self._max, value)

    def spread(self) -> Spread:
        return Spread(
            count=self._buckets.total(),
            sum=self._sum,
            max=self._max,
            p50=self._percentile(0.50),
            p95=self._percentile(0.95),
            p99=self._percentile(0.99),
        )

    def _percentile(self, fraction: float) -> float | None:
        if self._max is None:
            return None
        rank = math.ceil(fraction * self._buckets.total())
        for bucket in sorted(self._buckets):
            rank -= self._buckets[bucket]
            if rank <= 0:
                return min(math.exp((bucket + 0.5) * _LOG_WIDTH), self._max)
        raise AssertionError  # pragma: no cover - the ranks add up to the total


def _seconds(nanoseconds: object) -> float | None:
    count = count_of(nanoseconds)
    return None if count is None else count / _NANOSECONDS
