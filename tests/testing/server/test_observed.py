"""Requests, progress and disconnects are recorded, and tests can wait for them without polling."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pytest

from ollama_rx.testing import FakeOllama, Gate, answer, endless, pause

ASK = {"model": "m", "prompt": "Hi"}


@contextmanager
def streaming(fake: FakeOllama) -> Generator[httpx.Response]:
    with (
        httpx.Client(timeout=10) as client,
        client.stream("POST", f"{fake.url}/api/generate", json=ASK) as it,
    ):
        yield it


def test_requests_are_recorded_as_they_came() -> None:
    with FakeOllama() as fake:
        before = time.monotonic()
        httpx.post(f"{fake.url}/api/generate?x=1", json=ASK, headers={"X-Name": "value"})
        httpx.get(f"{fake.url}/api/version")
        exchange = fake.wait_for_answer(2)
    generate, version = fake.requests
    assert (generate.method, generate.path, generate.query) == ("POST", "/api/generate", "x=1")
    assert generate.headers["x-name"] == "value"
    assert generate.json == ASK
    assert before < generate.at < version.at < time.monotonic()
    assert (version.body, version.json) == (b"", {})
    assert exchange.request is version
    assert (exchange.status, exchange.bytes_written) == (200, len(b'{"version":"0.33.0"}'))
    assert [str(each) for each in fake.exchanges] == [
        f"POST /api/generate: status 200, 2 lines, {fake.exchanges[0].bytes_written} bytes, answered",
        "GET /api/version: status 200, 0 lines, 20 bytes, answered",
    ]


def test_a_request_can_be_awaited_by_path() -> None:
    with FakeOllama() as fake:
        httpx.get(f"{fake.url}/api/version")
        httpx.get(f"{fake.url}/api/tags")
        assert fake.wait_for_request(path="/api/tags").request.path == "/api/tags"
        assert fake.wait_for_request(2).request.path == "/api/tags"


def test_lines_can_be_awaited_of_one_request() -> None:
    with FakeOllama(answer("a"), answer("a", "b", pause(60))) as fake:
        httpx.post(f"{fake.url}/api/generate", json=ASK)
        with streaming(fake):
            assert fake.wait_for_lines(2, request=2) is fake.exchanges[1]
            assert fake.wait_for_lines(2) is fake.exchanges[0]


def test_a_disconnect_during_a_pause_is_recorded_at_once() -> None:
    with FakeOllama(answer("a", pause(60))) as fake:
        with streaming(fake):
            fake.wait_for_lines(1)
            left = time.monotonic()
        exchange = fake.wait_for_disconnect()
    assert exchange.disconnected
    assert exchange.disconnected_at is not None
    assert 0 < exchange.disconnected_at - left < 5
    assert exchange.answered_at is None
    assert "client disconnected" in str(exchange)


def test_leaving_after_the_answer_is_not_a_disconnect() -> None:
    with FakeOllama(answer("a")) as fake:
        with httpx.Client() as client:
            client.post(f"{fake.url}/api/generate", json=ASK)
        fake.wait_for_connections(0)
    assert not fake.exchanges[0].disconnected
    assert fake.exchanges[0].answered_at is not None


def test_open_connections_are_counted() -> None:
    gate = Gate()
    with FakeOllama(answer("a", gate)) as fake:
        with streaming(fake), streaming(fake):
            fake.wait_for_request(2)
            assert fake.connections_open == 2
            gate.open()
        fake.wait_for_connections(0)


def test_a_client_that_does_not_read_pauses_writing_until_it_reads() -> None:
    with (
        FakeOllama(answer(endless("x" * 10_000)), send_buffer_bytes=4096) as fake,
        streaming(fake) as response,
    ):
        exchange = fake.wait_for_pause()
        written = exchange.bytes_written
        assert "paused by the client" in str(exchange)
        for piece in response.iter_raw():
            written -= len(piece)
            if written < -1_000_000:
                break
        assert exchange.pauses >= 1


def test_a_disconnect_while_writing_is_paused_is_recorded() -> None:
    with FakeOllama(answer(endless("x" * 10_000)), send_buffer_bytes=4096) as fake:
        with streaming(fake):
            fake.wait_for_pause()
        assert fake.wait_for_disconnect().pauses >= 1


def test_a_timeout_lists_the_exchanges_so_far() -> None:
    with FakeOllama(answer("a", pause(60))) as fake, streaming(fake):
        fake.wait_for_lines(1)
        with pytest.raises(TimeoutError) as caught:
            fake.wait_for_disconnect(timeout=0.01)
    message = str(caught.value)
    assert message.startswith("waited 0.01 s for disconnect 1; seen:\n  1 of 1 connections open\n")
    assert "POST /api/generate: status 200, 1 lines," in message
    assert message.endswith(" bytes, open")


def test_coroutines_wait_for_the_same_things() -> None:
    async def scenario() -> None:
        gate = Gate()
        with FakeOllama(answer("a", gate, endless("x" * 10_000)), send_buffer_bytes=4096) as fake:
            async with httpx.AsyncClient() as client:
                async with client.stream("POST", f"{fake.url}/api/generate", json=ASK):
                    seen = [
                        await fake.aio.wait_for_request(path="/api/generate"),
                        await fake.aio.wait_for_lines(1),
                    ]
                    gate.open()
                    seen.append(await fake.aio.wait_for_pause())
                seen.append(await fake.aio.wait_for_disconnect())
            assert await fake.aio.wait_for_connections(0) == 0
            assert set(seen) == {fake.exchanges[0]}

    asyncio.run(scenario())


def test_a_waiting_coroutine_is_woken_by_the_event() -> None:
    async def scenario() -> None:
        with FakeOllama() as fake:
            waiting = asyncio.create_task(fake.aio.wait_for_answer(1))
            async with httpx.AsyncClient() as client:
                await client.post(f"{fake.url}/api/generate", json=ASK)
            assert (await waiting).request.json == ASK

    asyncio.run(scenario())


def test_a_timeout_of_a_coroutine_lists_the_exchanges_so_far() -> None:
    async def scenario() -> None:
        with FakeOllama() as fake:
            await fake.aio.wait_for_request(timeout=0.01)

    with pytest.raises(TimeoutError, match=r"waited 0.01 s for request 1 of any path; seen:\n  0 of 0"):
        asyncio.run(scenario())
