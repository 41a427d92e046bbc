"""Throttle a stream, keeping the latest item."""

from collections.abc import Callable
from typing import Generic, TypeVar

from reactivex import Observable

from ollama_rx.arguments import check_seconds
from ollama_rx.rx import Emitter, through

A = TypeVar("A")


def throttle_latest(seconds: float) -> Callable[[Observable[A]], Observable[A]]:
    """Emit the latest item, at most one per interval; the last item before completion is never lost.

    ::

        source  -a-bc----d---ef|     throttle_latest(3)
        items   -a--c----d---e-(f|)

    The first item passes at once and starts an interval of ``seconds``. Of the items that arrive during an
    interval only the latest is kept; it is emitted when the interval ends, and starts the next one. After an
    interval without items the next item passes at once again.

    On completion the kept item is emitted at once; on error or cancel it is dropped.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of(1, 2, 3).pipe(throttle_latest(60), ops.to_list()).run()
    [1, 3]
    """
    check_seconds("seconds", seconds)

    def operator(source: Observable[A]) -> Observable[A]:
        def machine(out: Emitter[A]) -> _ThrottleLatest[A]:
            return _ThrottleLatest(out, seconds)

        return through(machine)(source)

    return operator


class _ThrottleLatest(Generic[A]):
    def __init__(self, out: Emitter[A], seconds: float) -> None:
        self._emit = out.emit
        self._later = out.later
        self._seconds = seconds
        self._in_interval = False
        self._latest: list[A] = []  # at most one item, to be emitted when the interval ends

    def feed(self, item: A, /) -> None:
        if self._in_interval:
            self._latest[:] = (item,)
        else:
            self._in_interval = True
            self._later(self._seconds, self._end_interval)
            self._emit(item)

    def _end_interval(self) -> None:
        if self._latest:
            self._later(self._seconds, self._end_interval)
            self._emit(self._latest.pop())
        else:
            self._in_interval = False

    def flush(self) -> None:
        if self._latest:
            self._emit(self._latest.pop())
