"""Contracts 4 and 5: streams do not block each other, however they are composed."""

import asyncio
import threading
from typing import Any

import pytest
import reactivex
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx import Chunk, Client, Timeouts, UnreachableError, deliver, iterate
from ollama_rx import operators as op
from ollama_rx.sinks import Collector
from ollama_rx.testing import FakeOllama, answer, endless, error_status
from tests.contracts.conftest import Connect, Door, eventually, over_http


def test_a_callback_that_blocks_delays_its_own_stream_only(connect: Connect) -> None:
    door = Door("threads")
    release = threading.Event()
    with FakeOllama() as fake:
        client = connect(fake.url)
        blocked = door.subscribe(client.generate("a b"), hook=lambda _: release.wait(10))
        assert blocked.started.wait(5)
        assert door.subscribe(client.generate("c d")).wait().text == "c d"
        assert not blocked.over.is_set()
        release.set()
        assert blocked.wait().text == "a b"


def test_run_works_inside_a_callback(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        client = connect(fake.url)
        inner: list[Chunk] = []
        seen = door.subscribe(client.generate("a"), hook=lambda _: inner.append(client.generate("b").run()))
        assert seen.wait().text == "a"
        assert all(chunk.done for chunk in inner)


def test_run_works_inside_a_running_loop(connect: Connect) -> None:
    async def main(url: str) -> Chunk:
        return connect(url).generate("a").run()

    with FakeOllama() as fake:
        assert asyncio.run(main(fake.url)).done


def test_a_callback_can_wait_for_another_stream(connect: Connect) -> None:
    door = Door("threads")
    with FakeOllama() as fake:
        client = connect(fake.url)
        inner = [False]

        def wait_for_another(_: object) -> None:
            over = threading.Event()
            client.generate("b").subscribe(on_completed=over.set)
            inner.append(over.wait(5))

        assert door.subscribe(client.generate("a"), hook=wait_for_another).wait().text == "a"
        assert all(inner[1:])


def test_flat_map_starts_a_generation_for_each_chunk_of_another(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        client = connect(fake.url)

        def follow(chunk: Chunk) -> Observable[Chunk]:
            return client.generate(f"<{chunk.text}>")

        stream = client.generate("a b c").pipe(ops.flat_map(follow))
        text = door.subscribe(stream).wait().text
        assert len(fake.exchanges) == 5  # one, and one for each of its four chunks
        assert sorted(text) == sorted("<a>< b>< c><>")


def test_generations_can_be_concatenated_and_merged(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        client = connect(fake.url)
        joined = reactivex.concat(client.generate("a b"), client.generate("c d"))
        assert door.subscribe(joined).wait().text == "a bc d"
        merged = reactivex.merge(client.generate("a b"), client.generate("c d"))
        assert sorted(item.text for item in door.subscribe(merged).wait().items) == [
            "",
            "",
            " b",
            " d",
            "a",
            "c",
        ]
        assert len(fake.exchanges) == 4


def test_retry_sends_the_request_again(connect: Connect, door: Door) -> None:
    with FakeOllama(error_status(503), error_status(503), answer("ok")) as fake:
        seen = door.subscribe(connect(fake.url).generate("x").pipe(ops.retry(3))).wait()
        assert seen.text == "ok"
        assert len(fake.exchanges) == 3


def test_on_completed_can_send_the_next_prompt(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        client = connect(fake.url)
        texts: list[str] = []
        over = threading.Event()

        def follow() -> None:
            client.generate("two").subscribe(lambda chunk: texts.append(chunk.text), on_completed=over.set)

        door.call(
            lambda: client.generate("one").subscribe(
                lambda chunk: texts.append(chunk.text), on_completed=follow
            )
        )
        assert over.wait(5)
        assert "".join(texts) == "onetwo"


def test_a_hundred_streams_run_at_once(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        client = connect(fake.url, timeouts=Timeouts(connect=30))
        streams = reactivex.from_([str(n) for n in range(100)]).pipe(ops.flat_map(client.generate))
        seen = door.subscribe(streams).wait()
        assert sorted(item.text for item in seen.items if item.text) == sorted(map(str, range(100)))


@over_http
def test_a_missing_server_is_an_error_at_once(connect: Connect, door: Door) -> None:
    seen = door.subscribe(connect("http://127.0.0.1:9").generate("x")).wait()
    (error,) = seen.errors
    assert isinstance(error, UnreachableError)
    assert error.url == "http://127.0.0.1:9"
    assert "ollama serve" in str(error)


# tasks that callbacks start on the stream's own loop


async def slowly(text: str) -> str:
    for _ in range(5):
        await asyncio.sleep(0)
    return text.upper()


def start(text: str) -> "asyncio.Future[str]":
    return asyncio.ensure_future(slowly(text))


def test_flat_map_to_a_future_works_in_threads_as_on_a_loop(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        stream = connect(fake.url).generate("a b").pipe(op.text(), ops.flat_map(start))
        assert sorted(door.subscribe(stream).wait().items) == [" B", "A"]


def test_a_task_that_a_callback_has_started_may_read_another_stream(connect: Connect, door: Door) -> None:
    """A full mailbox must not block the loop on which its reader runs."""

    async def count(stream: Observable[Any]) -> int:
        return len([item async for item in iterate(stream, max_waiting=1)])

    with FakeOllama(answer("a"), answer(*"abc")) as fake:
        client = connect(fake.url)
        stream: Any = client.generate("x").pipe(op.text())
        stream = stream.pipe(ops.flat_map(lambda _: asyncio.ensure_future(count(client.generate("y")))))
        assert door.subscribe(stream).wait().items == [4]


def test_flat_map_to_a_future_works_below_an_operator_that_disposes(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        stream = connect(fake.url).generate("a b").pipe(op.text(), ops.take(1), ops.flat_map(start))
        assert door.subscribe(stream).wait().items == ["A"]


@pytest.mark.parametrize("collect", ["run", "deliver", "iterate"])
def test_flat_map_to_a_future_works_however_the_stream_is_read(connect: Connect, collect: str) -> None:
    with FakeOllama() as fake:
        stream = connect(fake.url).generate("a b").pipe(op.text(), ops.flat_map(start))
        found = Collector[str]()
        if collect == "run":
            found.items.extend(stream.pipe(ops.to_list()).run())
        elif collect == "deliver":
            deliver(stream, found).wait(5)
        else:
            found.items.extend(iterate(stream))
        assert sorted(found.items) == [" B", "A"]


def test_a_task_that_a_callback_has_started_is_finished_after_the_end() -> None:
    saved = threading.Event()

    async def save() -> None:
        await asyncio.sleep(0.01)
        saved.set()

    tasks: list[asyncio.Task[None]] = []
    with FakeOllama() as fake, Client(fake.url, model="echo") as client:
        client.generate("a").subscribe(lambda _: tasks.append(asyncio.ensure_future(save())))
        assert saved.wait(5)


def test_a_task_that_a_callback_has_started_is_cancelled_on_dispose() -> None:
    cancelled = threading.Event()
    started = threading.Event()

    async def wait_for_ever() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    tasks: list[asyncio.Future[None]] = []
    with FakeOllama(answer(endless(every=0.01))) as fake, Client(fake.url, model="echo") as client:
        subscription = client.generate("a").subscribe(
            lambda _: tasks.append(asyncio.ensure_future(wait_for_ever())) if not tasks else None
        )
        assert started.wait(5)
        subscription.dispose()
        assert cancelled.wait(5)


def test_a_future_that_is_cancelled_after_the_end_of_its_stream_ends_the_thread() -> None:
    cancelled = threading.Event()
    started: list[threading.Thread] = []

    async def wait_for_ever(_: str) -> None:
        started.append(threading.current_thread())
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def start_waiting(text: str) -> "asyncio.Future[None]":
        return asyncio.ensure_future(wait_for_ever(text))

    with FakeOllama() as fake, Client(fake.url, model="echo") as client:
        ended = threading.Event()
        texts: Any = client.generate("a").pipe(op.text())
        texts = texts.pipe(ops.do_action(on_completed=ended.set), ops.flat_map(start_waiting))
        subscription = texts.subscribe()
        assert ended.wait(5)
        assert eventually(lambda: len(started) == 1)
        subscription.dispose()
        assert cancelled.wait(5)
        started[0].join(5)
        assert not started[0].is_alive()
