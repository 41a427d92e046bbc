"""Measure one answer while it streams."""

import math
from array import array
from collections.abc import Callable
from operator import sub
from typing import Literal

from reactivex import Observable

from ollama_rx.arguments import check_callable
from ollama_rx.chunks import Chunk, calls_in
from ollama_rx.rx import Emitter, through
from ollama_rx.stats import EndedBy, Metrics, Stats


def gather_stats(into: Callable[[Stats], object]) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    """Call ``into`` with the answer's `Stats` exactly once, however the stream ends.

    ::

        source  -a--b--c-|   every chunk passes unchanged
        chunks  -a--b--c-|
        into    ---------x   also on error (ended_by="error") and cancel (ended_by="disposed")

    On completion and on error ``into`` is called before the event is passed on, so a subscriber that is
    notified of the end finds the figures in place; so too if an operator of this package, such as `stop_at`,
    ends the stream early. RxPY's ``take`` notifies the subscriber first.

    ``into`` runs on the stream's thread and should be quick (``StatsTotals().add``, ``list.append``); an
    exception it raises on completion becomes the stream's error. If the stream is disposed after the chunk
    with ``done``, ``ended_by`` comes from that chunk's ``done_reason``.

    Costs one clock reading and 8 bytes per chunk. Above 4096 chunks the percentiles of the gaps are taken
    from every second, third, ... gap; ``gap_max`` is always exact. If the server does not time its generation
    (cloud models), ``tokens_per_second`` is measured between the first and the last chunk.

    The turn of a `Conversation` in which the model calls tools has several answers: their metrics are added
    up, and the times in which the tools run count as gaps.

    >>> from reactivex import of
    >>> found = []
    >>> _ = of(Chunk({"response": "Hi", "done": True})).pipe(gather_stats(found.append)).run()
    >>> found[0].chunks, found[0].characters, found[0].ended_by
    (1, 2, 'stop')
    """
    check_callable("into", into, "a function of Stats")
    return through(lambda out: _GatherStats(out, into), name="gather_stats", takes=Chunk, gives=Chunk)


_MAX_SORTED_GAPS = 4096  # keeps the time to finish short, however long the answer was


class _GatherStats:
    __slots__ = (
        "_characters",
        "_emit",
        "_ended_by",
        "_first_text",
        "_has_calls",
        "_into",
        "_last",
        "_metrics",
        "_now",
        "_record_time",
        "_reported",
        "_start",
        "_times",
    )

    def __init__(self, out: Emitter[Chunk], into: Callable[[Stats], object]) -> None:
        self._emit, self._now = out.emit, out.now
        self._start = out.now()
        self._times = array("d")  # of the chunks
        self._record_time = self._times.append
        self._last: Chunk | None = None
        self._metrics: list[Metrics] = []  # of the answers that have ended
        self._has_calls = False  # the current answer calls tools
        self._ended_by: EndedBy = "stop"  # how the last answer has ended
        self._first_text: float | None = None
        self._characters = 0
        self._reported = False
        self._into = into

    def feed(self, chunk: Chunk, /) -> None:
        self._record_time(self._now())
        if text := chunk.text:
            if not self._characters:
                self._first_text = self._times[-1] - self._start
            self._characters += len(text)
        else:
            self._has_calls = self._has_calls or bool(calls_in(chunk.raw))
            if chunk.done:
                self._end_answer(chunk)
        self._last = chunk
        self._emit(chunk)

    def _end_answer(self, last: Chunk) -> None:
        """Note how an answer has ended; a last chunk with text is only known as such at the end."""
        has_calls = self._has_calls or bool(calls_in(last.raw))
        self._has_calls = False
        self._metrics.append(Metrics.of(last.raw))
        self._ended_by = _REASONS.get(last.done_reason, "tool_calls" if has_calls else "stop")

    def _report(self, terminal: Literal["stop", "error", "disposed"]) -> None:
        if self._reported:
            return
        self._reported = True
        last, times, start = self._last, self._times, self._start
        if last is not None and last.text and last.done:
            self._end_answer(last)
        metrics = Metrics.total(self._metrics) if self._metrics else None
        is_complete = last is not None and last.done and terminal != "error"
        p50, p95, widest = _gap_percentiles(times)
        self._into(
            Stats(
                model=last.model if last is not None else "",
                ended_by=self._ended_by if is_complete else terminal,
                time_to_first_chunk=times[0] - start if times else None,
                time_to_first_text=self._first_text,
                duration=self._now() - start,
                gap_p50=p50,
                gap_p95=p95,
                gap_max=widest,
                chunks=len(times),
                characters=self._characters,
                metrics=metrics,
                tokens_per_second=_speed(metrics, times[-1] - times[0] if times else 0.0),
                prompt_tokens_per_second=_prompt_speed(metrics),
            )
        )

    def flush(self) -> None:
        self._report("stop")

    def fail(self, _: Exception) -> None:
        self._report("error")

    def close(self) -> None:
        self._report("disposed")


# Ollama before 0.1.35 sends no done_reason.
_REASONS: dict[str | None, EndedBy] = {"length": "length", "load": "load", "unload": "unload"}


def _gap_percentiles(times: "array[float]") -> tuple[float, float, float] | tuple[None, None, None]:
    """Return the 50th and 95th percentile and the maximum of the gaps between chunks."""
    count = len(times) - 1
    if count < 1:
        return None, None, None
    step = count // _MAX_SORTED_GAPS + 1
    gaps = sorted(map(sub, times[1::step], times[::step]))
    widest = gaps[-1] if step == 1 else max(map(sub, times[1:], times))
    return gaps[math.ceil(0.5 * len(gaps)) - 1], gaps[math.ceil(0.95 * len(gaps)) - 1], widest


def _speed(metrics: Metrics | None, seconds: float) -> float | None:
    if metrics is None or not metrics.eval_count:
        return None
    return _per_second(metrics.eval_count, metrics.eval_duration or seconds)


def _prompt_speed(metrics: Metrics | None) -> float | None:
    if metrics is None:
        return None
    return _per_second(metrics.prompt_eval_count, metrics.prompt_eval_duration)


def _per_second(count: int | None, seconds: float | None) -> float | None:
    return count / seconds if count and seconds and seconds > 0 else None
