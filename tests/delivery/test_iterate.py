"""A stream as a loop; leaving the loop disposes its subscription."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
import reactivex
from reactivex import Observable, of
from reactivex import operators as ops
from reactivex.scheduler import NewThreadScheduler
from reactivex.subject import Subject

from ollama_rx import iterate
from ollama_rx.delivery.iterate import Items
from tests.recording_sink import emit_during_subscribe, record_subscriptions

DEADLINE = 5.0  # seconds; only reached when something is broken

pytestmark = pytest.mark.usefixtures("no_thread_left")


async def collect(items: Items[int]) -> list[int]:
    return [item async for item in items]


def in_both_loops(items: Items[int]) -> Iterator[list[int]]:
    yield list(items)
    yield asyncio.run(collect(items))


@pytest.mark.parametrize("max_waiting", [1, 2, 64])
@pytest.mark.parametrize(
    "source",
    [
        of(*range(200)),
        emit_during_subscribe(200),
        of(*range(200)).pipe(ops.subscribe_on(NewThreadScheduler())),
        of(*range(200)).pipe(ops.observe_on(NewThreadScheduler())),
    ],
    ids=["synchronous", "while subscribing", "on another thread", "from another thread"],
)
def test_a_loop_receives_every_item_in_order(source: Observable[int], max_waiting: int) -> None:
    for found in in_both_loops(iterate(source, max_waiting=max_waiting)):
        assert found == list(range(200))


def test_an_empty_stream_is_an_empty_loop() -> None:
    for found in in_both_loops(iterate(reactivex.empty())):
        assert found == []


def test_each_loop_subscribes_anew() -> None:
    source, events = record_subscriptions(of(1))
    for _ in in_both_loops(iterate(source)):
        pass
    assert events.count("subscribed") == 2


def test_an_error_is_raised_after_the_items_and_ends_the_iterator() -> None:
    items = iter(iterate(of(1).pipe(ops.concat(reactivex.throw(ValueError("no"))))))
    assert next(items) == 1
    with pytest.raises(ValueError, match="no"):
        next(items)
    with pytest.raises(StopIteration):
        next(items)


def test_an_error_is_raised_in_an_async_loop() -> None:
    async def main() -> None:
        items = aiter(iterate(of(1).pipe(ops.concat(reactivex.throw(ValueError("no"))))))
        assert await anext(items) == 1
        with pytest.raises(ValueError, match="no"):
            await anext(items)

    asyncio.run(main())


def test_break_disposes_the_subscription() -> None:
    source, events = record_subscriptions(reactivex.repeat_value(1))
    for _ in iterate(source):
        break
    assert events == ["subscribed", "disposed"]


def test_an_exception_in_the_body_disposes_the_subscription() -> None:
    source, events = record_subscriptions(reactivex.repeat_value(1))

    def body() -> None:
        for _ in iterate(source):
            raise KeyError

    with pytest.raises(KeyError):
        body()
    assert events == ["subscribed", "disposed"]


def test_break_and_exceptions_dispose_the_subscription_of_an_async_loop() -> None:
    async def main() -> None:
        async def body(source: Observable[int]) -> None:
            async for _ in iterate(source):
                raise KeyError

        source, events = record_subscriptions(reactivex.timer(0.0, 0.001))
        async for _ in iterate(source):
            break
        assert events == ["subscribed", "disposed"]
        with pytest.raises(KeyError):
            await body(source)
        assert events == ["subscribed", "disposed"] * 2

    asyncio.run(main())


def test_cancelling_the_task_disposes_the_subscription() -> None:
    async def main() -> None:
        source, events = record_subscriptions(reactivex.never())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(collect(iterate(source)), 0.01)
        assert events == ["subscribed", "disposed"]

    asyncio.run(main())


def test_waiting_for_an_item_can_time_out_and_be_repeated() -> None:
    async def main() -> None:
        source: Subject[int] = Subject()
        items = aiter(iterate(source))
        for number in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(items), 0.001)
            source.on_next(number)
            assert await asyncio.wait_for(anext(items), DEADLINE) == number
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(items), 0.001)
        source.on_completed()
        with pytest.raises(StopAsyncIteration):
            await anext(items)

    asyncio.run(main())


def test_an_iterator_that_is_garbage_collected_disposes_its_subscription() -> None:
    source, events = record_subscriptions(reactivex.never())
    items = iter(iterate(source))
    assert events == ["subscribed"]
    cycle: list[object] = [items]
    cycle.append(cycle)
    del items, cycle
    gc.collect()
    assert events == ["subscribed", "disposed"]


def test_an_iterator_can_be_closed_early() -> None:
    source, events = record_subscriptions(reactivex.repeat_value(1))
    items = iter(iterate(source))
    assert next(items) == 1
    items.close()
    assert list(items) == []
    with iter(iterate(source)) as more:
        assert next(more) == 1
    assert list(more) == []
    assert events == ["subscribed", "disposed"] * 2


def test_an_async_iterator_can_be_closed_early() -> None:
    async def main() -> None:
        source, events = record_subscriptions(reactivex.timer(0.0, 0.001))
        items = aiter(iterate(source))
        assert await anext(items) == 0
        await items.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(items)
        async with aiter(iterate(source)) as more:
            assert await anext(more) == 0
        assert events == ["subscribed", "disposed"] * 2

    asyncio.run(main())


def test_a_block_ends_its_loop_even_if_the_iterator_is_kept() -> None:
    source, events = record_subscriptions(reactivex.concat(of(1, 2), reactivex.never()))
    with iterate(source) as items:
        kept = iter(items)
        assert next(kept) == 1
        assert events == ["subscribed"]
    assert events == ["subscribed", "disposed"]
    assert list(kept) == []


def test_an_async_block_ends_its_loop_even_if_the_iterator_is_kept() -> None:
    async def main() -> None:
        async with iterate(source) as items:
            kept = aiter(items)
            assert await anext(kept) == 1
        assert events == ["subscribed", "disposed"]
        assert [item async for item in kept] == []

    source, events = record_subscriptions(reactivex.concat(of(1, 2), reactivex.never()))
    asyncio.run(main())


def test_all_loops_that_still_run_can_be_closed() -> None:
    async def main() -> None:
        another = aiter(items)
        assert await anext(another) == 1
        await items.aclose()
        assert [item async for item in another] == []

    source, events = record_subscriptions(reactivex.concat(of(1, 2), reactivex.never()))
    items = iterate(source)
    first, second = iter(items), iter(items)
    assert next(first) == next(second) == 1
    del second
    gc.collect()
    items.close()
    assert events == ["subscribed", "subscribed", "disposed", "disposed"]
    assert list(first) == []
    asyncio.run(main())


def test_ctrl_c_disposes_the_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    source, events = record_subscriptions(reactivex.never())
    items = iter(iterate(source))

    def press(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(items._mailbox), "__next__", press)
    with pytest.raises(KeyboardInterrupt):
        next(items)
    assert events == ["subscribed", "disposed"]


def test_a_source_on_a_thread_waits_for_a_slow_loop() -> None:
    sent: list[int] = []
    items = iter(iterate(of(*range(100)).pipe(ops.do_action(sent.append)), max_waiting=4))
    for taken, _ in enumerate(items, 1):
        assert len(sent) <= taken + 4


def test_no_item_of_a_hot_source_is_lost_once_the_loop_has_begun() -> None:
    source = Subject[int]()
    items = iter(iterate(source))
    source.on_next(1)
    source.on_completed()
    assert list(items) == [1]


def test_a_plain_loop_inside_a_running_event_loop_runs_its_stream_on_a_thread() -> None:
    async def main() -> list[int]:
        return list(iterate(of(1, 2).pipe(ops.do_action(lambda _: threads.add(threading.current_thread())))))

    threads: set[threading.Thread] = set()
    assert asyncio.run(main()) == [1, 2]
    assert threading.main_thread() not in threads


@pytest.mark.parametrize(
    ("max_waiting", "error"), [(0, ValueError), ("5", TypeError), (1.5, TypeError), (True, TypeError)]
)
def test_a_wrong_limit_is_refused_before_the_loop_begins(max_waiting: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^max_waiting: expected a whole number of at least 1, got"):
        iterate(of(1), max_waiting=max_waiting)


def test_a_value_that_is_not_a_stream_is_refused_before_the_loop_begins() -> None:
    with pytest.raises(TypeError, match=r"^stream: expected an Observable, got int"):
        iterate(cast(Any, 5))
