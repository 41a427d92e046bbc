"""The subscription that all operators of a chain share; its end stops their timers and their source."""

import asyncio
import math
import time
from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import NoReturn, TypeVar, cast

from reactivex import abc
from reactivex.internal import noop
from reactivex.scheduler import TimeoutScheduler, VirtualTimeScheduler

from ollama_rx.rx.event_loops import user_loop

A = TypeVar("A")

_RETRY = 0.001  # seconds after which a timer on a user's loop tries again to enter a chain that is in use


class ChainSubscription(abc.DisposableBase):
    """The state of a chain: whether it has ended, what to tear down at the end, its timers and its clock.

    A chain ends from the top: the source's terminal event, or an operator that completes early, ends the
    input; the machines flush; then the subscriber receives the terminal event, and nothing after it.

    Teardowns are called in reverse order, so the source's first. The *level* of an operator is the number of
    teardowns below it.
    """

    __slots__ = (
        "_dispose_source",
        "_input_ended",
        "_lock",
        "_lowest_left",
        "_on_completed",
        "_on_error",
        "_teardowns",
        "_timers",
        "_unhandled",
        "is_cancelled",
        "is_disposed",
        "now",
        "scheduler",
    )

    def __init__(self, scheduler: abc.SchedulerBase | None) -> None:
        self.scheduler = scheduler
        self.now = _clock(scheduler)
        self.is_disposed = False  # the subscriber receives nothing more
        self.is_cancelled = False  # `dispose` was called before the end
        self._input_ended = False  # the machines receive no more items
        self._lock = RLock()
        self._lowest_left: float = math.inf  # the level of the operator that has completed early
        self._teardowns: list[Callable[[], object]] = []
        self._dispose_source: Callable[[], object] | None = None
        self._timers: set[_Timer] | None = None  # most chains have none
        self._unhandled: BaseException | None = None  # raised to the foreign source, see `raise_to_producer`

    @property
    def level(self) -> int:
        """The level of an operator that is added now."""
        return len(self._teardowns)

    def set_terminal_handlers(
        self, on_error: Callable[[Exception], object], on_completed: Callable[[], object]
    ) -> None:
        """Set the functions that receive the source's terminal events."""
        self._on_error = on_error
        self._on_completed = on_completed

    def add_teardown(self, teardown: Callable[[], object]) -> None:
        """Call ``teardown`` once at the end of the chain; now, if the chain has ended already."""
        self._teardowns.append(teardown)
        if self.is_disposed:
            self._tear_down()

    def set_foreign_source(self, dispose: Callable[[], object]) -> None:
        """Set what disposes a source that is not a `ChainedObservable`; done now if the input has ended."""
        self._dispose_source = dispose
        if self._input_ended:
            self._leave_source()

    def detach_foreign_source(self) -> Callable[[], object] | None:
        """Return what disposes the source, if there is something, and leave that to the caller."""
        dispose, self._dispose_source = self._dispose_source, None
        return dispose

    def serialize_foreign(self, on_next: Callable[[A], object]) -> Callable[[A], None]:
        """Wrap ``on_next`` for a source that is not a `ChainedObservable`.

        Calls never overlap, with each other or with a timer's action; so two chains that feed each other from
        two threads can deadlock, as with RxPY's ``merge``. Late items are dropped. An exception is routed to
        ``on_error`` instead of the source.
        """
        lock = self._lock

        def guarded(item: A) -> None:
            with lock:
                if self._input_ended:
                    self._leave_source()
                    return
                try:
                    on_next(item)
                except BaseException as error:
                    if error is self._unhandled:
                        raise
                    self.handle_exception(error)

        return guarded

    def claim_terminal(self) -> bool:
        """Claim the one terminal event; False if it was sent already or the subscriber has disposed."""
        if self.is_disposed:
            return False
        self.is_disposed = self._input_ended = True
        return True

    def fail(self, error: Exception) -> None:
        """Send an error through the chain and dispose; raise one that the subscriber has not handled."""
        if error is self._unhandled:
            self.end()
            self._unhandled = None
            raise error
        self._end_input(partial(self._on_error, error))

    def complete(self) -> None:
        """Complete the chain and dispose."""
        self._end_input(self._on_completed)

    def complete_early(self, level: int, on_completed: Callable[[], object]) -> None:
        """Complete the chain below an operator, but first dispose what is above it.

        So an operator above, such as `gather_stats`, has reported before the subscriber is notified.
        """
        with self._lock:
            if self.is_disposed or level >= self._lowest_left:
                return
            self._lowest_left = level
            self._input_ended = True
            try:
                self._tear_down(level)
            finally:
                try:
                    on_completed()
                finally:
                    self.end()

    def handle_exception(self, error: BaseException) -> None:
        """Turn an exception raised in the chain into its error event; raise it if the chain has ended.

        The chain has ended if the subscriber has raised or disposed. An exception that is not an `Exception`
        (``SystemExit``, ``CancelledError``) is sent as an error too, and then raised.
        """
        if self._input_ended:
            self.end()
            raise error
        self.fail(cast("Exception", error))
        if not isinstance(error, Exception):
            raise error

    def dispose(self) -> None:
        """End without a terminal event; from any thread, any number of times."""
        if not self._input_ended:
            self.is_cancelled = True
        self.end()

    def end(self) -> None:
        """Send nothing more, and tear everything down."""
        self.is_disposed = self._input_ended = True
        self._on_error = self._on_completed = noop  # they refer to this: without a cycle all is freed at once
        self._tear_down()

    def close_machines(self) -> None:
        """Tear everything down, but leave the terminal event to be sent."""
        self._input_ended = True
        self._tear_down()

    def raise_to_producer(
        self, error: BaseException, dispose_source: Callable[[], object] | None
    ) -> NoReturn:
        """End, and raise an exception that the subscriber has raised and not handled.

        A foreign source is not disposed before its next event: sources of RxPY catch the exception and send
        it back as an error, which `fail` raises; a disposed source would lose it.
        """
        self.end()
        self._dispose_source = dispose_source
        self._unhandled = error
        raise error

    def _end_input(self, send_terminal: Callable[[], object]) -> None:
        is_first = False
        try:
            with self._lock:
                is_first = not self._input_ended
                if is_first:
                    self._input_ended = True
                    send_terminal()
        finally:
            if is_first:
                self.end()

    def _leave_source(self) -> None:
        dispose = self.detach_foreign_source()
        if dispose is not None:
            dispose()

    def _tear_down(self, level: int = 0) -> None:
        """Dispose the source and what is above ``level``: teardowns and timers."""
        for timer in tuple(self._timers or ()):
            if timer.level >= level:
                timer.cancel()
        try:
            self._leave_source()
        finally:
            self._call_teardowns(level)

    def _call_teardowns(self, level: int) -> None:
        while len(self._teardowns) > level:
            try:
                teardown = self._teardowns.pop()  # atomic: each is called once, also between threads
            except IndexError:
                return
            try:
                teardown()
            except BaseException:
                self._call_teardowns(level)  # an exception does not keep the others from being called
                raise

    def call_later(
        self, seconds: float, action: Callable[[], object], *, level: int = 0
    ) -> Callable[[], None]:
        """Call ``action`` after ``seconds`` unless cancelled or disposed; return the function that cancels.

        The clock is the virtual scheduler's if there is one, else the loop that runs in this thread (a
        stream's items arrive on it), else the subscriber's scheduler.
        """
        timer = _Timer(level)
        if self.is_disposed:
            return timer.cancel
        timers = self._timers
        if timers is None:
            timers = self._timers = set()

        def due(*_: object) -> None:
            lock = self._lock
            if self.is_disposed or timer.cancelled:
                timers.discard(timer)
                return
            # A thread that holds the lock may wait for a reader on this loop, so the loop must not wait.
            if not lock.acquire(blocking=user_loop() is None):
                timer.start(self.scheduler, _RETRY, due)
                return
            timers.discard(timer)
            try:
                try:
                    if not timer.cancelled:
                        action()
                finally:
                    lock.release()
            except BaseException as error:  # noqa: BLE001 - a stream turns it into on_error
                self.handle_exception(error)

        def cancel() -> None:
            timers.discard(timer)
            timer.cancel()

        timers.add(timer)
        timer.start(self.scheduler, seconds, due)
        return cancel


def _clock(scheduler: abc.SchedulerBase | None) -> Callable[[], float]:
    """Return a function that gives the time in seconds: virtual time on a virtual scheduler."""
    if not isinstance(scheduler, VirtualTimeScheduler):
        return time.monotonic

    def virtual() -> float:
        return scheduler.now.timestamp()

    return virtual


class _Timer:
    __slots__ = ("_stop", "cancelled", "level")

    def __init__(self, level: int) -> None:
        self.level = level
        self.cancelled = False
        self._stop: Callable[[], object] | None = None

    def start(self, scheduler: abc.SchedulerBase | None, seconds: float, due: Callable[..., None]) -> None:
        if not isinstance(scheduler, VirtualTimeScheduler):
            try:
                self._stop = asyncio.get_running_loop().call_later(seconds, due).cancel
            except RuntimeError:
                scheduler = scheduler or TimeoutScheduler.singleton()
            else:
                return
        self._stop = scheduler.schedule_relative(seconds, due).dispose

    def cancel(self) -> None:
        self.cancelled = True
        if self._stop is not None:
            self._stop()
