"""Retry a request that failed before its first item."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from random import SystemRandom
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.scheduler import TimeoutScheduler

from ollama_rx.arguments import check_seconds, check_whole
from ollama_rx.rx.event_loops import run_on_loop, user_loop
from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.rx.trampoline import run_in_trampoline

A = TypeVar("A")

Wait = float | Callable[[int], float]

# Seconds, the longest first wait: a server that restarts or has a full queue is back after a few waits.
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0

_random = SystemRandom()  # differs between processes even if they are forked, or seed `random` alike


def retry_unstarted(times: int = 3, *, wait: Wait | None = None) -> Callable[[Observable[A]], Observable[A]]:
    """Subscribe again when the stream fails before its first item, with an error whose ``retryable`` is True.

    ::

        source  --#                 the server is busy
                    ---a--b-|       2 seconds later it answers
        items   -------a--b-|       retry_unstarted(wait=2)

    An answer that has begun is never retried: its text would arrive twice. So an error passes if an item has
    been emitted, if the error has no ``retryable`` that is True (an `OllamaError` or any other), or if all
    retries are used up. Nothing is held back; cancel ends a wait at once.

    Put it directly after the client's stream: operators before it are subscribed to again too.

    Args:
        times: retries after the first failure.
        wait: seconds, or a function that takes the number of the retry (from 1) and returns seconds. By
            default a random time between 0 and 0.5, then between 0 and 1, 2, 4 and so on, at most 30: clients
            that were refused at the same moment do not come back at the same moment ("full jitter").

    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    >>> import reactivex as rx
    >>> from ollama_rx.errors import BusyError
    >>> answers = iter([rx.throw(BusyError(503, "busy")), rx.of("Hi")])
    >>> rx.defer(lambda _: next(answers)).pipe(retry_unstarted(wait=0)).run()
    'Hi'
    """
    check_whole("times", times, least=1)
    wait_for = wait if callable(wait) else _full_jitter if wait is None else _constant(wait)

    def operator(source: Observable[A]) -> Observable[A]:
        return _RetryUnstarted(source, times, wait_for)

    return operator


def _full_jitter(retry: int) -> float:
    return _random.uniform(0, min(_FIRST_WAIT * 2.0 ** min(retry - 1, 10), _LONGEST_WAIT))


def _constant(seconds: float) -> Callable[[int], float]:
    check_seconds("wait", seconds, zero=True)
    return lambda _: seconds


class _RetryUnstarted(ChainedObservable[A]):
    def __init__(self, source: Observable[A], times: int, wait_for: Callable[[int], float]) -> None:
        super().__init__()
        self.item_type = source.item_type if isinstance(source, ChainedObservable) else None
        self._source = source
        self._times = times
        self._wait_for = wait_for

    def subscribe_chained(self, observer: ChainObserver[A], subscription: ChainSubscription) -> None:
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        attempts = _Attempts(self._source, self._times, self._wait_for, observer.on_next, subscription)
        subscription.set_foreign_source(attempts.close)
        attempts.subscribe()


class _Attempts(Generic[A]):
    """Subscribes to the source again and again, until an item arrives or the retries are used up.

    At any time there is one attempt (a subscription to the source) or one wait for the next attempt;
    ``_cancel`` ends it. The first attempt begins on the subscriber's thread, each later one on the
    subscriber's scheduler or event loop, else on a timer's thread (without a wait: where the source failed).
    ``_on_next`` and ``_on_error`` run on the source's thread, possibly before its ``subscribe`` has returned;
    ``close`` may be called from any thread.
    """

    def __init__(
        self,
        source: Observable[A],
        times: int,
        wait_for: Callable[[int], float],
        on_next: Callable[[A], object],
        subscription: ChainSubscription,
    ) -> None:
        self._source = source
        self._times = times
        self._wait_for = wait_for
        self._forward = subscription.serialize_foreign(on_next)
        self._subscription = subscription
        self._loop = user_loop()
        self._context = copy_context()  # a timer's thread does not have the subscriber's variables
        self._retries = 0  # so far
        self._has_started = False  # an item has arrived
        self._cancel: Callable[[], object] | None = None
        self._subscribing_thread: int | None = None  # its id, while it is inside the source's `subscribe`
        self._again = False  # that thread must subscribe once more when `subscribe` returns

    def subscribe(self) -> None:
        """Begin an attempt, unless the chain has been disposed."""
        run_in_trampoline(self._subscribe)

    def _subscribe(self) -> None:
        """Subscribe to the source, and again if it fails inside its ``subscribe``.

        This is a loop because recursion could become too deep.
        """
        self._again = True
        while self._again and not self._subscription.is_disposed:
            self._again = False
            retries = self._retries
            self._subscribing_thread = threading.get_ident()
            attempt = self._source.subscribe(
                self._on_next,
                self._on_error,
                self._subscription.complete,
                scheduler=self._subscription.scheduler,
            )
            self._subscribing_thread = None
            if retries == self._retries:
                self._set_cancel(attempt.dispose)
            else:
                attempt.dispose()  # it has failed already; ``_cancel`` is for the wait or a newer attempt

    def close(self) -> None:
        """End the current attempt or wait."""
        cancel, self._cancel = self._cancel, None
        if cancel is not None:
            cancel()

    def _set_cancel(self, cancel: Callable[[], object]) -> None:
        self._cancel = cancel
        if self._subscription.is_disposed:  # `close` was called before there was something to cancel
            self.close()

    def _on_next(self, item: A) -> None:
        self._has_started = True
        self._forward(item)

    def _on_error(self, error: Exception) -> None:
        is_retryable = not self._has_started and getattr(error, "retryable", False) is True
        if not is_retryable or self._retries == self._times:
            self._subscription.fail(error)
            return
        self._retries += 1
        try:
            seconds = self._wait_for(self._retries)
            check_seconds("wait", seconds, zero=True)
        except Exception as wait_error:  # noqa: BLE001 - a stream turns it into on_error
            self._subscription.fail(wait_error)
            return
        if seconds > 0:
            self._subscribe_later(seconds)
        elif self._subscribing_thread == threading.get_ident():
            self._again = True
        else:
            self.subscribe()

    def _subscribe_later(self, seconds: float) -> None:
        """Begin the next attempt later: on the subscriber's scheduler, its loop, or a timer's thread."""
        scheduler = self._subscription.scheduler
        if scheduler is None and self._loop is not None:
            run_on_loop(self._loop, partial(self._call_later, self._loop, seconds))
            return

        def on_timer(_scheduler: abc.SchedulerBase, _state: object = None) -> None:
            self._context.copy().run(self.subscribe)

        self._set_cancel(
            (scheduler or TimeoutScheduler.singleton()).schedule_relative(seconds, on_timer).dispose
        )

    def _call_later(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        """Set the timer on the event loop; runs there."""
        self._set_cancel(partial(run_on_loop, loop, loop.call_later(seconds, self.subscribe).cancel))
