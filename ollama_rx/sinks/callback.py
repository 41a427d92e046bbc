"""Call functions with the items of a stream."""

from collections.abc import Callable
from typing import TypeVar

from ollama_rx.arguments import check_callable, check_flag
from ollama_rx.rx.mailbox import MAX_WAITING, WhenFull, check_waiting
from ollama_rx.sinks._sink import Sink, check_blocking, has_coroutines

T = TypeVar("T")


class Callback(Sink[T]):
    """Calls ``on_next`` with each item, and the other functions at the end.

    Use ``blocking=True`` for a function that takes time, for instance one that does I/O: the functions are
    then called on a thread of their own. Coroutine functions are awaited: ``Callback(websocket.send_text)``.
    ``on_close`` is called however the delivery ends, also if it is cancelled.

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
        check_callable("on_next", on_next)
        for name, value in {"on_completed": on_completed, "on_error": on_error, "on_close": on_close}.items():
            if value is not None:
                check_callable(name, value)
        check_flag("blocking", blocking)
        check_waiting(max_waiting, when_full)
        self.blocking = blocking
        self.max_waiting = max_waiting
        self.when_full = when_full
        given = {"on_next": on_next, "on_completed": on_completed, "on_error": on_error, "close": on_close}
        for method, function in given.items():
            if function is not None:
                setattr(self, method, function)
        self.has_coroutines = has_coroutines(self)
        check_blocking(self)

    def on_next(self, value: T) -> None:
        """Call the function, which takes the place of this method."""
