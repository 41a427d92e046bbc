"""Measure one answer while it passes."""

import math
from array import array
from collections.abc import Callable
from operator import sub

from reactivex import Observable

from ollama_rx.arguments import check_callable
from ollama_rx.chunks import Chunk
from ollama_rx.rx import Emitter, through
from ollama_rx.stats import EndedBy, Metrics, Stats


def gather_stats(into: Callable[[Stats], object]) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    """Call ``into`` with the answer's `Stats` exactly once, however the stream ends.

    ::

        source  -a--b--c-|   every chunk passes unchanged
        chunks  -a--b--c-|
        into    .........x   also where the stream fails, or is disposed (ended_by="disposed")

    On completion and on error ``into`` is called before the event goes on; so whoever is told of the
    end finds the figures there. ``into`` runs on the stream's thread and should be quick
    (``StatsTotals().add``, ``list.append``); what it raises on completion ends the stream as an error.
    A stream that is disposed after its last chunk counts as ended by what that chunk says.

    Costs one clock reading and 8 bytes per chunk. Of an answer of more than 4096 chunks the gaps'
    percentiles are those of every second, third, ... gap; the widest is always exact. Where the server
    does not time its generation (cloud models), ``tokens_per_second`` is taken between the first and
    the last chunk by this clock.

    >>> from reactivex import of
    >>> found = []
    >>> _ = of(Chunk({"response": "Hi", "done": True})).pipe(gather_stats(found.append)).run()
    >>> found[0].chunks, found[0].characters, found[0].ended_by
    (1, 2, 'stop')
    """
    check_callable("into", into, "a function of Stats")
    return through(lambda out: _Gather(out, into))


_RANKED = 4096  # gaps that are sorted at the end: a moment, however long the answer was


class _Gather:
    __slots__ = (
        "_characters",
        "_emit",
        "_first_text",
        "_into",
        "_last",
        "_now",
        "_stamp",
        "_stamps",
        "_start",
        "_told",
    )

    def __init__(self, out: Emitter[Chunk], into: Callable[[Stats], object]) -> None:
        self._emit, self._now = out.emit, out.now
        self._start = out.now()
        self._stamps = array("d")
        self._stamp = self._stamps.append
        self._last: Chunk | None = None
        self._first_text: float | None = None
        self._characters = 0
        self._told = False
        self._into = into

    def feed(self, chunk: Chunk, /) -> None:
        self._stamp(self._now())
        if text := chunk.text:
            if not self._characters:
                self._first_text = self._stamps[-1] - self._start
            self._characters += len(text)
        self._last = chunk
        self._emit(chunk)

    def _tell(self, otherwise: EndedBy) -> None:
        if self._told:
            return
        self._told = True
        last, stamps, start = self._last, self._stamps, self._start
        metrics = last.metrics if last is not None else None
        ended_by = otherwise if last is None or not last.done else _reason(last)
        p50, p95, widest = _gaps(stamps)
        self._into(
            Stats(
                model=last.model if last is not None else "",
                ended_by="error" if otherwise == "error" else ended_by,
                time_to_first_chunk=stamps[0] - start if stamps else None,
                time_to_first_text=self._first_text,
                duration=self._now() - start,
                gap_p50=p50,
                gap_p95=p95,
                gap_max=widest,
                chunks=len(stamps),
                characters=self._characters,
                metrics=metrics,
                tokens_per_second=_speed(metrics, stamps[-1] - stamps[0] if stamps else 0.0),
                prompt_tokens_per_second=_prompt_speed(metrics),
            )
        )

    def flush(self) -> None:
        self._tell("stop")

    def fail(self, _: Exception) -> None:
        self._tell("error")

    def close(self) -> None:
        self._tell("disposed")


_REASONS: dict[str | None, EndedBy] = {"length": "length", "load": "load", "unload": "unload"}


def _reason(last: Chunk) -> EndedBy:
    return _REASONS.get(last.done_reason, "stop")  # servers before 0.1.35 give none


def _gaps(stamps: "array[float]") -> tuple[float, float, float] | tuple[None, None, None]:
    count = len(stamps) - 1
    if count < 1:
        return None, None, None
    step = count // _RANKED + 1
    ranked = sorted(map(sub, stamps[1::step], stamps[::step]))
    widest = ranked[-1] if step == 1 else max(map(sub, stamps[1:], stamps))
    return ranked[math.ceil(0.5 * len(ranked)) - 1], ranked[math.ceil(0.95 * len(ranked)) - 1], widest


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
