"""A queue for threads and asyncio; a full queue pauses the stream."""

import asyncio
import threading
from typing import Any, assert_type

import pytest
import reactivex
from reactivex import of
from reactivex import operators as ops
from reactivex.subject import Subject

from ollama_rx import SinkError, deliver
from ollama_rx.sinks import END, Queue
from tests.recording_sink import emit_during_subscribe

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_type_checkers_know_that_what_is_not_the_end_is_an_item() -> None:
    queue = Queue[str]()
    found: list[str] = []
    with deliver(of("a", "b"), queue):
        while (item := queue.get()) is not END:
            found.append(assert_type(item, str))
    assert found == ["a", "b"]


def test_a_thread_reads_every_item_in_order_while_the_stream_waits() -> None:
    sent: list[int] = []
    queue = Queue[int](max_waiting=4)
    with deliver(of(*range(100)).pipe(ops.do_action(sent.append)), queue):
        for taken, item in enumerate(queue):
            assert item == taken
            assert len(sent) <= taken + 5
    assert queue.get() is END
    assert repr(END) == "END"


def test_a_task_reads_every_item_in_order() -> None:
    async def main() -> list[int]:
        queue = Queue[int](max_waiting=4)
        async with deliver(of(*range(100)), queue):
            found = [item async for item in queue]
        assert await queue.get_async() is END
        return found

    assert asyncio.run(main()) == list(range(100))


def test_an_error_of_the_stream_reaches_the_reader() -> None:
    queue = Queue[int]()
    delivery = deliver(of(1).pipe(ops.concat(reactivex.throw(ValueError("no")))), queue)
    assert queue.get() == 1
    with pytest.raises(ValueError, match="no"):
        queue.get()
    with pytest.raises(ValueError, match="no"):
        delivery.wait(5)


def test_get_times_out() -> None:
    queue = Queue[int]()
    with pytest.raises(TimeoutError, match=r"nothing arrived within 0\.01 s"):
        queue.get(timeout=0.01)
    queue.on_next(1)
    assert queue.get(timeout=0.01) == 1


@pytest.mark.parametrize(("timeout", "error"), [("5", TypeError), (True, TypeError), (-1, ValueError)])
def test_a_timeout_that_is_not_a_number_of_seconds_is_refused(timeout: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^timeout: expected a number of seconds of at least 0, got"):
        Queue[int]().get(timeout)


def test_a_timeout_of_zero_asks_without_waiting() -> None:
    queue = Queue[int]()
    with pytest.raises(TimeoutError, match="nothing arrived within 0 s"):
        queue.get(timeout=0)
    queue.on_next(1)
    assert queue.get(timeout=0) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"max_waiting": 0}, ValueError, "max_waiting: expected a whole number of at least 1, got 0"),
        ({"when_full": "explode"}, ValueError, "when_full: expected one of .*, got 'explode'"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        Queue[int](**arguments)


def test_cancelling_wakes_a_waiting_stream_and_the_waiting_items_can_be_read() -> None:
    waiting = threading.Event()
    queue = Queue[int](max_waiting=2)

    def signal(item: int) -> None:
        if item == 1:
            waiting.set()

    delivery = deliver(of(*range(10)).pipe(ops.do_action(signal)), queue)
    assert waiting.wait(5)
    delivery.cancel()
    delivery.wait(5)
    assert list(queue) == [0, 1]


def test_a_source_that_sends_during_subscribe_can_fill_the_queue() -> None:
    queue = Queue[int](max_waiting=2)
    with deliver(emit_during_subscribe(9), queue):
        assert list(queue) == list(range(9))


def test_with_drop_oldest_the_newest_items_are_kept() -> None:
    source = Subject[int]()
    queue = Queue[int](max_waiting=2, when_full="drop_oldest")
    with deliver(source, queue):
        for number in range(5):
            source.on_next(number)
        source.on_completed()
    assert list(queue) == [3, 4]


def test_with_fail_one_item_too_many_fails_the_sink() -> None:
    source = Subject[int]()
    queue = Queue[int](max_waiting=2, when_full="fail")
    delivery = deliver(source, queue)
    for number in range(5):
        source.on_next(number)
    with pytest.raises(SinkError, match="2 items wait already"):
        delivery.wait(5)
    assert list(queue) == [0, 1]


def test_a_second_stream_is_refused() -> None:
    queue = Queue[int]()
    deliver(of(1), queue).wait(5)
    with pytest.raises(SinkError, match="this Queue has ended"):
        deliver(of(2), queue).wait(5)
    assert list(queue) == [1]


@pytest.mark.parametrize("error", [None, ValueError("no")])
def test_an_item_after_the_end_is_refused_also_without_a_delivery(error: Exception | None) -> None:
    queue = Queue[int]()
    queue.on_next(1)
    if error is None:
        queue.on_completed()
    else:
        queue.on_error(error)
    with pytest.raises(RuntimeError, match="this Queue has ended"):
        queue.on_next(2)
