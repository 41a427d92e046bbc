"""An asynchronous generator as an Observable, in threads and on event loops."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from typing import Any

import httpx
import pytest
from reactivex import operators as ops
from reactivex.abc import DisposableBase
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx import IncompleteStreamError, Timeouts, UnreachableError
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.transport.generator_stream import GeneratorStream
from ollama_rx.transport.session import Session


def stream(generator: Callable[[], AsyncGenerator[int]]) -> GeneratorStream[int]:
    return GeneratorStream(Session("http://x", {}, Timeouts()), generator, int)


async def one_two() -> AsyncGenerator[int]:
    yield 1
    yield 2


def test_each_subscriber_gets_what_the_generator_yields() -> None:
    numbers = stream(one_two)
    assert numbers.item_type is int
    assert numbers.to_list().run() == [1, 2]
    assert numbers.to_list().run() == [1, 2]


def test_it_runs_on_the_subscribers_event_loop() -> None:
    threads: list[int] = []

    async def thread() -> AsyncGenerator[int]:
        yield threading.get_ident()

    async def main() -> None:
        threads.append(await stream(thread))
        scheduled = stream(thread)
        done = asyncio.Event()
        scheduled.subscribe(
            threads.append,
            on_completed=done.set,
            scheduler=AsyncIOScheduler(asyncio.get_running_loop()),
        )
        await done.wait()

    asyncio.run(main())
    assert threads == [threading.get_ident()] * 2


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (OSError("no such file"), OSError),
        (httpx.ConnectError("refused"), UnreachableError),
        (httpx.ReadError("reset"), IncompleteStreamError),
    ],
)
def test_an_error_of_the_generator_is_the_error_of_the_stream(
    error: Exception, seen: type[Exception]
) -> None:
    async def failing() -> AsyncGenerator[int]:
        yield 1
        raise error

    with pytest.raises(seen):
        stream(failing).run()


def test_an_exception_that_nothing_handles_is_reported_by_the_loop() -> None:
    def fail(_: object) -> None:
        raise ValueError("mine")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        reported: asyncio.Future[dict[str, Any]] = loop.create_future()
        loop.set_exception_handler(lambda _, context: reported.set_result(context))
        stream(one_two).subscribe(fail, fail)
        assert str((await reported)["exception"]) == "mine"

    asyncio.run(main())


def test_an_error_after_the_disposal_is_nobodys() -> None:
    async def failing() -> AsyncGenerator[int]:
        try:
            yield 1
        finally:
            raise OSError("late")

    async def main() -> None:
        def dispose(_: int) -> None:
            subscription.dispose()

        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        subscription: DisposableBase = stream(failing).subscribe(dispose, told.append)
        await asyncio.wait([task for task in asyncio.all_tasks() if task.get_name() == TASK_NAME])

    told: list[object] = []
    asyncio.run(main())
    assert not told


def test_an_exception_of_the_subscriber_is_not_mistaken_for_one_of_the_server() -> None:
    def fail(_: object) -> None:
        raise mine

    mine = httpx.ConnectError("mine")
    with pytest.raises(httpx.ConnectError) as caught:
        stream(one_two).pipe(ops.do_action(fail)).run()
    assert caught.value is mine


def test_a_generator_is_not_resumed_while_the_subscriber_is_too_slow() -> None:
    resumed: list[int] = []

    async def counting() -> AsyncGenerator[int]:
        for number in range(3):
            resumed.append(number)
            yield number

    async def main() -> None:
        scheduler = PausableScheduler(asyncio.get_running_loop())
        received: list[int] = []
        done = asyncio.Event()

        def receive(item: int) -> None:
            received.append(item)
            scheduler.pause()

        stream(counting).subscribe(receive, on_completed=done.set, scheduler=scheduler)
        for expected in ([0], [0, 1], [0, 1, 2]):
            for _ in range(10):
                await asyncio.sleep(0)
            assert received == expected
            assert len(resumed) <= len(received) + 1
            scheduler.resume()
        await done.wait()

    asyncio.run(main())


def test_the_generator_is_closed_before_the_stream_is_over_if_a_callback_disposes() -> None:
    events: list[str] = []

    async def careful() -> AsyncGenerator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            events.append("closed")

    async def main() -> None:
        subscription = stream(careful).subscribe(lambda _: subscription.dispose())
        await asyncio.wait([task for task in asyncio.all_tasks() if task.get_name() == TASK_NAME])

    asyncio.run(main())
    assert events == ["closed"]


def test_a_stream_that_is_disposed_of_before_it_begins_runs_nothing() -> None:
    begun: list[bool] = []

    async def noting() -> AsyncGenerator[int]:
        begun.append(True)
        yield 1

    async def main() -> None:
        stream(noting).subscribe().dispose()
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(main())
    assert not begun


def test_the_end_of_the_event_loop_is_an_error() -> None:
    errors: list[Exception] = []

    async def waiting() -> AsyncGenerator[int]:
        yield 1
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        received = asyncio.Event()
        stream(waiting).subscribe(lambda _: received.set(), errors.append)
        await received.wait()

    asyncio.run(main())
    assert [str(error) for error in errors] == ["the event loop ended before the work was complete"]


def test_a_loop_that_was_closed_by_hand_needs_no_disposal() -> None:
    async def waiting() -> AsyncGenerator[int]:
        yield 1
        await asyncio.get_running_loop().create_future()

    async def main() -> Any:
        received = asyncio.Event()
        subscription = stream(waiting).subscribe(lambda _: received.set(), lambda _: None)
        await received.wait()
        return subscription

    asyncio.run(main()).dispose()


def test_a_system_without_event_loops_left_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: asyncio.Runner) -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(asyncio.Runner, "get_loop", fail)
    with pytest.raises(UnreachableError, match="too many open files"):
        stream(one_two).run()
