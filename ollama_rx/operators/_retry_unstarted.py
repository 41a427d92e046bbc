"""Retry a request that failed before its first item."""

from collections.abc import Callable
from random import SystemRandom
from typing import Generic, TypeVar

from reactivex import Observable

from ollama_rx.arguments import check_seconds, check_whole
from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.serial_source import SerialSource
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription

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
        _Attempts(self._source, self._times, self._wait_for, observer.on_next, subscription).begin()


class _Attempts(Generic[A]):
    """Subscribes to the source again and again, until an item arrives or the retries are used up."""

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
        self._forward = on_next
        self._subscription = subscription
        self._retries = 0  # so far
        self._has_started = False  # an item has arrived
        self._sources = SerialSource(subscription, self._on_next, self._on_error, subscription.complete)

    def begin(self) -> None:
        """Begin the first attempt."""
        self._sources.follow_with(self._source)

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
        self._sources.follow_with(self._source, seconds=seconds)
