"""Contract 3: ``dispose()`` from any thread at any moment closes the connection at once."""

import threading
from collections.abc import Callable

import pytest
from reactivex import operators as ops

from ollama_rx import Client, Timeouts
from ollama_rx.testing import FakeOllama, Gate, Reply, answer, endless, error_status, silent_url
from tests.contracts.conftest import Connect, Door, Seen, eventually

AT_ONCE = 0.05  # seconds until the server sees it, as the design promises
TRIES = 5  # on a busy machine one attempt may be late; at least one must be in time


def prompt_disconnect(attempt: Callable[[], float]) -> float:
    return min(attempt() for _ in range(TRIES))


@pytest.mark.parametrize(
    ("script", "started"),
    [
        pytest.param(lambda: answer(Gate(), "never"), "", id="while the model loads"),
        pytest.param(lambda: answer("one", Gate(), "never"), "started", id="between chunks"),
        pytest.param(lambda: answer(endless(every=0.002)), "started", id="while chunks flow"),
        pytest.param(lambda: answer(endless()), "started", id="in a flood"),
    ],
)
def test_the_server_sees_a_disposal_within_50_ms(
    script: Callable[[], Reply], started: str, connect: Connect, door: Door
) -> None:
    with FakeOllama(script()) as fake:
        client = connect(fake.url)
        count = 0

        def attempt() -> float:
            nonlocal count
            count += 1
            seen = door.subscribe(client.generate("x"))
            fake.wait_for_request(count)
            if started:
                assert seen.started.wait(5)
            disposed = seen.dispose()
            exchange = fake.wait_for_disconnect(count)
            assert exchange.disconnected_at is not None
            assert not seen.errors
            assert not seen.completed
            return exchange.disconnected_at - disposed

        assert prompt_disconnect(attempt) < AT_ONCE


def test_disposing_inside_a_callback_closes_the_connection(connect: Connect, door: Door) -> None:
    with FakeOllama(answer(endless())) as fake:
        client = connect(fake.url)

        def dispose(_: object) -> None:
            assert ready.wait(5)
            seen.dispose()

        ready = threading.Event()
        seen: Seen = door.subscribe(client.generate("x"), hook=dispose)
        ready.set()
        fake.wait_for_disconnect()
        assert eventually(lambda: len(seen.items) == 1)
        assert not seen.errors


def test_disposing_inside_a_callback_that_continues_to_work_closes_the_connection_at_once(door: Door) -> None:
    with FakeOllama(answer(endless())) as fake, Client(fake.url, model="m") as client:

        def dispose(_: object) -> None:
            assert ready.wait(5)
            seen.dispose()
            fake.wait_for_disconnect(
                timeout=2
            )  # times out if the connection is closed in the next turn of the loop only
            noticed.set()

        ready, noticed = threading.Event(), threading.Event()
        seen: Seen = door.subscribe(client.generate("x"), hook=dispose)
        ready.set()
        assert noticed.wait(5)


def test_disposing_from_another_thread_while_a_callback_blocks_the_loop_closes_the_connection(
    door: Door,
) -> None:
    with FakeOllama(answer(endless())) as fake, Client(fake.url, model="m") as client:
        blocked, release = threading.Event(), threading.Event()

        def block(_: object) -> None:
            blocked.set()
            release.wait(5)

        seen = door.subscribe(client.generate("x"), hook=block)
        assert blocked.wait(5)
        seen.dispose()
        fake.wait_for_disconnect(timeout=2)
        release.set()
        assert eventually(lambda: fake.connections_open == 0)
        assert len(seen.items) == 1
        assert not seen.errors


def test_disposing_right_after_subscribe_leaves_nothing(connect: Connect, door: Door) -> None:
    with FakeOllama(answer(Gate(), "never")) as fake:
        client = connect(fake.url)
        for _ in range(20):
            seen = door.subscribe(client.generate("x"))
            seen.dispose()
            assert not seen.items
        assert eventually(lambda: door.tasks() == 0)
        client.close()  # httpx's own transport may keep a connection it has not used yet
        fake.wait_for_connections(0)


def test_disposing_while_connecting_leaves_nothing(connect: Connect, door: Door) -> None:
    with silent_url() as url:
        client = connect(url, timeouts=Timeouts(connect=60))
        seen = door.subscribe(client.generate("x"))
        assert not seen.over.wait(0.05)  # connecting never ends, and no event reports that it has begun
        seen.dispose()
        assert eventually(lambda: door.tasks() == 0)
        assert not seen.errors


def test_take_closes_the_connection(connect: Connect, door: Door) -> None:
    with FakeOllama(answer(endless())) as fake:
        seen = door.subscribe(connect(fake.url).generate("x").pipe(ops.take(2))).wait()
        fake.wait_for_disconnect()
        assert len(seen.items) == 2
        assert seen.completed == 1


def test_disposing_after_the_end_does_nothing(connect: Connect, door: Door) -> None:
    with FakeOllama() as fake:
        seen = door.subscribe(connect(fake.url).generate("x")).wait()
        seen.dispose()
        seen.dispose()
        assert seen.completed == 1
        assert not any(exchange.disconnected for exchange in fake.exchanges)


def test_disposing_while_an_error_body_is_read_leaves_nothing(connect: Connect, door: Door) -> None:
    with FakeOllama(error_status(500)) as fake:
        seen = door.subscribe(connect(fake.url).generate("x"))
        seen.dispose()
        assert eventually(lambda: door.tasks() == 0)
