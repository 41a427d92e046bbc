"""A request to one worker: an answer, or a clear error soon."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import shake_256

import pytest
from nats.aio.msg import Msg

from ollama_rx.bus.client.api_answer import ApiAnswer
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.registry import worker_request
from ollama_rx.bus.registry.worker_request import ask_worker, reply_to
from ollama_rx.bus.subjects import REQUEST_PATH, Subjects
from tests.bus.on_bus import on_bus


async def asked(
    connection: BusConnection,
    namespace: str,
    serve: Callable[[Msg], Awaitable[None]],
    body: bytes = b"{}",
) -> ApiAnswer | None:
    """Ask a worker whose side is played by a function."""
    subjects = Subjects(namespace)
    await connection.nats.subscribe(subjects.worker("w1"), cb=serve)
    return await ask_worker(connection, subjects, "w1", "/api/show", body)


def test_the_worker_gets_the_path_and_the_body_and_its_answer_comes_back(
    nats_url: str, namespace: str
) -> None:
    async def work(connection: BusConnection) -> None:
        async def serve(request: Msg) -> None:
            assert (request.headers or {})[REQUEST_PATH] == "/api/show"
            assert request.data == b'{"model":"a"}'
            await reply_to(connection, request, ApiAnswer.of({"license": "MIT"}))

        answer = await asked(connection, namespace, serve, b'{"model":"a"}')
        assert answer == ApiAnswer(200, b'{"license":"MIT"}')

    on_bus(nats_url, work)


def test_an_answer_that_is_long_comes_back_whole(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        long = ApiAnswer.of({"tokens": ["token"] * 500_000})

        async def serve(request: Msg) -> None:
            await reply_to(connection, request, long)

        assert await asked(connection, namespace, serve) == long

    on_bus(nats_url, work)


def test_an_answer_that_is_too_long_even_so_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        long = ApiAnswer.of({"digits": shake_256(b"random").hexdigest(2_000_000)})

        async def serve(request: Msg) -> None:
            await reply_to(connection, request, long)

        answer = await asked(connection, namespace, serve)
        assert answer is not None
        assert answer.status == 413
        assert (
            b"the answer is longer than a message may be, 1048576 bytes; ask a host directly" in answer.body
        )

    on_bus(nats_url, work)


def test_an_error_of_the_worker_comes_back(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async def serve(request: Msg) -> None:
            await reply_to(connection, request, ApiAnswer.error(401, "unauthorized", "https://sign.in"))

        answer = await asked(connection, namespace, serve)
        body = b'{"error":"unauthorized","signin_url":"https://sign.in"}'
        assert answer == ApiAnswer(401, body)

    on_bus(nats_url, work)


def test_a_worker_that_is_gone_is_known_at_once(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        assert await ask_worker(connection, Subjects(namespace), "w1", "/api/show", b"{}") is None

    on_bus(nats_url, work)


def test_a_silent_worker_is_an_error_after_a_moment(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_request, "_SECONDS", 0.05)

    async def work(connection: BusConnection) -> None:
        async def serve(_: Msg) -> None:
            await asyncio.Event().wait()

        answer = await asked(connection, namespace, serve)
        assert answer == ApiAnswer.error(504, "a worker has not answered within 0.05 s")

    on_bus(nats_url, work)


def test_a_request_that_is_too_long_is_refused(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        answer = await ask_worker(connection, Subjects(namespace), "w1", "/api/show", b" " * 1_100_000)
        assert answer is not None
        assert answer.status == 413
        assert answer.is_error

    on_bus(nats_url, work)


@pytest.mark.parametrize(
    ("headers", "body"),
    [(None, b"{}"), ({"Ollama-Rx-Status": "fine"}, b"{}"), ({"Ollama-Rx-Status": "200"}, b"x-garbage")],
)
def test_a_reply_of_something_else_is_an_error(
    nats_url: str, namespace: str, headers: dict[str, str] | None, body: bytes
) -> None:
    async def work(connection: BusConnection) -> None:
        async def serve(request: Msg) -> None:
            await connection.nats.publish(request.reply, body, headers=headers)

        answer = await asked(connection, namespace, serve)
        assert answer is not None
        assert answer.status == 502

    on_bus(nats_url, work)
