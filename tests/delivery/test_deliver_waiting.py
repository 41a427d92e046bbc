"""Waiting for a delivery: from threads, from asyncio, with and without ``with``."""

import asyncio
import gc
import itertools
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import reactivex
from reactivex import Observable, abc, of
from reactivex import operators as ops
from reactivex.scheduler import EventLoopScheduler
from reactivex.subject import Subject

from ollama_rx import Chunk, Client, Delivery, SinkError, deliver
from ollama_rx.sinks import Callback, Collector
from ollama_rx.testing import FakeOllama
from tests.recording_sink import RecordingSink, record_subscriptions

DEADLINE = 5.0  # seconds; only reached when something is broken

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_a_wait_that_times_out_leaves_the_delivery_running() -> None:
    source = Subject[int]()
    sink = Collector[int]()
    delivery = deliver(source, sink)
    with pytest.raises(TimeoutError, match=r"not done after 0\.01 s; it continues"):
        delivery.wait(0.01)
    source.on_next(1)
    source.on_completed()
    delivery.wait(5)
    assert sink.items == [1]


@pytest.mark.parametrize(("timeout", "error"), [("5", TypeError), (True, TypeError), (-1, ValueError)])
def test_a_timeout_that_is_not_a_number_of_seconds_is_refused(timeout: Any, error: type[Exception]) -> None:
    delivery = deliver(of(1), Collector[int]())
    with pytest.raises(error, match=r"^timeout: expected a number of seconds of at least 0, got"):
        delivery.wait(timeout)
    delivery.wait(5)


def test_a_timeout_of_zero_asks_without_waiting() -> None:
    delivery = deliver(reactivex.never(), Collector[int]())
    with pytest.raises(TimeoutError, match="not done after 0 s"):
        delivery.wait(0)
    delivery.cancel()
    delivery.wait(0)


def test_each_wait_raises_the_error() -> None:
    delivery = deliver(reactivex.throw(ValueError("no")), Collector[int]())
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            delivery.wait(5)


def test_waiting_on_a_running_loop_is_refused_with_advice() -> None:
    async def main() -> None:
        delivery = deliver(reactivex.never(), Collector[int]())
        with pytest.raises(RuntimeError, match="use `await delivery`"):
            delivery.wait()
        delivery.cancel()
        delivery.wait()  # it is done: nothing blocks

    asyncio.run(main())


def test_many_tasks_and_threads_can_wait_for_one_delivery() -> None:
    async def main() -> None:
        source = Subject[int]()
        sink = RecordingSink(blocking=True)
        delivery = deliver(source, sink)
        waits = [asyncio.ensure_future(delivery), asyncio.ensure_future(delivery)]
        thread = asyncio.ensure_future(asyncio.to_thread(delivery.wait, 5))
        source.on_completed()
        await asyncio.gather(*waits, thread)
        assert sink.calls == ["completed", "close"]

    asyncio.run(main())


def test_awaiting_raises_the_streams_error() -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match="no"):
            await deliver(reactivex.throw(ValueError("no")), Collector[int]())

    asyncio.run(main())


def test_after_the_end_no_task_is_left() -> None:
    async def main() -> None:
        await deliver(of(1), RecordingSink(blocking=True))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_delivery_can_be_awaited_on_another_loop() -> None:
    async def main() -> None:
        sink = RecordingSink()
        delivery = deliver(reactivex.timer(0.01), sink)

        async def wait() -> None:
            await delivery

        await asyncio.to_thread(asyncio.run, wait())
        assert sink.calls == ["next 0", "completed", "close"]

    asyncio.run(main())


def test_a_delivery_that_is_not_awaited_ends_with_its_loop() -> None:
    source, events = record_subscriptions(reactivex.never())
    sinks = RecordingSink(), RecordingSink(blocking=True)

    async def main() -> None:
        deliver(source, *sinks)

    asyncio.run(main())
    assert events == ["subscribed", "disposed"]
    assert sinks[0].calls == ["interrupt", "close"]


def test_cancelling_the_task_that_awaits_cancels_the_delivery() -> None:
    async def main() -> None:
        source, events = record_subscriptions(reactivex.never())
        sink = RecordingSink()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(deliver(source, sink), 0.01)
        assert sink.calls == ["interrupt", "close"]
        assert events == ["subscribed", "disposed"]

    asyncio.run(main())


def test_a_with_block_waits_for_the_end() -> None:
    sink = RecordingSink(blocking=True)
    with deliver(of(1), sink) as delivery:
        assert delivery.sink_errors == ()
    assert sink.calls == ["next 1", "completed", "close"]


def test_a_with_block_raises_the_error() -> None:
    with pytest.raises(SinkError), deliver(of(1), RecordingSink(raises="next")):
        pass


def test_an_exception_in_a_with_block_cancels_and_waits_until_the_sinks_are_closed() -> None:
    sink = RecordingSink(blocking=True)
    with pytest.raises(KeyError), deliver(reactivex.never(), sink):
        raise KeyError
    assert sink.calls == ["interrupt", "close"]


def test_an_exception_in_a_with_block_on_a_loop_cancels() -> None:
    async def main() -> None:
        sink = RecordingSink()
        with pytest.raises(KeyError), deliver(reactivex.never(), sink):
            raise KeyError
        assert sink.calls == ["interrupt", "close"]

    asyncio.run(main())


def test_an_async_with_block_waits_for_the_end() -> None:
    async def main() -> None:
        sink = RecordingSink(blocking=True)
        async with deliver(of(1), sink):
            pass
        assert sink.calls == ["next 1", "completed", "close"]

    asyncio.run(main())


def test_an_exception_in_an_async_with_block_cancels_and_waits_until_the_sinks_are_closed() -> None:
    async def main() -> None:
        sink = RecordingSink(blocking=True)
        with pytest.raises(KeyError):
            async with deliver(reactivex.never(), sink):
                raise KeyError
        assert sink.calls == ["interrupt", "close"]

    asyncio.run(main())


def test_ctrl_c_during_wait_cancels_and_closes_the_sinks_before_it_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pressed: list[float | None] = []
    sink = RecordingSink(blocking=True)
    delivery = deliver(reactivex.never(), sink)
    really_wait = delivery._waiters.get

    def press(timeout: float | None, end: Any) -> object:
        pressed.append(timeout)
        if len(pressed) == 1:
            raise KeyboardInterrupt
        return really_wait(timeout, end)

    monkeypatch.setattr(delivery._waiters, "get", press)
    with pytest.raises(KeyboardInterrupt):
        delivery.wait()
    assert pressed == [None, 1.0]
    assert sink.calls == ["interrupt", "close"]


@contextmanager
def signal_handler(handler: Callable[[], object]) -> Generator[None]:
    def handle(_number: int, _frame: object) -> None:
        handler()

    before = signal.signal(signal.SIGUSR1, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_handler_may_cancel_while_the_main_thread_waits() -> None:
    delivery = deliver(reactivex.never(), Collector[int]())
    with signal_handler(delivery.cancel):
        threading.Timer(
            0.01, lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        ).start()
        delivery.wait(DEADLINE)
    assert delivery.done


def test_a_signal_handler_may_cancel_at_any_line_of_the_main_thread() -> None:
    """At each line that `wait` and `cancel` execute, in turn, a handler cancels."""
    for line in itertools.count():
        delivery = deliver(reactivex.never(), Collector[int]())
        lines = itertools.count()

        def trace(
            *_: object, line: int = line, lines: Iterator[int] = lines, delivery: Delivery = delivery
        ) -> Any:
            if next(lines) == line:
                delivery.cancel()
            return trace

        before = sys.gettrace()  # that of a coverage tool
        sys.settrace(trace)
        try:
            with suppress(TimeoutError):
                delivery.wait(0)
            delivery.cancel()
            delivery.wait(DEADLINE)
        finally:
            sys.settrace(before)
        if next(lines) < line:
            return


@pytest.mark.parametrize("blocking", [False, True])
def test_ctrl_c_during_subscribe_cancels_and_closes_the_sinks(blocking: bool) -> None:  # noqa: FBT001
    main = threading.get_ident()
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    seen = threading.Event()

    def subscribe(_: abc.ObserverBase[int], __: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        signal.pthread_kill(main, signal.SIGINT)
        seen.wait(5)
        return reactivex.never().subscribe()

    sink = RecordingSink(blocking=blocking)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores SIGINT
    try:
        with pytest.raises(KeyboardInterrupt):
            deliver(Observable(subscribe), sink)
    finally:
        signal.signal(signal.SIGINT, before)
    seen.set()
    assert sink.calls == ["interrupt", "close"]


def test_the_source_is_not_subscribed_to_if_every_branch_completes_at_once() -> None:
    source, events = record_subscriptions(of(1))
    deliver(source, Collector[int]().after(ops.take(0))).wait(5)
    assert events == []


# `wait()` in a callback


@pytest.mark.parametrize("scheduler", [None, EventLoopScheduler()], ids=["no scheduler", "a scheduler"])
def test_waiting_in_a_callback_of_the_stream_is_refused_with_advice(scheduler: Any) -> None:
    deliveries: list[Delivery] = []
    delivered = threading.Event()

    def wait(chunk: Chunk) -> Chunk:
        assert delivered.wait(DEADLINE)
        deliveries[0].wait()
        return chunk

    with FakeOllama() as fake, Client(fake.url, model="echo") as client:
        stream = client.generate("a").pipe(ops.map(wait))
        deliveries.append(deliver(stream, Collector[Chunk](), scheduler=scheduler))
        delivered.set()
        with pytest.raises(RuntimeError, match="a callback can't wait for its own delivery"):
            deliveries[0].wait(DEADLINE)


def test_waiting_in_a_callback_of_a_synchronous_source_is_refused() -> None:
    deliveries: list[Delivery] = []
    delivered = threading.Event()

    def wait(item: int) -> int:
        assert delivered.wait(DEADLINE)
        deliveries[0].wait()
        return item

    source = of(1).pipe(ops.map(wait))
    deliveries.append(deliver(source, Collector[int](), scheduler=None))
    delivered.set()
    with pytest.raises(RuntimeError, match="a callback can't wait for its own delivery"):
        deliveries[0].wait(DEADLINE)


def test_a_worker_thread_of_a_callback_may_wait() -> None:
    deliveries: list[Delivery] = []
    delivered, waited = threading.Event(), threading.Event()

    async def wait() -> None:
        await asyncio.to_thread(deliveries[0].wait, DEADLINE)
        waited.set()

    waits: list[asyncio.Future[None]] = []

    def start_waiting(chunk: Chunk) -> Chunk:
        assert delivered.wait(DEADLINE)
        waits.append(asyncio.ensure_future(wait()))
        return chunk

    with FakeOllama() as fake, Client(fake.url, model="echo") as client:
        deliveries.append(deliver(client.generate("a").pipe(ops.map(start_waiting)), Collector[Chunk]()))
        delivered.set()
        deliveries[0].wait(DEADLINE)
        assert waited.wait(DEADLINE)


def test_a_callback_may_wait_for_another_delivery() -> None:
    found = Collector[Chunk]()

    with FakeOllama() as fake, Client(fake.url, model="echo") as client:

        def wait_for_another(chunk: Chunk) -> Chunk:
            deliver(client.generate("b"), found).wait(DEADLINE)
            return chunk

        deliver(client.generate("a").pipe(ops.take(1), ops.map(wait_for_another)), Collector[Chunk]()).wait(
            DEADLINE
        )
    assert "".join(chunk.text for chunk in found.items) == "b"


# a failure that nobody waits for


def failing() -> Observable[int]:
    return reactivex.throw(ValueError("no"))


@pytest.mark.parametrize("where", ["threads", "asyncio"])
def test_a_failure_that_nobody_waits_for_is_logged_once(caplog: pytest.LogCaptureFixture, where: str) -> None:
    async def main() -> None:
        deliver(failing(), Collector[int]())
        await asyncio.sleep(0)

    if where == "asyncio":
        asyncio.run(main())
    else:
        deliver(failing(), Collector[int]())
    gc.collect()
    (record,) = caplog.records
    assert record.getMessage() == "a delivery failed, and neither `wait()` nor `await` was called"
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ValueError)


@pytest.mark.parametrize("operators", [False, True])
def test_a_delivery_is_freed_without_a_garbage_collection(*, operators: bool) -> None:
    async def main() -> bool:
        sink = RecordingSink(blocking=True)
        delivery = deliver(of(1), sink.after(ops.map(str)) if operators else sink)
        await delivery
        freed = weakref.ref(delivery)
        del delivery
        for thread in sink.threads:
            thread.join(DEADLINE)
        await asyncio.sleep(0)
        return freed() is None

    gc.disable()
    try:
        assert asyncio.run(main())
    finally:
        gc.enable()


def test_a_sinks_failure_that_nobody_waits_for_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    deliver(of(1), Callback(lambda _: 1 / 0))
    gc.collect()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [SinkError]


def test_a_failure_that_was_raised_or_read_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    delivery = deliver(failing(), Collector[int]())
    with pytest.raises(ValueError, match="no"):
        delivery.wait()
    broken = deliver(of(1), Callback(lambda _: 1 / 0))
    assert len(broken.sink_errors) == 1
    good = deliver(of(1), Collector[int]())
    good.wait()
    del delivery, broken, good
    gc.collect()
    assert not caplog.records


def test_reading_the_sinks_failures_does_not_hide_the_streams(caplog: pytest.LogCaptureFixture) -> None:
    delivery = deliver(failing(), Collector[int]())
    assert delivery.sink_errors == ()
    del delivery
    gc.collect()
    assert len(caplog.records) == 1
