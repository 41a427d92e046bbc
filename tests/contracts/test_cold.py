"""Contract 1: nothing is sent before a stream is subscribed to. Contract 2: where a stream runs."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from reactivex import operators as ops
from reactivex.scheduler import EventLoopScheduler, NewThreadScheduler, ThreadPoolScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler

from ollama_rx import Chunk
from ollama_rx.testing import FakeOllama, answer, endless
from tests.contracts.conftest import Connect, Door, eventually


def test_nothing_is_sent_before_subscribe(connect: Connect) -> None:
    with FakeOllama() as fake:
        connect(fake.url).generate("Hello")
        connect(fake.url).version()
        assert fake.exchanges == ()


def test_two_subscriptions_start_two_generations(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        stream = connect(fake.url).generate("Hello you")
        first, second = door.subscribe(stream), door.subscribe(stream)
        assert first.wait().text == second.wait().text == "Hello you"
        assert len(fake.exchanges) == 2


def test_outside_an_event_loop_each_stream_has_a_thread_of_its_own(connect: Connect) -> None:
    door = Door("threads")
    with FakeOllama() as fake:
        client = connect(fake.url)
        both = threading.Barrier(2, timeout=5)  # a thread that has ended may pass its identifier on

        def meet(chunk: Chunk) -> None:
            if chunk.done:
                both.wait()

        first, second = (door.subscribe(client.generate(prompt), hook=meet) for prompt in "ab")
        first.wait()
        second.wait()
        assert not first.errors
        assert len(first.threads | second.threads | {threading.get_ident()}) == 3


def test_inside_a_running_loop_a_stream_runs_on_that_loop(connect: Connect) -> None:
    door = Door("asyncio")
    with FakeOllama() as fake:
        seen = door.subscribe(connect(fake.url).generate("a b")).wait()
        assert seen.threads == {door.thread.ident}
        door.close()


@pytest.fixture(params=[NewThreadScheduler, ThreadPoolScheduler, EventLoopScheduler])
def thread_scheduler(request: pytest.FixtureRequest) -> Iterator[Any]:
    scheduler = request.param()
    yield scheduler
    if isinstance(scheduler, EventLoopScheduler):
        scheduler.dispose()
    if isinstance(scheduler, ThreadPoolScheduler):
        scheduler.executor.shutdown()


def test_with_a_thread_scheduler_a_stream_has_a_thread_of_its_own(
    connect: Connect, thread_scheduler: Any
) -> None:
    with FakeOllama() as fake:
        threads: set[threading.Thread] = set()
        over = threading.Event()
        connect(fake.url).generate("a b").subscribe(
            lambda _: threads.add(threading.current_thread()),
            on_completed=over.set,
            scheduler=thread_scheduler,
        )
        assert over.wait(5)
        (thread,) = threads
        assert thread.name == "ollama-rx"


def test_a_stream_that_was_subscribed_to_on_a_scheduler_can_be_disposed(
    connect: Connect, thread_scheduler: Any
) -> None:
    with FakeOllama(answer(endless(every=0.01))) as fake:
        started = threading.Event()
        stream = connect(fake.url).generate("x").pipe(ops.subscribe_on(thread_scheduler))
        subscription = stream.subscribe(lambda _: started.set())
        assert started.wait(5)
        subscription.dispose()
        assert eventually(lambda: fake.exchanges[0].disconnected)


def test_one_event_loop_scheduler_serves_two_streams_and_timers(connect: Connect) -> None:
    scheduler = EventLoopScheduler()
    both = threading.Barrier(2, timeout=5)
    ends: list[threading.Event] = []
    with FakeOllama() as fake:
        client = connect(fake.url)

        def meet(_: Chunk) -> None:
            both.wait()

        for prompt in ("a b", "c d"):
            over = threading.Event()
            ends.append(over)
            first = client.generate(prompt).pipe(ops.take(1), ops.do_action(meet))
            first.pipe(ops.timeout(10.0), ops.buffer_with_time(10.0)).subscribe(
                on_completed=over.set, scheduler=scheduler
            )
        assert all(over.wait(5) for over in ends)
    scheduler.dispose()


def test_a_thread_scheduler_wins_inside_a_loop(connect: Connect) -> None:
    async def main(url: str) -> set[int]:
        threads: set[int] = set()
        over = threading.Event()
        connect(url).generate("a").subscribe(
            lambda _: threads.add(threading.get_ident()),
            on_completed=over.set,
            scheduler=NewThreadScheduler(),
        )
        await asyncio.to_thread(over.wait, 5)
        return threads

    with FakeOllama() as fake:
        threads = asyncio.run(main(fake.url))
        assert threads
        assert threading.get_ident() not in threads


def test_an_asyncio_scheduler_runs_the_stream_on_its_loop(connect: Connect) -> None:
    door = Door("asyncio")
    assert door.loop is not None
    with FakeOllama() as fake:
        over = threading.Event()
        threads: set[int | None] = set()
        connect(fake.url).generate("a").subscribe(
            lambda _: threads.add(threading.get_ident()),
            on_completed=over.set,
            scheduler=AsyncIOThreadSafeScheduler(door.loop),
        )
        assert over.wait(5)
        assert threads == {door.thread.ident}
        door.close()


def test_a_stream_can_be_awaited_and_subscribed_to(connect: Connect) -> None:
    async def main(url: str) -> str:
        client = connect(url)
        chunk = await client.generate("a b")
        seen = [chunk.done_reason or ""]
        over = asyncio.Event()
        client.generate("a b").subscribe(
            lambda chunk: seen.append(chunk.text),
            on_completed=over.set,
            scheduler=AsyncIOScheduler(asyncio.get_running_loop()),
        )
        await asyncio.wait_for(over.wait(), 5)
        return "".join(seen)

    with FakeOllama() as fake:
        assert asyncio.run(main(fake.url)) == "stopa b"
