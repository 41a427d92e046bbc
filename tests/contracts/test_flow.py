"""Contract 8: a slow subscriber makes the server wait. Contract 9: streams leave nothing behind."""

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from ollama_rx import Client, IncompleteStreamError, Timeouts
from ollama_rx import operators as op
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.testing import FakeOllama, all_at_once, answer, cut, endless
from tests.contracts.conftest import Connect, Door, Seen, eventually, over_http

_PROGRAM = Path(__file__).with_name("many_subscriptions.py")
_MEASURED = int(os.environ.get("OLLAMA_RX_SUBSCRIPTIONS", "800"))


def reaches(seen: Seen, count: int) -> bool:
    return eventually(lambda: len(seen.items) == count)


@over_http
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


def test_a_paused_scheduler_pauses_the_server_and_loses_nothing(connect: Connect) -> None:
    door = Door("asyncio")
    assert door.loop is not None
    scheduler = PausableScheduler(door.loop)
    text = [f"{n} " for n in range(7_999)]
    seen = Seen()

    def pause_sometimes(_: object) -> None:
        if len(seen.items) % 2000 == 1:
            scheduler.pause()

    seen.hook = pause_sometimes
    with FakeOllama(answer(*text), send_buffer_bytes=4096) as fake:
        stream = connect(fake.url).generate("x")
        door.call(
            lambda: stream.subscribe(seen.on_next, seen.on_error, seen.on_completed, scheduler=scheduler)
        )
        for stop in range(1, 8_000, 2000):
            assert reaches(seen, stop), len(seen.items)
            door.call(scheduler.resume)
        assert seen.wait().text == "".join(text)
    door.close()


def test_a_pause_does_not_count_as_silence(connect: Connect) -> None:
    door = Door("asyncio")
    assert door.loop is not None
    scheduler = PausableScheduler(door.loop)
    seen = Seen(hook=lambda _: scheduler.pause())
    with FakeOllama() as fake:
        stream = connect(fake.url, timeouts=Timeouts(idle=0.05)).generate("a b")
        door.call(
            lambda: stream.subscribe(seen.on_next, seen.on_error, seen.on_completed, scheduler=scheduler)
        )
        for count in range(1, 4):
            assert reaches(seen, count)
            assert not threading.Event().wait(0.1)
            door.call(scheduler.resume)
        assert seen.wait().completed == 1
    door.close()


def test_disposing_while_paused_closes_the_request(connect: Connect) -> None:
    door = Door("asyncio")
    assert door.loop is not None
    scheduler = PausableScheduler(door.loop)
    seen = Seen(hook=lambda _: scheduler.pause())
    with FakeOllama(answer(endless())) as fake:
        stream = connect(fake.url).generate("x")
        seen.subscription = door.call(
            lambda: stream.subscribe(seen.on_next, seen.on_error, seen.on_completed, scheduler=scheduler)
        )
        assert seen.started.wait(5)
        seen.dispose()
        fake.wait_for_disconnect()
        assert len(seen.items) == 1
    door.close()


def test_an_end_that_arrives_during_a_pause_is_emitted_after_it(connect: Connect) -> None:
    door = Door("asyncio")
    assert door.loop is not None
    scheduler = PausableScheduler(door.loop)
    seen = Seen()
    seen.hook = lambda _: scheduler.pause() if len(seen.items) == 1 else None
    with FakeOllama(answer("a", "b", ending="none").sent(all_at_once)) as fake:
        stream = connect(fake.url).generate("x")
        door.call(
            lambda: stream.subscribe(seen.on_next, seen.on_error, seen.on_completed, scheduler=scheduler)
        )
        assert reaches(seen, 1)
        fake.wait_for_answer()
        assert not seen.over.wait(0.05)  # the end has arrived and is deferred
        door.call(scheduler.resume)
        assert [type(error) for error in seen.wait().errors] == [IncompleteStreamError]
        assert seen.text == "ab"
    door.close()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
@pytest.mark.parametrize("door", ["threads", "asyncio"])
def test_many_subscriptions_leave_nothing(door: str) -> None:
    with FakeOllama() as fake:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, str(_PROGRAM), door, fake.url, str(_MEASURED)],
            env=os.environ | {"PYTHONPATH": str(_PROGRAM.parents[2]), "MALLOC_ARENA_MAX": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    first, warm, last = map(json.loads, done.stdout.splitlines())
    assert last["descriptors"] <= first["descriptors"]
    assert last["threads"] <= first["threads"]
    assert last["tasks"] == (1 if door == "asyncio" else 0)
    assert last["blocks"] - warm["blocks"] < _MEASURED / 2  # one object per stream takes at least one block
    assert last["kilobytes"] - warm["kilobytes"] < _MEASURED


class Subscriber(list[object]):
    """Receives items, and can be referred to weakly."""


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collector")
@pytest.mark.parametrize("ending", ["complete", "early", "error"])
def test_a_subscriber_is_freed_at_the_end_without_the_garbage_collector(ending: str, door: Door) -> None:
    def subscribe(client: Client) -> weakref.ref[Subscriber]:
        subscriber = Subscriber()
        over = threading.Event()
        stream = client.generate("x").pipe(op.text(), op.stop_at("STOP" if ending == "early" else "never"))
        door.call(lambda: stream.subscribe(subscriber.append, lambda _: over.set(), over.set))
        assert over.wait(5)
        return weakref.ref(subscriber)

    with FakeOllama(answer("a", "STOP", *([cut()] if ending == "error" else []))) as fake:
        freed = subscribe(Client(fake.url, model="m"))
        assert eventually(lambda: freed() is None)
    door.close()


def test_a_client_that_is_never_closed_leaves_no_connection() -> None:
    async def main(url: str) -> bool:
        return (await Client(url, model="echo").generate("Hi")).done

    with FakeOllama() as fake:
        assert asyncio.run(main(fake.url))
        fake.wait_for_connections(0)


def test_connections_are_reused() -> None:
    async def main(url: str) -> None:
        async with Client(url, model="echo") as client:
            for _ in range(30):
                await client.generate("Hi")

    # The body ends with its last line, so the connection is idle as soon as the answer is complete.
    with FakeOllama(answer("Hi").sent(all_at_once, framing="length")) as fake:
        asyncio.run(main(fake.url))
        assert {request.connection for request in fake.requests} == {1}


def test_an_idle_connection_that_the_server_has_closed_is_not_reused() -> None:
    async def main(fake: FakeOllama) -> None:
        async with Client(fake.url, model="echo") as client:
            for _ in range(3):
                assert (await client.generate("Hi")).done
                fake.hang_up()

    with FakeOllama() as fake:
        asyncio.run(main(fake))
        assert len({request.connection for request in fake.requests}) == 3
