"""The subscription that all operators of a chain share; its end stops their timers and their source."""

import asyncio
import time
from collections.abc import Callable
from threading import RLock
from typing import TypeVar

from reactivex import abc
from reactivex.scheduler import TimeoutScheduler, VirtualTimeScheduler

from ollama_rx.rx.event_loops import user_loop

A = TypeVar("A")

_RETRY = 0.001  # seconds after which a timer on a user's loop tries again to enter a chain that is in use


class ChainSubscription(abc.DisposableBase):
    """The state of a chain: whether it has ended, what to tear down at the end, its timers and its clock."""

    __slots__ = (
        "_lock",
        "_on_completed",
        "_on_error",
        "_teardowns",
        "_terminated",
        "_timers",
        "is_disposed",
        "now",
        "scheduler",
    )

    def __init__(self, scheduler: abc.SchedulerBase | None) -> None:
        self.scheduler = scheduler
        self.now = _clock(scheduler)
        self.is_disposed = False
        self._lock = RLock()
        self._terminated = False
        self._teardowns: list[Callable[[], object]] = []
        self._timers: set[_Timer] | None = None  # most chains have none

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

    def serialize_foreign(self, on_next: Callable[[A], object]) -> Callable[[A], None]:
        """Wrap ``on_next`` for a source that is not a `ChainedObservable`.

        Calls never overlap, with each other or with a timer's action; so two chains that feed each other from
        two threads can deadlock, as with RxPY's ``merge``. Late items are dropped. An exception is routed to
        ``on_error`` instead of the source.
        """
        lock = self._lock

        def guarded(item: A) -> None:
            with lock:
                if self.is_disposed:
                    return
                try:
                    on_next(item)
                except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
                    self.handle_exception(error)

        return guarded

    def claim_terminal(self) -> bool:
        """Claim the one terminal event; False if it was sent already or the subscriber has disposed."""
        if self._terminated or self.is_disposed:
            return False
        self._terminated = True
        return True

    def fail(self, error: Exception) -> None:
        """Send an error through the chain and dispose; raises it if no subscriber can receive it."""
        if self.is_disposed:
            return
        try:
            with self._lock:
                self._on_error(error)
        finally:
            self.dispose()

    def handle_exception(self, error: Exception) -> None:
        """Turn an exception raised in the chain into its error event; raise it if the chain has ended.

        The chain has ended when a subscriber raises in ``on_completed``, or after it has disposed.
        """
        if self.is_disposed:
            raise error
        self.fail(error)

    def complete(self) -> None:
        """Complete the chain and dispose; an exception raised meanwhile is sent as an error."""
        if self.is_disposed:
            return
        try:
            with self._lock:
                self._on_completed()
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            self.handle_exception(error)
        finally:
            self.dispose()

    def dispose(self) -> None:
        """End without a terminal event; from any thread, any number of times."""
        self.is_disposed = True
        self._tear_down()

    def _tear_down(self) -> None:
        while self._teardowns:
            try:
                teardown = self._teardowns.pop()  # atomic: each is called once, also between threads
            except IndexError:
                return
            teardown()
        while self._timers:
            try:
                timer = self._timers.pop()
            except KeyError:
                return
            timer.cancel()

    def call_later(self, seconds: float, action: Callable[[], object]) -> Callable[[], None]:
        """Call ``action`` after ``seconds`` unless cancelled or disposed; return the function that cancels.

        The clock is the virtual scheduler's if there is one, else the loop that runs in this thread (a
        stream's items arrive on it), else the subscriber's scheduler.
        """
        timer = _Timer()
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
            except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
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
    __slots__ = ("_stop", "cancelled")

    def __init__(self) -> None:
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
