"""The life of one subscription to a chain of streams: it ends once, and everything with it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from threading import RLock
from typing import TypeVar

from reactivex import abc
from reactivex.scheduler import TimeoutScheduler, VirtualTimeScheduler

A = TypeVar("A")


class Life(abc.DisposableBase):
    """What the hops of a chain share: whether it is over, what to close, the clock."""

    __slots__ = (
        "_closers",
        "_finished",
        "_on_completed",
        "_on_error",
        "_timers",
        "lock",
        "now",
        "over",
        "scheduler",
    )

    def __init__(self, scheduler: abc.SchedulerBase | None) -> None:
        self.scheduler = scheduler
        self.now = _clock(scheduler)
        self.over = False
        self.lock: AbstractContextManager[object] = _FREE
        self._finished = False
        self._closers: list[Callable[[], object]] = []
        self._timers: set[_Timer] = set()

    def root(self, on_error: Callable[[Exception], object], on_completed: Callable[[], object]) -> None:
        """Say where the source's terminal events enter the chain."""
        self._on_error = on_error
        self._on_completed = on_completed

    def add(self, closer: Callable[[], object]) -> None:
        """Have something closed at the end; at once, if it is already over."""
        self._closers.append(closer)
        if self.over:
            self._close()

    def entrance(self, on_next: Callable[[A], object]) -> Callable[[A], None]:
        """Return what takes in the items of a foreign source: no late ones, and no exceptions back."""
        lock = self.lock

        def entering(item: A) -> None:
            if self.over:
                return
            try:
                on_next(item)
            except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
                self.raised(error)

        def serialised(item: A) -> None:
            with lock:
                entering(item)

        return entering if lock is _FREE else serialised

    def finish(self) -> bool:
        """Claim the one terminal event; False if it is taken or the subscriber has left."""
        if self._finished or self.over:
            return False
        self._finished = True
        return True

    def fail(self, error: Exception) -> None:
        """Send an error through the chain and end; raises it if the subscriber can't be told."""
        if self.over:
            return
        try:
            with self.lock:
                self._on_error(error)
        finally:
            self.dispose()

    def raised(self, error: Exception) -> None:
        """Turn what the chain raised into its error event; raises it if the stream is over.

        That is what a subscriber raises in ``on_completed``, or after it has disposed.
        """
        if self.over:
            raise error
        self.fail(error)

    def complete(self) -> None:
        """Complete the chain and end; an exception on the way is sent as an error."""
        if self.over:
            return
        try:
            with self.lock:
                self._on_completed()
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            self.raised(error)
        finally:
            self.dispose()

    def dispose(self) -> None:
        """End without a terminal event, from any thread, any number of times."""
        self.over = True
        self._close()

    def _close(self) -> None:
        while self._closers:
            try:
                closer = self._closers.pop()  # atomic: each is called once, also between threads
            except IndexError:
                return
            closer()
        while self._timers:
            try:
                timer = self._timers.pop()
            except KeyError:
                return
            timer.cancel()

    def lock_needed(self) -> None:
        """Serialise the source's items with timer actions, which may come from another thread."""
        if self.lock is _FREE:
            self.lock = RLock()

    def later(self, seconds: float, action: Callable[[], object]) -> Callable[[], None]:
        """Call ``action`` after ``seconds`` unless it is cancelled or over; return the cancel function.

        The clock is the virtual scheduler's if there is one, else the loop that runs in this thread
        (a stream's items arrive on it), else the subscriber's scheduler.
        """
        timer = _Timer()
        if self.over:
            return timer.cancel

        def due(*_: object) -> None:
            self._timers.discard(timer)
            if self.over or timer.cancelled:
                return
            try:
                with self.lock:
                    if not timer.cancelled:
                        action()
            except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
                self.raised(error)

        def cancel() -> None:
            self._timers.discard(timer)
            timer.cancel()

        self._timers.add(timer)
        timer.start(self.scheduler, seconds, due)
        return cancel


def _clock(scheduler: abc.SchedulerBase | None) -> Callable[[], float]:
    """Return what tells the time in seconds; virtual where the scheduler is."""
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


_FREE: AbstractContextManager[object] = nullcontext()
