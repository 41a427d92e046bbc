"""Try a request again that failed before it gave anything."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from reactivex import Observable, abc
from reactivex.scheduler import TimeoutScheduler

from ollama_rx.arguments import check_seconds, check_whole
from ollama_rx.rx.event_loops import run_on_loop, user_loop
from ollama_rx.rx.operator import ChainedObservable, ChainObserver
from ollama_rx.rx.subscription import ChainSubscription

A = TypeVar("A")

Wait = float | Callable[[int], float]

_FIRST_WAIT = 0.5  # seconds: a server that restarts, or a full queue, is back within a few of these
_LONGEST_WAIT = 30.0


def retry_unstarted(times: int = 3, *, wait: Wait | None = None) -> Callable[[Observable[A]], Observable[A]]:
    """Subscribe again when the stream fails before its first item, with an error that says ``retryable``.

    ::

        source  --#                 the server is busy
                    ---a--b-|       2 seconds later it answers
        items   -------a--b-|       retry_unstarted(wait=2)

    An answer that has begun is never retried: its text would come twice. So every error after the first
    item passes, and every error without a true ``retryable`` (`OllamaError` and others alike), and the
    last one when all retries are used up. Nothing is held back; cancel ends a wait at once.

    Put it right behind the client: what stands before it is subscribed again too.

    Args:
        times: retries after the first failure.
        wait: seconds, or a function of the retry's number (from 1 on) that returns them. By default
            0.5, 1, 2, 4 and so on, at most 30.

    >>> import reactivex as rx
    >>> from ollama_rx.errors import BusyError
    >>> answers = iter([rx.throw(BusyError(503, "busy")), rx.of("Hi")])
    >>> rx.defer(lambda _: next(answers)).pipe(retry_unstarted(wait=0)).run()
    'Hi'
    """
    check_whole("times", times, least=1)
    seconds = wait if callable(wait) else _doubling if wait is None else _always(wait)

    def operator(source: Observable[A]) -> Observable[A]:
        return _Retried(source, times, seconds)

    return operator


def _doubling(retry: int) -> float:
    return min(_FIRST_WAIT * 2.0 ** min(retry - 1, 10), _LONGEST_WAIT)


def _always(seconds: float) -> Callable[[int], float]:
    check_seconds("wait", seconds, zero=True)
    return lambda _: seconds


class _Retried(ChainedObservable[A]):
    def __init__(self, source: Observable[A], times: int, seconds: Callable[[int], float]) -> None:
        super().__init__()
        self._source = source
        self._times = times
        self._seconds = seconds

    def subscribe_chained(self, observer: ChainObserver[A], subscription: ChainSubscription) -> None:
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        attempts = _Attempts(self._source, self._times, self._seconds, observer.on_next, subscription)
        subscription.add_teardown(attempts.close)
        attempts.begin()


class _Attempts(Generic[A]):
    """One subscription after another, until one delivers or the retries are used up."""

    def __init__(
        self,
        source: Observable[A],
        times: int,
        seconds: Callable[[int], float],
        on_next: Callable[[A], object],
        subscription: ChainSubscription,
    ) -> None:
        self._source = source
        self._times = times
        self._seconds = seconds
        self._take = subscription.guard_foreign(on_next)
        self._subscription = subscription
        self._loop = user_loop()
        self._retry = 0
        self._delivered = False
        self._stop: Callable[[], object] | None = None  # ends the attempt, or the wait for it
        self._subscribing: int | None = None  # the thread that does
        self._at_once = False  # it shall subscribe once more

    def begin(self) -> None:
        """Subscribe, unless the subscriber has left meanwhile."""
        self._at_once = True
        while (
            self._at_once and not self._subscription.is_disposed
        ):  # no recursion: it may fail in `subscribe` each time
            self._at_once = False
            retry = self._retry
            self._subscribing = threading.get_ident()
            attempt = self._source.subscribe(
                self._next, self._failed, self._subscription.complete, scheduler=self._subscription.scheduler
            )
            self._subscribing = None
            if retry == self._retry:
                self._until(attempt.dispose)
            else:
                attempt.dispose()  # it failed while it was being subscribed

    def close(self) -> None:
        """End what is going on, attempt or wait."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def _until(self, stop: Callable[[], object]) -> None:
        self._stop = stop
        if self._subscription.is_disposed:
            self.close()

    def _next(self, item: A) -> None:
        self._delivered = True
        self._take(item)

    def _failed(self, error: Exception) -> None:
        retryable = not self._delivered and getattr(error, "retryable", False) is True
        if not retryable or self._retry == self._times:
            self._subscription.fail(error)
            return
        self._retry += 1
        try:
            seconds = self._seconds(self._retry)
            check_seconds("wait", seconds, zero=True)
        except Exception as broken:  # noqa: BLE001 - a stream turns it into on_error
            self._subscription.fail(broken)
            return
        if seconds > 0:
            self._wait(seconds)
        elif self._subscribing == threading.get_ident():
            self._at_once = True
        else:
            self.begin()

    def _wait(self, seconds: float) -> None:
        """Begin again later, where the subscriber began: on its scheduler, its loop, or a thread."""
        scheduler = self._subscription.scheduler
        if scheduler is None and self._loop is not None:
            run_on_loop(self._loop, partial(self._wait_on, self._loop, seconds))
            return

        def due(_scheduler: abc.SchedulerBase, _state: object = None) -> None:
            self.begin()

        self._until((scheduler or TimeoutScheduler.singleton()).schedule_relative(seconds, due).dispose)

    def _wait_on(self, loop: asyncio.AbstractEventLoop, seconds: float) -> None:
        self._until(partial(run_on_loop, loop, loop.call_later(seconds, self.begin).cancel))
