"""Thin out a stream for those who want to be up to date, not complete."""

from collections.abc import Callable
from typing import Generic, TypeVar

from reactivex import Observable

from ollama_rx.arguments import check_seconds
from ollama_rx.rx import Emitter, through

A = TypeVar("A")


def throttle_latest(seconds: float) -> Callable[[Observable[A]], Observable[A]]:
    """Emit the newest item, at most one per interval; the last item always arrives.

    ::

        source  -a-bc----d---ef|     throttle_latest(3)
        items   -a--c----d---e-(f|)

    An item after a quiet time passes at once. Then, for ``seconds``, only the newest is kept; it is
    emitted at the end of that interval, which starts the next one. On completion the kept item is
    emitted at once, on error or cancel it is dropped.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of(1, 2, 3).pipe(throttle_latest(60), ops.to_list()).run()
    [1, 3]
    """
    check_seconds("seconds", seconds)

    def operator(source: Observable[A]) -> Observable[A]:
        def machine(out: Emitter[A]) -> _Latest[A]:
            return _Latest(out, seconds)

        return through(machine)(source)

    return operator


class _Latest(Generic[A]):
    def __init__(self, out: Emitter[A], seconds: float) -> None:
        self._emit = out.emit
        self._later = out.later
        self._seconds = seconds
        self._quiet = True
        self._kept: list[A] = []  # at most one

    def feed(self, item: A, /) -> None:
        if self._quiet:
            self._quiet = False
            self._later(self._seconds, self._due)
            self._emit(item)
        else:
            self._kept[:] = (item,)

    def _due(self) -> None:
        if self._kept:
            self._later(self._seconds, self._due)
            self._emit(self._kept.pop())
        else:
            self._quiet = True

    def flush(self) -> None:
        if self._kept:
            self._emit(self._kept.pop())
