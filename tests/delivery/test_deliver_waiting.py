"""Waiting for a delivery: from threads, from asyncio, with and without ``with``."""

import asyncio
import signal
import threading
from concurrent import futures
from typing import Any

import pytest
import reactivex
from reactivex import Observable, abc, of
from reactivex import operators as ops
from reactivex.subject import Subject

from ollama_rx import SinkError, deliver
from ollama_rx.sinks import Collector
from tests.recording_sink import RecordingSink, record_subscriptions

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
    really_wait = futures.wait

    def press(waited_for: Any, timeout: float | None = None) -> object:
        pressed.append(timeout)
        if len(pressed) == 1:
            raise KeyboardInterrupt
        return really_wait(waited_for, timeout)

    monkeypatch.setattr(futures, "wait", press)
    sink = RecordingSink(blocking=True)
    delivery = deliver(reactivex.never(), sink)
    with pytest.raises(KeyboardInterrupt):
        delivery.wait()
    assert pressed == [None, 1.0]
    assert sink.calls == ["interrupt", "close"]


def test_ctrl_c_during_subscribe_cancels() -> None:
    main = threading.get_ident()
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("signals reach the main thread only")
    seen = threading.Event()

    def subscribe(_: abc.ObserverBase[int], __: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        signal.pthread_kill(main, signal.SIGINT)
        seen.wait(5)
        return reactivex.never().subscribe()

    sink = RecordingSink()
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
