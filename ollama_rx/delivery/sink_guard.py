"""A sink within a delivery: its calls never overlap, it is closed once, its failures are reported."""

import inspect
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Generic, Protocol, TypeVar

from ollama_rx.errors import SinkError
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.mailbox import Mailbox, MailboxFull
from ollama_rx.sinks._sink import Sink, StopSink

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

_HERE = __name__.rpartition(".")[0]


class Outlet(Protocol[T_contra]):
    """Where the events for one sink go."""

    def on_next(self, item: T_contra, /) -> None:
        """Hand on an item."""
        ...

    def on_completed(self) -> None:
        """Take the end of the stream."""
        ...

    def on_error(self, error: Exception, /) -> None:
        """Take the error of the stream."""
        ...

    def cancel(self) -> None:
        """Close the sink, from any thread."""
        ...


class SinkOutlet(Outlet[T_contra], Protocol[T_contra]):
    """Where the events go that have passed the sink's own operators."""

    def fail(self, error: Exception, /) -> None:
        """Take an error of these operators."""
        ...


class Guard(Generic[T]):
    """Calls a sink.

    No lock is taken per item. Whoever calls the sink says ``busy`` first and then looks at ``over``;
    whoever ends it says ``over`` first and then looks at ``busy``: so one of the two sees the other,
    and the sink is closed by whoever comes last, never while it works.
    """

    __slots__ = ("_busy", "_ended", "_interruptible", "_on_next", "_over", "_report", "_unclosed", "sink")

    def __init__(
        self, sink: Sink[T], report: Callable[[SinkError], object], ended: Callable[[], object]
    ) -> None:
        self.sink = sink
        self._on_next = sink.on_next
        self._report = report
        self._ended = ended
        self._busy = False
        self._over = False
        self._interruptible = True
        self._unclosed = [sink.close]  # taken out by whoever closes; `pop` is atomic

    @property
    def over(self) -> bool:
        """Whether the sink takes no more items."""
        return self._over

    def on_next(self, item: T, /) -> None:
        """Hand on an item."""
        outer = self._busy  # true if the sink, while it worked, made its own source send
        self._busy = True
        try:
            if not self._over:
                self._on_next(item)
        except BaseException as error:  # noqa: BLE001 - reported, and raised again where it is no Exception
            self._failed(error)
        finally:
            self._busy = outer
            if self._over and not outer:
                self._close()

    def on_completed(self) -> None:
        """Tell the sink and close it."""
        self._finish(self.sink.on_completed)

    def on_error(self, error: Exception, /) -> None:
        """Tell the sink and close it."""
        self._finish(partial(self.sink.on_error, error))

    def fail(self, error: Exception, /) -> None:
        """Tell the sink, report that it can't go on, and close it."""

        def last() -> None:
            self.blame(error)
            self.sink.on_error(error)

        self._finish(last)

    def cancel(self) -> None:
        """Interrupt the sink and close it, now or when its call returns."""
        self.interrupt()
        self.leave()

    def interrupt(self) -> None:
        """Ask a sink that waits to stop waiting."""
        if self._interruptible:
            self._interruptible = False
            try:
                self.sink.interrupt()
            except Exception as error:  # noqa: BLE001 - a sink's failure is reported, not raised
                self.blame(error)

    def blame(self, error: BaseException) -> None:
        """Report that the sink failed with this."""
        report = SinkError(self.sink, f"{type(error).__name__}: {error}")
        report.__cause__ = error
        self._report(report)

    def leave(self) -> None:
        """Close the sink, now or when its call returns."""
        self._over = True
        if not self._busy:
            self._close()

    def _finish(self, last: Callable[[], object]) -> None:
        outer = self._busy
        self._busy = True
        try:
            if not self._over:
                self._over = True
                last()
        except BaseException as error:  # noqa: BLE001 - reported, and raised again where it is no Exception
            self._failed(error)
        finally:
            self._busy = outer
            if not outer:
                self._close()

    def _failed(self, error: BaseException) -> None:
        self._over = True
        self._interruptible = False
        if not isinstance(error, StopSink):
            self.blame(error)
        if not isinstance(error, Exception):
            raise error

    def _close(self) -> None:
        try:
            close = self._unclosed.pop()
        except IndexError:
            return
        self._interruptible = False
        try:
            close()
        except StopSink:
            return
        except Exception as error:  # noqa: BLE001 - a sink's failure is reported, not raised
            self.blame(error)
        finally:
            self._ended()


class Worker(Generic[T]):
    """Calls a blocking sink on a thread of its own, behind a mailbox."""

    def __init__(self, guard: Guard[T], upstream: PausableScheduler | None) -> None:
        sink = guard.sink
        self._guard = guard
        self._mailbox = Mailbox[T](sink.max_waiting, sink.when_full)
        self._mailbox.upstream = upstream
        self._last: Callable[[], object] = guard.leave
        self.on_next = self._put_or_fail if sink.when_full == "fail" else self._mailbox.put

    def start(self) -> None:
        """Start the thread; it ends with the sink."""
        Thread(target=self._work, name="ollama-rx-sink", daemon=True).start()

    def on_completed(self) -> None:
        """Complete after the items that wait."""
        self._end(self._guard.on_completed)

    def on_error(self, error: Exception, /) -> None:
        """Fail after the items that wait."""
        self._end(partial(self._guard.on_error, error))

    def fail(self, error: Exception, /) -> None:
        """Report the failure after the items that wait."""
        self._end(partial(self._guard.fail, error))

    def cancel(self) -> None:
        """Drop what waits and close the sink on its thread."""
        self._stop(self._guard.leave)
        self._guard.interrupt()

    def _put_or_fail(self, item: T, /) -> None:
        try:
            self._mailbox.put(item)
        except MailboxFull as error:
            self._stop(self._guard.leave)
            self._guard.blame(error)

    def _end(self, last: Callable[[], object]) -> None:
        if not self._mailbox.ended:
            self._last = last
            self._mailbox.end()

    def _stop(self, last: Callable[[], object]) -> None:
        self._last = last
        self._mailbox.close()

    def _work(self) -> None:
        guard = self._guard
        try:
            with suppress(SystemExit):  # it is reported, and this is not the thread that can exit
                for item in self._mailbox:
                    guard.on_next(item)
                    if guard.over:
                        return
                self._last()
        finally:
            self._mailbox.close()


def is_inside(objects: Iterable[object]) -> bool:
    """Tell whether one of this thread's calls, up to here, is a method of one of these objects.

    Frames of other code are not looked into: that would keep their variables alive.
    """
    ids = set(map(id, objects))
    frame = inspect.currentframe()
    while frame is not None:
        name: str = frame.f_globals.get("__name__", "")
        if name.rpartition(".")[0] == _HERE and id(frame.f_locals.get("self")) in ids:
            return True
        frame = frame.f_back
    return False
