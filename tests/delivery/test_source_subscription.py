"""Where the one subscription of a delivery runs, and where it is disposed."""

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from reactivex import abc, of
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.scheduler import CurrentThreadScheduler, ImmediateScheduler

from ollama_rx import iterate
from ollama_rx.delivery.source_subscription import SourceSubscription
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.event_loops import about_to_block

pytestmark = pytest.mark.usefixtures("no_thread_left")

DEADLINE = 5.0  # seconds; only reached when something is broken

Subscribe = Callable[[abc.SchedulerBase | None], abc.DisposableBase]


class RecordedSource:
    """Records the calls of a source, with the threads that make them."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.threads: list[threading.Thread] = []

    def record(self, call: Any) -> None:
        self.calls.append(call)
        self.threads.append(threading.current_thread())

    def prepare(self, scheduler: abc.SchedulerBase | None) -> None:
        self.record(("prepare", scheduler))

    def subscribe(self, scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
        self.record(("subscribe", scheduler))
        return Disposable(lambda: self.record("dispose"))


def test_on_a_loop_it_subscribes_with_a_pausable_scheduler_of_that_loop() -> None:
    async def main() -> None:
        source = RecordedSource()
        subscription = SourceSubscription(asyncio.get_running_loop())
        subscription.start(source.subscribe, source.record, source.prepare)
        upstream = subscription.upstream
        assert isinstance(upstream, PausableScheduler)
        assert upstream.loop is asyncio.get_running_loop()
        assert source.calls == [("prepare", upstream), ("subscribe", upstream)]
        assert set(source.threads) == {threading.current_thread()}
        subscription.dispose()
        assert source.calls[2:] == ["dispose"]

    asyncio.run(main())


def test_without_a_loop_it_subscribes_on_a_thread_before_start_returns() -> None:
    source = RecordedSource()
    subscription = SourceSubscription(None)
    subscription.start(source.subscribe, source.record, source.prepare)
    assert source.calls == [("prepare", None), ("subscribe", None)]
    assert {thread.name for thread in source.threads} == {"ollama-rx"}
    assert subscription.upstream is None
    subscription.dispose()
    assert source.calls[2:] == ["dispose"]


def test_start_returns_when_its_thread_is_about_to_block() -> None:
    release = threading.Event()

    def subscribe(_: abc.SchedulerBase | None) -> abc.DisposableBase:
        about_to_block()
        assert release.wait(DEADLINE)
        return Disposable()

    errors: list[Exception] = []
    SourceSubscription(None).start(subscribe, errors.append)
    release.set()
    assert errors == []


def test_an_explicit_scheduler_is_used_on_the_calling_thread() -> None:
    source, scheduler = RecordedSource(), ImmediateScheduler.singleton()
    subscription = SourceSubscription(None, scheduler)
    subscription.start(source.subscribe, source.record)
    assert source.calls == [("subscribe", scheduler)]
    assert source.threads == [threading.current_thread()]
    assert subscription.upstream is None


@pytest.mark.parametrize("failing", ["prepare", "subscribe"])
def test_an_exception_is_passed_to_on_error(failing: str) -> None:
    error = ValueError("no")

    def fail(_: abc.SchedulerBase | None) -> abc.DisposableBase:
        raise error

    source = RecordedSource()
    subscribe: Subscribe = fail if failing == "subscribe" else source.subscribe
    prepare: Callable[[abc.SchedulerBase | None], object] = fail if failing == "prepare" else source.prepare
    errors: list[Exception] = []
    failed = threading.Event()

    def on_error(error: Exception) -> None:
        errors.append(error)
        failed.set()

    SourceSubscription(None).start(subscribe, on_error, prepare)
    assert failed.wait(DEADLINE)
    assert errors == [error]


def test_a_source_is_not_subscribed_to_if_prepare_has_disposed_the_subscription() -> None:
    source = RecordedSource()
    subscription = SourceSubscription(None)
    subscription.start(source.subscribe, source.record, lambda _: subscription.dispose())
    assert source.calls == []


@pytest.mark.parametrize("failure", [SystemExit(3), asyncio.CancelledError()])
@pytest.mark.parametrize("where", ["on a thread", "on a scheduler"])
def test_an_exception_that_is_not_an_error_leaves_no_one_waiting(failure: BaseException, where: str) -> None:
    def fail(_: int) -> int:
        raise failure

    scheduler = CurrentThreadScheduler() if where == "on a scheduler" else None
    errors: list[BaseException] = []
    failed = threading.Event()

    def on_error(error: Exception) -> None:
        errors.append(error)
        failed.set()

    subscription = SourceSubscription(None, scheduler)

    def start() -> None:
        subscription.start(
            lambda scheduler: of(1).pipe(ops.map(fail)).subscribe(on_error=on_error, scheduler=scheduler),
            on_error,
        )

    if scheduler is None:
        start()
    else:
        with pytest.raises(type(failure)):
            start()
    assert failed.wait(DEADLINE)
    assert errors == [failure]


def test_context_variables_reach_the_thread_that_subscribes() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("here")
    assert list(iterate(of(1).pipe(ops.map(lambda _: variable.get())))) == ["here"]


def test_from_another_thread_it_is_disposed_on_its_loop() -> None:
    async def main() -> None:
        source = RecordedSource()
        subscription = SourceSubscription(asyncio.get_running_loop())
        subscription.start(source.subscribe, source.record)
        await asyncio.to_thread(subscription.dispose)
        disposed = asyncio.Event()
        await asyncio.to_thread(subscription.run_on_source_loop, disposed.set)
        await asyncio.wait_for(disposed.wait(), DEADLINE)
        assert source.calls[1:] == ["dispose"]
        assert set(source.threads) == {threading.current_thread()}

    asyncio.run(main())


def test_after_its_loop_is_closed_it_is_disposed_on_the_calling_thread() -> None:
    source = RecordedSource()

    async def main() -> SourceSubscription:
        subscription = SourceSubscription(asyncio.get_running_loop())
        subscription.start(source.subscribe, source.record)
        return subscription

    asyncio.run(main()).dispose()
    assert source.calls[1:] == ["dispose"]
