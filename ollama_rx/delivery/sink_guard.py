"""A sink within a delivery: its calls never overlap, it is closed once, its failures are reported."""

from collections.abc import Callable, Iterable
from functools import partial
from inspect import currentframe, iscoroutine
from typing import Any, Generic, Protocol, TypeVar

from ollama_rx.errors import OllamaError, SinkError, excerpt
from ollama_rx.sinks._sink import Sink, StopSink

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

_PACKAGE = __name__.rpartition(".")[0]


class SinkObserver(Protocol[T_contra]):
    """Observes the stream on behalf of one sink."""

    def on_next(self, item: T_contra, /) -> None:
        """Receive an item."""
        ...

    def on_completed(self) -> None:
        """Receive the stream's completion."""
        ...

    def on_error(self, error: Exception, /) -> None:
        """Receive the stream's error."""
        ...

    def cancel(self) -> None:
        """Close the sink, from any thread."""
        ...


class SinkDestination(SinkObserver[T_contra], Protocol[T_contra]):
    """A `SinkObserver` behind the sink's own operators, if it has any: it also receives their failures."""

    def fail(self, error: Exception, /) -> None:
        """Receive an error of these operators."""
        ...


class SinkGuard(Generic[T]):
    """Calls a sink, one call at a time, and closes it once.

    No lock is taken per item. A thread that calls the sink first sets ``busy``, then reads ``is_stopped``; a
    thread that stops it first sets ``is_stopped``, then reads ``busy``. So at least one of the two sees the
    other's flag, and the sink is closed by the last of them, never during a call.

    Args:
        sink: the sink that is called.
        on_failure: called with each failure of the sink.
        on_closed: called once, after the sink has been closed.
    """

    __slots__ = (
        "_busy",
        "_interruptible",
        "_is_stopped",
        "_on_closed",
        "_on_failure",
        "_on_next",
        "_unclosed",
        "sink",
    )

    def __init__(
        self, sink: Sink[T], on_failure: Callable[[SinkError], object], on_closed: Callable[[], object]
    ) -> None:
        self.sink = sink
        self._on_next = sink.on_next
        self._on_failure = on_failure
        self._on_closed = on_closed
        self._busy = False
        self._is_stopped = False
        self._interruptible = True
        self._unclosed = [sink.close]  # the thread that takes it out closes the sink; `pop` is atomic

    @property
    def is_stopped(self) -> bool:
        """Whether the sink receives no more items."""
        return self._is_stopped

    def open(self) -> None:
        """Open the sink, before its first item."""
        self._busy = True
        try:
            _refuse_coroutine(self.sink.open())
        except BaseException as error:  # noqa: BLE001 - reported; raised again if it is not an Exception
            self._handle_exception(error)
        finally:
            self._busy = False
            if self._is_stopped:
                self._close()

    def on_next(self, item: T, /) -> None:
        """Pass an item to the sink."""
        was_busy = self._busy  # true if the sink, during a call, made its own source send
        self._busy = True
        try:
            if not self._is_stopped:
                result = self._on_next(item)
                if result is not None:
                    _refuse_coroutine(result)
        except BaseException as error:  # noqa: BLE001 - reported; raised again if it is not an Exception
            self._handle_exception(error)
        finally:
            self._busy = was_busy
            if self._is_stopped and not was_busy:
                self._close()

    def on_completed(self) -> None:
        """Pass the completion to the sink and close it."""
        self._terminate(self.sink.on_completed)

    def on_error(self, error: Exception, /) -> None:
        """Pass the stream's error to the sink and close it."""
        self._terminate(partial(self.sink.on_error, error))

    def fail(self, error: Exception, /) -> None:
        """Report a failure of the sink's operators, pass it to the sink, and close the sink."""

        def final_call() -> object:
            self.report_failure(error)
            return self.sink.on_error(error)

        self._terminate(final_call)

    def cancel(self) -> None:
        """Interrupt the sink and close it, now or when its current call returns."""
        self.interrupt()
        self.close_when_idle()

    def interrupt(self) -> None:
        """Ask a sink that waits for something to stop waiting; at most once."""
        if self._interruptible:
            self._interruptible = False
            try:
                self.sink.interrupt()
            except Exception as error:  # noqa: BLE001 - a sink's failure is reported, not raised
                self.report_failure(error)

    def report_failure(self, error: BaseException) -> None:
        """Report ``error`` as a failure of the sink."""
        self._on_failure(sink_error(self.sink, error))

    def close_when_idle(self) -> None:
        """Close the sink, now or when its current call returns."""
        self._is_stopped = True
        if not self._busy:
            self._close()

    def _terminate(self, final_call: Callable[[], object]) -> None:
        was_busy = self._busy
        self._busy = True
        try:
            if not self._is_stopped:
                self._is_stopped = True
                _refuse_coroutine(final_call())
        except BaseException as error:  # noqa: BLE001 - reported; raised again if it is not an Exception
            self._handle_exception(error)
        finally:
            self._busy = was_busy
            if not was_busy:
                self._close()

    def _handle_exception(self, error: BaseException) -> None:
        self._is_stopped = True
        self._interruptible = False
        if not isinstance(error, StopSink):
            self.report_failure(error)
        if not isinstance(error, Exception):
            raise error

    def _close(self) -> None:
        try:
            close = self._unclosed.pop()
        except IndexError:
            return
        self._interruptible = False
        try:
            _refuse_coroutine(close())
        except StopSink:
            return
        except Exception as error:  # noqa: BLE001 - a sink's failure is reported, not raised
            self.report_failure(error)
        finally:
            self._on_closed()


def _refuse_coroutine(result: object) -> None:
    """Refuse what nothing awaits, such as the result of a lambda around a coroutine function."""
    if iscoroutine(result):
        result.close()
        raise TypeError("it returned a coroutine; only `async def` functions are awaited")


def sink_error(sink: Sink[Any], error: BaseException) -> SinkError:
    """Return the `SinkError` for an exception that a sink has raised."""
    is_ours = isinstance(error, OllamaError)  # its message says what failed, and is not too long
    failure = SinkError(sink, str(error) if is_ours else excerpt(f"{type(error).__name__}: {error}"))
    failure.__cause__ = error
    return failure


def is_on_call_stack(objects: Iterable[object]) -> bool:
    """Return whether a method of one of these objects is on this thread's call stack.

    Only frames of this package are examined: reading the locals of a frame keeps its variables alive.
    """
    ids = set(map(id, objects))
    frame = currentframe()
    frame = frame and frame.f_back  # without this function's own frame, which would keep itself alive
    while frame is not None:
        name: str = frame.f_globals.get("__name__", "")
        if name.rpartition(".")[0] == _PACKAGE and id(frame.f_locals.get("self")) in ids:
            return True
        frame = frame.f_back
    return False
