"""`SerialSource` subscribes to one source after another for the same subscriber."""

import gc
import threading
import weakref
from collections.abc import Callable

import reactivex as rx
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import Disposable, SerialDisposable
from reactivex.internal import noop
from reactivex.subject import Subject

from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.serial_source import SerialSource
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription

DEADLINE = 5.0  # seconds; only reached if a test fails


class InTurn(ChainedObservable[str]):
    """Sends the items of each source, one source after another, whether they complete or fail."""

    def __init__(self, *sources: Observable[str], seconds: float = 0) -> None:
        super().__init__()
        self._sources = sources
        self._seconds = seconds

    def subscribe_chained(self, observer: ChainObserver[str], subscription: ChainSubscription) -> None:
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        rest = list(self._sources)

        def failed(error: Exception) -> None:
            follow_or_end(lambda: subscription.fail(error))

        def completed() -> None:
            follow_or_end(subscription.complete)

        def follow_or_end(end: Callable[[], object]) -> None:
            if rest:
                sources.follow_with(rest.pop(0), seconds=self._seconds)
            else:
                end()

        sources = SerialSource(subscription, observer.on_next, failed, completed)
        sources.follow_with(rest.pop(0))


def test_a_source_follows_one_that_has_completed_or_failed() -> None:
    found: list[str] = []
    InTurn(rx.of("a", "b"), rx.throw(ValueError()), rx.of("c")).subscribe(found.append)
    assert found == ["a", "b", "c"]


def test_the_last_source_decides_how_the_chain_ends() -> None:
    errors: list[Exception] = []
    last = ValueError("last")
    InTurn(rx.of("a"), rx.throw(last)).subscribe(on_error=errors.append)
    assert errors == [last]


def test_one_subscription_at_a_time_which_dispose_ends() -> None:
    first, second = Subject[str](), Subject[str]()
    subscription = InTurn(first, second).subscribe()
    assert (len(first.observers), len(second.observers)) == (1, 0)
    first.on_completed()
    assert (len(first.observers), len(second.observers)) == (0, 1)
    subscription.dispose()
    assert not second.observers


def test_dispose_in_the_last_event_of_a_source_prevents_the_next() -> None:
    first, second = Subject[str](), Subject[str]()
    chain = SerialDisposable()
    ending = first.pipe(ops.do_action(on_completed=chain.dispose))
    chain.disposable = InTurn(ending, second).subscribe()
    first.on_completed()
    assert not second.observers


def test_an_exception_in_the_subscribe_of_a_later_source_is_the_streams_error() -> None:
    class Broken(Observable[str]):
        def subscribe(self, *_: object, **__: object) -> abc.DisposableBase:
            raise KeyError("broken")

    first = Subject[str]()
    errors: list[Exception] = []
    InTurn(first, Broken()).subscribe(on_error=errors.append)
    first.on_completed()
    assert [type(error) for error in errors] == [KeyError]


def test_a_source_that_ends_on_another_thread_inside_its_subscribe_is_not_disposed_in_place_of_the_next() -> (
    None
):
    disposed: list[str] = []
    following = Subject[str]()

    def ends_elsewhere(observer: abc.ObserverBase[str], _: object = None) -> Disposable:
        thread = threading.Thread(target=observer.on_completed)
        thread.start()
        thread.join(DEADLINE)
        return Disposable(lambda: disposed.append("first"))

    subscription = InTurn(rx.create(ends_elsewhere), following).subscribe()
    assert disposed == ["first"]
    assert len(following.observers) == 1
    subscription.dispose()
    assert not following.observers


def test_dispose_inside_the_subscribe_of_a_source_ends_it_when_subscribe_returns() -> None:
    disposed: list[str] = []
    chain: list[abc.DisposableBase] = []

    def disposes(_: abc.ObserverBase[str], __: object = None) -> Disposable:
        chain[0].dispose()
        return Disposable(lambda: disposed.append("second"))

    first = Subject[str]()
    chain.append(InTurn(first, rx.create(disposes)).subscribe())
    first.on_completed()
    assert disposed == ["second"]


class Owner:
    """Owns a `SerialSource`, and is what its events go to."""

    def __init__(self, subscription: ChainSubscription) -> None:
        self.sources = SerialSource[str](subscription, self.ignore, self.ignore, subscription.complete)

    def ignore(self, _: object) -> None:
        """Take an event."""


def test_an_ended_chain_frees_what_its_events_went_to_without_the_garbage_collector() -> None:
    subscription = ChainSubscription(None)
    subscription.set_terminal_handlers(noop, noop)
    owner = Owner(subscription)
    owner.sources.follow_with(rx.never())
    freed = weakref.ref(owner)
    gc.disable()
    try:
        subscription.dispose()
        del owner
        assert freed() is None
    finally:
        gc.enable()
