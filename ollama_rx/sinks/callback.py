"""Call functions with the items of a stream."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TypeVar

from ollama_rx.arguments import check_callable, check_flag
from ollama_rx.rx.mailbox import MAX_WAITING, WhenFull, check_waiting
from ollama_rx.sinks._sink import Sink

T = TypeVar("T")


class Callback(Sink[T]):
    """Calls ``on_next`` with each item, and the other functions at the end.

    Use ``blocking=True`` for a function that takes time, for instance one that does I/O: the functions are
    then called on a thread of their own. ``on_close`` is called however the delivery ends, also if it is
    cancelled.

    >>> from reactivex import of
    >>> from ollama_rx import deliver
    >>> deliver(of(1, 2), Callback(print, on_completed=lambda: print("end"))).wait()
    1
    2
    end
    """

    def __init__(
        self,
        on_next: Callable[[T], object],
        *,
        on_completed: Callable[[], object] | None = None,
        on_error: Callable[[Exception], object] | None = None,
        on_close: Callable[[], object] | None = None,
        blocking: bool = False,
        max_waiting: int = MAX_WAITING,
        when_full: WhenFull = "pause",
    ) -> None:
        others = {"on_completed": on_completed, "on_error": on_error, "on_close": on_close}
        _check(
            on_next=on_next, **{name: function for name, function in others.items() if function is not None}
        )
        check_flag("blocking", blocking)
        check_waiting(max_waiting, when_full)
        self._on_next = on_next
        self._on_completed = on_completed
        self._on_error = on_error
        self._on_close = on_close
        self.blocking = blocking
        self.max_waiting = max_waiting
        self.when_full = when_full

    def on_next(self, value: T) -> None:
        """Call the function."""
        self._on_next(value)

    def on_completed(self) -> None:
        """Call ``on_completed``."""
        if self._on_completed is not None:
            self._on_completed()

    def on_error(self, error: Exception) -> None:
        """Call ``on_error``."""
        if self._on_error is not None:
            self._on_error(error)

    def close(self) -> None:
        """Call ``on_close``."""
        if self._on_close is not None:
            self._on_close()


def _check(**functions: object) -> None:
    for name, function in functions.items():
        check_callable(name, function)
        if iscoroutinefunction(function):
            given = "a coroutine function, which would never be awaited"
            advice = "use `async for` with `iterate` or a Queue"
            raise TypeError(f"{name}: expected a function, got {given}; {advice}")
