"""One source after another for the same subscriber: another try, another host, the next round of a turn."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.internal import noop
from reactivex.scheduler import TimeoutScheduler

from ollama_rx.rx.event_loops import run_on_loop, user_loop
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.rx.trampoline import run_in_trampoline

A = TypeVar("A")


class SerialSource(Generic[A]):
    """Subscribes to sources for one chain, one at a time.

    Each source ends with a call of ``on_error`` or ``on_completed``, which decides: it calls `follow_with` to
    go on, or it ends the chain.

    The first source is subscribed to on the subscriber's thread, a later one where the one before has ended,
    or, after a wait, on the subscriber's scheduler or event loop, else on a timer's thread. Events come on a
    source's thread, possibly before its ``subscribe`` has returned.
    """

    def __init__(
        self,
        subscription: ChainSubscription,
        on_next: Callable[[A], object],
        on_error: Callable[[Exception], None],
        on_completed: Callable[[], None],
    ) -> None:
        self._subscription = subscription
        self._on_next = subscription.serialize_foreign(on_next)
        self._on_error = on_error
        self._on_completed = on_completed
        self._loop = user_loop()
        self._context = copy_context()  # a timer's thread does not have the subscriber's variables
        self._lock = threading.RLock()  # for the next two fields; a signal handler may interrupt the holder
        self._turn = 0  # the number of the current wait or subscription
        self._cancel: Callable[[], object] | None = None  # ends it
        self._subscribing: _Subscribing[A] | None = None  # while a source's ``subscribe`` runs
        subscription.set_foreign_source(self.close)

    def follow_with(self, source: Observable[A], *, seconds: float = 0) -> None:
        """Subscribe to the next source, after so many seconds, unless the chain has been disposed."""
        turn = self._begin_turn()
        if seconds > 0:
            self._subscribe_later(turn, source, seconds)
        elif (subscribing := self._subscribing) and subscribing.thread == threading.get_ident():
            subscribing.next = source  # the one before has ended inside its ``subscribe``
        else:
            run_in_trampoline(partial(self._subscribe, source))

    def close(self) -> None:
        """End the current wait or subscription; from any thread, any number of times."""
        with self._lock:
            cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()
        if self._subscription.is_disposed:
            # They refer to what refers to this: without a cycle all is freed at once.
            self._on_next = self._on_error = self._on_completed = noop

    def _subscribe(self, source: Observable[A]) -> None:
        """Subscribe to a source, and to those that follow inside its ``subscribe``.

        This is a loop because recursion could become too deep.
        """
        following: Observable[A] | None = source
        while following is not None and not self._subscription.is_disposed:
            turn = self._begin_turn()
            subscribing = self._subscribing = _Subscribing[A](threading.get_ident())
            try:
                inner = following.subscribe(
                    self._on_next,
                    self._on_error,
                    self._on_completed,
                    scheduler=self._subscription.scheduler,
                )
            except BaseException as error:  # noqa: BLE001 - a stream turns it into on_error
                self._subscription.handle_exception(error)
                return
            if self._subscribing is subscribing:
                self._subscribing = None
            self._set_cancel(turn, inner.dispose)
            following = subscribing.next

    def _begin_turn(self) -> int:
        with self._lock:
            self._turn += 1
            return self._turn

    def _set_cancel(self, turn: int, cancel: Callable[[], object]) -> None:
        """Set what ends this turn; call it now if a later turn has begun, or the chain was disposed."""
        with self._lock:
            is_current = turn == self._turn
            if is_current:
                self._cancel = cancel
        if not is_current:
            cancel()
        elif self._subscription.is_disposed:  # `close` may have come before there was something to cancel
            self.close()

    def _subscribe_later(self, turn: int, source: Observable[A], seconds: float) -> None:
        scheduler = self._subscription.scheduler
        if scheduler is None and self._loop is not None:
            run_on_loop(self._loop, partial(self._call_later, self._loop, turn, source, seconds))
            return

        def on_timer(_scheduler: abc.SchedulerBase, _state: object = None) -> None:
            self._context.copy().run(run_in_trampoline, partial(self._subscribe, source))

        timer = (scheduler or TimeoutScheduler.singleton()).schedule_relative(seconds, on_timer)
        self._set_cancel(turn, timer.dispose)

    def _call_later(
        self, loop: asyncio.AbstractEventLoop, turn: int, source: Observable[A], seconds: float
    ) -> None:
        """Set the timer on the event loop; runs there."""
        timer = loop.call_later(seconds, run_in_trampoline, partial(self._subscribe, source))
        self._set_cancel(turn, partial(run_on_loop, loop, timer.cancel))


@dataclass(slots=True)
class _Subscribing(Generic[A]):
    """A ``subscribe`` that runs: on which thread, and what is to follow when it returns."""

    thread: int
    next: Observable[A] | None = None
