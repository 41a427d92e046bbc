"""Contract 8: a slow consumer makes the server wait. Contract 9: nothing is left, nothing grows."""

import asyncio
import gc
import resource
import threading
from pathlib import Path

import pytest

from ollama_rx import Client, Timeouts
from ollama_rx.flow.flow import Flow
from ollama_rx.testing import FakeOllama, answer, endless
from tests.contracts.conftest import Connect, Door, Seen, eventually, our_threads

_STATM = Path("/proc/self/statm")
needs_proc = pytest.mark.skipif(not _STATM.exists(), reason="reads /proc")


def reaches(seen: Seen, count: int) -> bool:
    return eventually(lambda: len(seen.items) == count)


def test_a_blocked_thread_pauses_the_server(connect: Connect) -> None:
    release = threading.Event()
    with FakeOllama(answer(endless("word " * 50))) as fake:
        seen = Door("threads").subscribe(connect(fake.url).generate("x"), hook=lambda _: release.wait(10))
        exchange = fake.wait_for_pause()
        held = exchange.bytes_written
        release.set()
        assert eventually(lambda: exchange.bytes_written > held + 1_000_000)
        seen.dispose()
        fake.wait_for_disconnect()


def test_a_paused_flow_pauses_the_server_and_loses_nothing(connect: Connect) -> None:
    door = Door("asyncio")
    assert door.loop is not None
    flow = Flow(door.loop)
    text = [f"{n} " for n in range(19_999)]
    seen = Seen()

    def take_a_break(_: object) -> None:
        if len(seen.items) % 5000 == 1:
            flow.pause()

    seen.hook = take_a_break
    with FakeOllama(answer(*text), send_buffer_bytes=4096) as fake:
        stream = connect(fake.url).generate("x")
        door.call(lambda: stream.subscribe(seen.on_next, seen.on_error, seen.on_completed, scheduler=flow))
        for stop in range(1, 20_000, 5000):
            assert reaches(seen, stop), len(seen.items)
            door.call(flow.resume)
        assert seen.wait().text == "".join(text)
    door.close()


def test_a_pause_does_not_count_as_silence(connect: Connect) -> None:
    door = Door("asyncio")
    assert door.loop is not None
    flow = Flow(door.loop)
    seen = Seen(hook=lambda _: flow.pause())
    with FakeOllama() as fake:
        stream = connect(fake.url, timeouts=Timeouts(idle=0.05)).generate("a b")
        door.call(lambda: stream.subscribe(seen.on_next, seen.on_error, seen.on_completed, scheduler=flow))
        for count in range(1, 4):
            assert reaches(seen, count)
            assert not threading.Event().wait(0.1)
            door.call(flow.resume)
        assert seen.wait().completed == 1
    door.close()


def test_disposing_while_paused_closes_the_request(connect: Connect) -> None:
    door = Door("asyncio")
    assert door.loop is not None
    flow = Flow(door.loop)
    seen = Seen(hook=lambda _: flow.pause())
    with FakeOllama(answer(endless())) as fake:
        stream = connect(fake.url).generate("x")
        seen.subscription = door.call(
            lambda: stream.subscribe(seen.on_next, seen.on_error, seen.on_completed, scheduler=flow)
        )
        assert seen.started.wait(5)
        seen.dispose()
        fake.wait_for_disconnect()
        assert len(seen.items) == 1
    door.close()


def memory() -> int:
    """Return the resident memory in KiB."""
    gc.collect()
    return int(_STATM.read_text().split()[1]) * resource.getpagesize() // 1024


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@needs_proc
def test_ten_thousand_subscriptions_in_a_loop_leave_nothing() -> None:
    async def main(fake: FakeOllama) -> None:
        async with Client(fake.url, model="echo") as client:

            async def ask(times: int) -> None:
                for _ in range(times):
                    assert (await client.generate("Hi")).done

            async def burst(times: int) -> None:
                await asyncio.gather(*(ask(times // 10) for _ in range(10)))

            await burst(1000)
            before, files = memory(), descriptors()
            for _ in range(9):
                fake.forget()
                await burst(1000)
            assert len(asyncio.all_tasks()) == 1
            assert descriptors() <= files
            fake.forget()
            assert memory() - before < 2000

    with FakeOllama() as fake:
        asyncio.run(main(fake))


@needs_proc
def test_ten_thousand_subscriptions_in_threads_leave_nothing() -> None:
    with FakeOllama() as fake, Client(fake.url, model="echo") as client:

        def ask(times: int) -> None:
            for _ in range(times):
                over = threading.Event()
                client.generate("Hi").subscribe(on_completed=over.set)
                assert over.wait(10)

        ask(3000)  # allocators settle
        assert eventually(lambda: not our_threads())
        before, files = memory(), descriptors()
        for _ in range(7):
            fake.forget()
            ask(1000)
        assert eventually(lambda: not our_threads())
        assert eventually(lambda: descriptors() <= files)
        fake.forget()
        assert memory() - before < 8000


def test_a_client_that_nobody_closes_leaves_nothing_behind() -> None:
    async def main(url: str) -> bool:
        return (await Client(url, model="echo").generate("Hi")).done

    with FakeOllama() as fake:
        assert asyncio.run(main(fake.url))
        fake.wait_for_connections(0)


def test_connections_are_used_again() -> None:
    async def main(url: str) -> None:
        async with Client(url, model="echo") as client:
            for _ in range(5):
                await client.generate("Hi")

    with FakeOllama() as fake:
        asyncio.run(main(fake.url))
        assert {request.connection for request in fake.requests} == {1}


def test_an_idle_connection_that_the_server_closed_is_not_used_again() -> None:
    async def main(fake: FakeOllama) -> None:
        async with Client(fake.url, model="echo") as client:
            for _ in range(3):
                assert (await client.generate("Hi")).done
                fake.hang_up()

    with FakeOllama() as fake:
        asyncio.run(main(fake))
        assert len({request.connection for request in fake.requests}) == 3
