"""An exception of the subscriber ends the chain, reaches whoever can handle it, and is never lost."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.scheduler import NewThreadScheduler
from reactivex.subject import Subject

from ollama_rx.chunks import Chunk
from ollama_rx.operators import accumulate_text, gather_stats, retry_unstarted, text
from ollama_rx.rx.operator import Emitter, through
from ollama_rx.rx.subscriber import ChainObserver, guard_subscriber
from ollama_rx.rx.subscription import ChainSubscription

DEADLINE = 5.0  # seconds; only reached when something is broken
BOOM = RuntimeError("boom")


class Forward:
    """A machine that passes everything on."""

    def __init__(self, out: Emitter[Any]) -> None:
        self.feed = out.emit


def forward() -> Callable[[Observable[Any]], Observable[Any]]:
    return through(Forward)


def same(item: object) -> object:
    return item


def fail(_: object) -> None:
    raise BOOM


def leave(_: object) -> None:
    raise SystemExit(3)


class CountingSource(Observable[str]):
    """Counts its subscriptions, and never ends by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.subscriptions = 0
        self.subject: Subject[str] = Subject()
        self.subscribed = threading.Event()

    def subscribe(self, *args: Any, **more: Any) -> rx.abc.DisposableBase:
        self.subscriptions += 1
        subscription = self.subject.subscribe(*args, **more)
        self.subscribed.set()
        return subscription


PIPELINES: dict[str, list[Callable[[Observable[Any]], Observable[Any]]]] = {
    "a machine": [forward()],
    "RxPY below": [forward(), ops.map(same)],
    "RxPY between": [forward(), ops.map(same), forward()],
    "retry below": [forward(), ops.retry()],
    "retry further below": [forward(), ops.map(same), ops.retry(), ops.filter(lambda _: True)],
    "retry between": [forward(), ops.retry(), forward()],
    "catch below": [forward(), ops.catch(lambda _, source: source), ops.map(same)],
    "retry_unstarted": [forward(), retry_unstarted(), forward()],
}
ALL_PIPELINES = pytest.mark.parametrize("operators", PIPELINES.values(), ids=PIPELINES)


@ALL_PIPELINES
def test_the_exception_reaches_on_error_and_the_source_is_left(operators: list[Any]) -> None:
    source = CountingSource()
    errors: list[Exception] = []
    source.pipe(*operators).subscribe(fail, errors.append)
    source.subject.on_next("a")
    source.subject.on_next("b")
    assert errors == [BOOM]
    assert source.subscriptions == 1
    assert not source.subject.observers


@ALL_PIPELINES
def test_without_on_error_the_exception_is_raised_to_the_producer(operators: list[Any]) -> None:
    source = CountingSource()
    source.pipe(*operators).subscribe(fail)
    with pytest.raises(RuntimeError, match="boom"):
        source.subject.on_next("a")
    source.subject.on_next("b")
    assert source.subscriptions == 1
    assert not source.subject.observers


@ALL_PIPELINES
def test_system_exit_reaches_on_error_and_the_producer(operators: list[Any]) -> None:
    source = CountingSource()
    errors: list[BaseException] = []
    source.pipe(*operators).subscribe(leave, errors.append)
    with pytest.raises(SystemExit):
        source.subject.on_next("a")
    source.subject.on_next("b")
    assert [type(error) for error in errors] == [SystemExit]
    assert source.subscriptions == 1
    assert not source.subject.observers


@pytest.mark.parametrize(
    "operators",
    [operators for name, operators in PIPELINES.items() if name != "retry between"],
    ids=[name for name in PIPELINES if name != "retry between"],
)
def test_a_synchronous_source_raises_it_from_subscribe(operators: list[Any]) -> None:
    with pytest.raises(RuntimeError, match="boom"):
        rx.of("a").pipe(*operators).subscribe(fail)


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], BaseException | None]]:
    found: list[BaseException | None] = []
    arrived = threading.Event()

    def excepthook(arguments: threading.ExceptHookArgs) -> None:
        found.append(arguments.exc_value)
        arrived.set()

    def wait() -> BaseException | None:
        assert arrived.wait(DEADLINE)
        return found[0]

    monkeypatch.setattr(threading, "excepthook", excepthook)
    yield wait
    assert len(found) == 1


@pytest.mark.parametrize("name", ["a machine", "RxPY below", "RxPY between", "retry_unstarted"])
def test_a_source_on_a_thread_reports_it(name: str, reported: Callable[[], BaseException | None]) -> None:
    source: Observable[str] = rx.from_iterable(["a"], scheduler=NewThreadScheduler())
    source.pipe(*PIPELINES[name]).subscribe(fail)
    assert reported() is BOOM


def test_the_other_subscribers_of_a_shared_chain_receive_the_exception() -> None:
    source: Subject[str] = Subject()
    errors: list[Any] = []
    others: list[Any] = []
    shared = source.pipe(forward(), ops.share())
    shared.subscribe(fail, errors.append)
    shared.subscribe(others.append, others.append)
    source.on_next("a")
    assert (errors, others) == ([BOOM], [BOOM])
    assert not source.observers


def test_an_exception_of_a_callback_inside_a_callback_is_the_subscribers() -> None:
    source = CountingSource()
    errors: list[Exception] = []

    def subscribe_and_fail(_: object) -> None:
        rx.of("inner").pipe(ops.map(same)).subscribe(fail)

    source.pipe(forward()).subscribe(subscribe_and_fail, errors.append)
    source.subject.on_next("a")
    assert errors == [BOOM]


def test_an_exception_of_on_error_is_raised_to_the_producer() -> None:
    source: Subject[str] = Subject()
    source.pipe(forward()).subscribe(fail, fail)
    with pytest.raises(RuntimeError, match="boom"):
        source.on_next("a")


def test_an_operator_of_rxpy_that_fails_below_a_chain_is_retried_as_always() -> None:
    source = CountingSource()
    failures = iter([ValueError("first"), None])

    def fail_once(item: str) -> str:
        failure = next(failures)
        if failure is not None:
            raise failure
        return item

    seen: list[str] = []
    source.pipe(forward(), ops.map(fail_once), ops.retry()).subscribe(seen.append)
    source.subject.on_next("a")
    source.subject.on_next("b")
    assert seen == ["b"]
    assert source.subscriptions == 2


def test_run_raises_system_exit_of_a_callback_and_does_not_retry() -> None:
    source = CountingSource()
    stream = source.pipe(accumulate_text(), ops.retry(), ops.do_action(leave))
    raised: list[type[BaseException]] = []

    def run() -> None:
        try:
            stream.run()
        except SystemExit as error:
            raised.append(type(error))

    thread = threading.Thread(target=run)
    thread.start()
    assert source.subscribed.wait(DEADLINE)
    with pytest.raises(SystemExit):
        source.subject.on_next("a")
    thread.join(DEADLINE)
    assert raised == [SystemExit]
    assert source.subscriptions == 1


def test_stats_are_told_before_the_subscriber_that_raised() -> None:
    told: list[Any] = []
    source: Subject[Chunk] = Subject()
    source.pipe(gather_stats(told.append), text()).subscribe(fail, told.append)
    source.on_next(Chunk({"response": "a"}))
    assert [getattr(event, "ended_by", event) for event in told] == ["disposed", BOOM]


def test_a_terminal_event_that_comes_while_another_thread_disposes_is_dropped() -> None:
    events: list[Any] = []
    subscription = ChainSubscription(None)
    subscriber = ChainObserver[Any](events.append, events.append, lambda: events.append("|"))
    guarded = guard_subscriber(subscriber, subscription)
    subscription.dispose()
    guarded.on_next("a")
    guarded.on_error(BOOM)
    guarded.on_completed()
    assert events == []


# what `subscribe` accepts


def test_an_error_that_is_not_an_exception_is_raised_as_one_without_on_error() -> None:
    def send(observer: Any, _: object) -> Any:
        observer.on_error("text")

    source: Observable[str] = rx.create(send)
    with pytest.raises(Exception, match="text"):
        source.pipe(forward()).subscribe()


def test_a_callable_whose_on_next_is_not_callable_is_a_function() -> None:
    class Receiver:
        on_next = None

        def __init__(self) -> None:
            self.items: list[Any] = []

        def __call__(self, item: object) -> None:
            self.items.append(item)

    receiver = Receiver()
    rx.of("a").pipe(forward()).subscribe(receiver)
    assert receiver.items == ["a"]
