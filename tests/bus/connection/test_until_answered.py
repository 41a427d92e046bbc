"""A request is repeated until the server answers."""

import asyncio
from pathlib import Path

import pytest
from nats.errors import ConnectionClosedError, NoRespondersError
from nats.js.errors import APIError, NoStreamResponseError, ServiceUnavailableError

from ollama_rx import StatusError, UnreachableError
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.direct_get import stored_messages
from ollama_rx.bus.connection.until_answered import until_answered
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus, until


class Request:
    """A request that fails with some errors before it is answered."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.bus.connection.until_answered._WAITS", (0.01,) * 5)


def test_a_request_is_repeated_until_there_is_an_answer(nats_url: str) -> None:
    async def work(connection: BusConnection) -> None:
        request = Request(
            TimeoutError(), NoRespondersError(), NoStreamResponseError(), ServiceUnavailableError()
        )
        assert await until_answered(connection, request) == "answer"
        assert request.count == 5

    on_bus(nats_url, work)


def test_a_server_that_does_not_answer_is_given_up(nats_url: str) -> None:
    async def work(connection: BusConnection) -> None:
        with pytest.raises(UnreachableError, match="JetStream does not answer there"):
            await until_answered(connection, Request(*(TimeoutError() for _ in range(9))))

    on_bus(nats_url, work)


def test_why_the_server_refuses_again_and_again_is_told(nats_url: str) -> None:
    async def work(connection: BusConnection) -> None:
        full = ServiceUnavailableError(code=503, err_code=10023, description="insufficient resources")
        with pytest.raises(UnreachableError, match="insufficient resources"):
            await until_answered(connection, Request(*(full for _ in range(9))))

    on_bus(nats_url, work)


def test_a_permission_that_is_missing_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.bus.connection.direct_get.ANSWER_SECONDS", 0.2)
    permissions = 'permissions: { publish: "other" }'
    settings = f'authorization {{ users: [{{ user: ada, password: "secret", {permissions} }}] }}'
    server = NatsProcess(tmp_path, settings=settings).start()

    async def work(connection: BusConnection) -> None:
        with pytest.raises(StatusError) as caught:
            await until_answered(connection, lambda: stored_messages(connection, "here", ">"))
        assert caught.value.status == 403
        assert caught.value.reason == ('permissions violation for publish to "$js.api.direct.get.here"')
        with pytest.raises(UnreachableError, match="JetStream does not answer there"):
            await until_answered(connection, Request(*(TimeoutError() for _ in range(9))))

    try:
        on_bus(f"nats://ada:secret@127.0.0.1:{server.port}", work)
    finally:
        server.kill()


def test_another_error_is_raised_at_once(nats_url: str) -> None:
    async def work(connection: BusConnection) -> None:
        request = Request(APIError(code=400))
        with pytest.raises(APIError):
            await until_answered(connection, request)
        assert request.count == 1

    on_bus(nats_url, work)


def test_a_connection_that_was_closed_is_an_error(nats_url: str) -> None:
    async def work(connection: BusConnection) -> None:
        with pytest.raises(UnreachableError, match="the connection was closed"):
            await until_answered(connection, Request(ConnectionClosedError()))

    on_bus(nats_url, work)


def test_nothing_is_sent_while_the_server_is_gone(nats_process: NatsProcess) -> None:
    async def work(connection: BusConnection) -> None:
        request = Request()
        nats_process.kill()
        await until(lambda: not connection.is_connected)
        answering = asyncio.create_task(until_answered(connection, request))
        await asyncio.sleep(0)
        assert request.count == 0
        await asyncio.to_thread(nats_process.start)
        assert await answering == "answer"

    on_bus(nats_process.url, work)
