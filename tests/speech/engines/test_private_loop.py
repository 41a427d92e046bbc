import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress

import pytest

from ollama_rx.speech.engines.private_loop import PrivateLoop


class Source:
    """An asynchronous generator of numbers that waits forever at one of them, and notes how it ends."""

    def __init__(self, *, waits_at: int | None = None, count: int = 5) -> None:
        self.waits_at = waits_at
        self.count = count
        self.is_waiting = threading.Event()
        self.ended_by: list[str] = []

    async def items(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(self.count):
                if number == self.waits_at:
                    self.is_waiting.set()
                    await asyncio.Event().wait()
                yield number
        except asyncio.CancelledError:
            self.ended_by.append("cancelled")
            raise
        except GeneratorExit:
            self.ended_by.append("left")
            raise
        else:
            self.ended_by.append("complete")


@pytest.fixture
def loop() -> Iterator[PrivateLoop]:
    loop = PrivateLoop()
    yield loop
    loop.close()


def in_thread(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def test_the_items_come_in_their_order_and_the_generator_ends(loop: PrivateLoop) -> None:
    source = Source()
    assert list(loop.iterate(source.items())) == [0, 1, 2, 3, 4]
    assert source.ended_by == ["complete"]


def test_a_coroutine_runs_to_its_end(loop: PrivateLoop) -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append(1)

    assert loop.run(work)
    assert done == [1]


def test_a_coroutine_that_is_stopped_says_so(loop: PrivateLoop) -> None:
    waiting = threading.Event()
    results: list[bool] = []

    async def work() -> None:
        waiting.set()
        await asyncio.Event().wait()

    thread = in_thread(lambda: results.append(loop.run(work)))
    assert waiting.wait(10)
    loop.stop()
    thread.join(10)
    assert results == [False]


def test_nothing_runs_before_the_first_item_is_asked_for(loop: PrivateLoop) -> None:
    source = Source(waits_at=0)
    loop.iterate(source.items()).close()
    assert not source.is_waiting.is_set()


def test_a_generator_that_is_left_is_closed(loop: PrivateLoop) -> None:
    source = Source()
    numbers = loop.iterate(source.items())
    next(numbers)
    numbers.close()
    assert source.ended_by == ["left"]


def test_an_error_is_raised_where_the_items_are_asked_for(loop: PrivateLoop) -> None:
    async def failing() -> AsyncGenerator[int, None]:
        yield 1
        raise ValueError("broken")

    numbers = loop.iterate(failing())
    assert next(numbers) == 1
    with pytest.raises(ValueError, match="broken"):
        next(numbers)


@pytest.mark.parametrize("waits_at", [0, 1, 4])
def test_stop_wakes_a_thread_that_waits_and_the_next_call_works(loop: PrivateLoop, waits_at: int) -> None:
    source = Source(waits_at=waits_at)
    received: list[int] = []
    thread = in_thread(lambda: received.extend(loop.iterate(source.items())))
    assert source.is_waiting.wait(10)
    loop.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert source.ended_by == ["cancelled"]
    assert received == list(range(waits_at))
    assert list(loop.iterate(Source().items())) == [0, 1, 2, 3, 4]


def test_a_stop_between_two_items_ends_the_iteration(loop: PrivateLoop) -> None:
    source = Source()
    numbers = loop.iterate(source.items())
    next(numbers)
    loop.stop()
    assert list(numbers) == []
    assert source.ended_by == ["left"]


def test_a_stop_before_the_first_item_ends_the_iteration(loop: PrivateLoop) -> None:
    numbers = loop.iterate(Source().items())
    loop.stop()
    assert list(numbers) == []


def test_a_stop_after_the_last_item_concerns_no_later_call(loop: PrivateLoop) -> None:
    list(loop.iterate(Source().items()))
    loop.stop()
    assert list(loop.iterate(Source().items())) == [0, 1, 2, 3, 4]


def test_a_stop_before_an_iteration_that_never_begins_concerns_no_later_call(loop: PrivateLoop) -> None:
    list(loop.iterate(Source().items()))
    numbers = loop.iterate(Source().items())
    loop.stop()
    numbers.close()
    assert list(loop.iterate(Source().items())) == [0, 1, 2, 3, 4]


def test_an_error_of_a_stopped_iteration_is_not_raised(loop: PrivateLoop) -> None:
    waiting = threading.Event()

    async def fails_when_cancelled() -> AsyncGenerator[int, None]:
        with suppress(asyncio.CancelledError):
            waiting.set()
            await asyncio.Event().wait()
        raise ValueError("broken by the stop")
        yield 1

    errors: list[BaseException] = []

    def iterate() -> None:
        try:
            list(loop.iterate(fails_when_cancelled()))
        except BaseException as error:
            errors.append(error)
            raise

    thread = in_thread(iterate)
    assert waiting.wait(10)
    loop.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert errors == []


def test_it_works_in_a_thread_that_runs_an_event_loop(loop: PrivateLoop) -> None:
    async def main() -> list[int]:
        numbers = list(loop.iterate(Source().items()))
        loop.close()
        return numbers

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_ctrl_c_ends_what_runs(loop: PrivateLoop) -> None:
    ended_by: list[str] = []

    async def interrupted() -> AsyncGenerator[int, None]:
        asyncio.get_running_loop().call_soon(press_ctrl_c)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended_by.append("cancelled")
            raise
        yield 1

    def press_ctrl_c() -> None:
        raise KeyboardInterrupt  # where the handler of a signal raises it: in the loop, while the task waits

    with pytest.raises(KeyboardInterrupt):
        list(loop.iterate(interrupted()))
    assert ended_by == ["cancelled"]
    assert list(loop.iterate(Source().items())) == [0, 1, 2, 3, 4]


class Resource:
    def __init__(self) -> None:
        self.closed = 0

    async def aclose(self) -> None:
        self.closed += 1


async def takes(loop: PrivateLoop, resource: Resource) -> AsyncGenerator[int, None]:
    loop.resources.push_async_callback(resource.aclose)
    yield 1


def test_closing_closes_the_resources_once_and_the_loop_can_be_used_again(loop: PrivateLoop) -> None:
    loop.close()
    resource = Resource()
    assert list(loop.iterate(takes(loop, resource))) == [1]
    assert resource.closed == 0
    loop.close()
    loop.close()
    loop.stop()
    assert resource.closed == 1
    assert list(loop.iterate(Source().items())) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("listens_on", [True, False])
def test_closing_ends_an_iteration_between_two_items(loop: PrivateLoop, *, listens_on: bool) -> None:
    source = Source()
    numbers = loop.iterate(source.items())
    next(numbers)
    loop.close()
    assert source.ended_by == ["left"]
    if listens_on:
        assert list(numbers) == []
    numbers.close()
    assert source.ended_by == ["left"]


def test_closing_ends_what_runs(loop: PrivateLoop) -> None:
    source = Source(waits_at=2)
    thread = in_thread(lambda: list(loop.iterate(source.items())))
    assert source.is_waiting.wait(10)
    loop.close()
    thread.join(10)
    assert not thread.is_alive()
    assert source.ended_by == ["cancelled"]


def test_a_loop_that_nobody_refers_to_is_closed() -> None:
    resource = Resource()
    used: list[asyncio.AbstractEventLoop] = []

    async def takes_and_tells(forgotten: PrivateLoop) -> AsyncGenerator[int, None]:
        forgotten.resources.push_async_callback(resource.aclose)
        used.append(asyncio.get_running_loop())
        yield 1

    forgotten = PrivateLoop()
    assert list(forgotten.iterate(takes_and_tells(forgotten))) == [1]
    del forgotten
    gc.collect()
    assert resource.closed == 1
    assert used[0].is_closed()
