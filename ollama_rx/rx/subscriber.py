"""The lower end of a chain: what its subscriber receives, and what happens when the subscriber raises."""

from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any, Generic, NamedTuple, TypeVar, cast

from reactivex import abc
from reactivex.internal import default_error, noop
from reactivex.observer import AutoDetachObserver

from ollama_rx.rx.subscription import ChainSubscription

A = TypeVar("A")

_ON_NEXT = AutoDetachObserver[Any].on_next.__code__


class ChainObserver(NamedTuple, Generic[A]):
    """An observer as three bound functions: where an operator's events go."""

    on_next: Callable[[A], object]
    on_error: Callable[[Exception], object]
    on_completed: Callable[[], object]


def observer_of(
    on_next: abc.ObserverBase[A] | abc.OnNext[A] | None,
    on_error: abc.OnError | None,
    on_completed: abc.OnCompleted | None,
) -> ChainObserver[A]:
    """Return the observer that the arguments of ``subscribe`` stand for, as RxPY reads them."""
    given: Any = on_next
    if callable(getattr(given, "on_next", None)):
        return ChainObserver(given.on_next, given.on_error, given.on_completed)
    return ChainObserver(given or noop, on_error or default_error, on_completed or noop)


def guard_subscriber(subscriber: ChainObserver[A], subscription: ChainSubscription) -> ChainObserver[A]:
    """Allow one terminal event, nothing after it, and nothing after ``dispose()``."""
    on_next = subscriber.on_next

    def guarded(item: A) -> None:
        if not subscription.is_disposed:
            try:
                on_next(item)
            except BaseException as error:  # noqa: BLE001 - a stream turns it into on_error
                _handle_exception(error, subscriber, subscription)

    return ChainObserver(
        guarded,
        partial(_failed, subscription, subscriber.on_error),
        partial(_completed, subscription, subscriber.on_completed),
    )


def _failed(
    subscription: ChainSubscription, on_error: Callable[[Exception], object], error: Exception
) -> None:
    if subscription.claim_terminal():
        on_error(error)


def _completed(subscription: ChainSubscription, on_completed: Callable[[], object]) -> None:
    if subscription.claim_terminal():
        on_completed()


def _handle_exception(
    error: BaseException, subscriber: ChainObserver[Any], subscription: ChainSubscription
) -> None:
    """Send an exception that the subscriber's ``on_next`` has raised to its ``on_error``, and end the chain.

    If operators of RxPY are below the chain, the exception comes from the observer at their end. It is sent
    to that observer directly: a ``retry`` or ``catch`` in between would mistake it for a failure of the
    source. Other subscribers of the chain (there may be some with ``share``) receive it through the chain.

    An exception that no ``on_error`` handles, or that is not an `Exception`, is raised to the producer.
    """
    was_disposed = subscription.is_disposed
    dispose_source = subscription.detach_foreign_source()
    try:
        try:
            subscription.close_machines()
        finally:
            _notify(cast("Exception", error), subscriber, subscription)
        if was_disposed or not isinstance(error, Exception):
            raise error  # noqa: TRY301 - handled below, with what the observers raise
    except BaseException as unhandled:  # noqa: BLE001 - raised to the producer
        subscription.raise_to_producer(unhandled, dispose_source)
    if dispose_source is not None:
        dispose_source()
    subscription.end()


def _notify(error: Exception, subscriber: ChainObserver[Any], subscription: ChainSubscription) -> None:
    """Send the exception to the observer that has raised it, and to the chain's subscriber."""
    try:
        observer = _observer_that_raised(error)
        if observer is not None:
            observer.on_error(error)
    finally:
        if subscription.claim_terminal():
            subscriber.on_error(error)


def _observer_that_raised(error: BaseException) -> AutoDetachObserver[Any] | None:
    """Return RxPY's observer around the callback that has raised, if RxPY's operators are below the chain."""
    found: AutoDetachObserver[Any] | None = None
    trace = error.__traceback__
    while trace is not None and _is_plumbing(trace.tb_frame):
        if trace.tb_frame.f_code is _ON_NEXT:
            observer: AutoDetachObserver[Any] = trace.tb_frame.f_locals["self"]
            found = found if observer.is_stopped else observer
        trace = trace.tb_next
    return found


def _is_plumbing(frame: FrameType) -> bool:
    """Return whether a frame belongs to RxPY or to this package, not to a callback."""
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] in {"reactivex", "ollama_rx"}
