"""Contract 1: nothing is sent before a stream is subscribed to. Contract 2: where a stream runs."""

import asyncio
import threading

from reactivex.scheduler import EventLoopScheduler, NewThreadScheduler, ThreadPoolScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler

from ollama_rx import Chunk
from ollama_rx.testing import FakeOllama
from tests.contracts.conftest import Connect, Door


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


def test_an_explicit_scheduler_runs_the_stream_on_a_thread_of_its_own(connect: Connect) -> None:
    with FakeOllama() as fake:
        client = connect(fake.url)
        for scheduler in (NewThreadScheduler(), ThreadPoolScheduler(2), EventLoopScheduler()):
            names: list[str] = []
            over = threading.Event()

            def note(_: Chunk, names: list[str] = names) -> None:
                names.append(threading.current_thread().name)

            client.generate("a b").subscribe(note, on_completed=over.set, scheduler=scheduler)
            assert over.wait(5)
            assert len(set(names)) == 1
            assert names[0] != threading.current_thread().name
            assert not names[0].startswith("ollama-rx")
            if isinstance(scheduler, EventLoopScheduler):
                scheduler.dispose()
            if isinstance(scheduler, ThreadPoolScheduler):
                scheduler.executor.shutdown()


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
