"""A worker answers at once what does not belong in the queue."""

import asyncio
from typing import Any

import orjson
import pytest

from ollama_rx import Client
from ollama_rx.bus.client.api_answer import ApiAnswer
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.registry.worker_request import ask_worker
from ollama_rx.bus.subjects import Subjects
from ollama_rx.bus.worker.request_desk import request_desk
from ollama_rx.testing import FakeOllama, Gate, Reply, error_status, json_reply
from tests.bus.on_bus import on_bus, until


def _ignore(_: str) -> None:
    """Be told that a model was shown."""


async def asked(
    connection: BusConnection, namespace: str, client: Client, path: str, body: bytes
) -> ApiAnswer:
    subjects = Subjects(namespace)
    async with request_desk(client, connection, subjects, "w1", on_shown=_ignore):
        answer = await ask_worker(connection, subjects, "w1", path, body)
    assert answer is not None
    assert await ask_worker(connection, subjects, "w1", path, body) is None, "it has left"
    return answer


def ask(url: str, namespace: str, host: str, path: str, **fields: Any) -> ApiAnswer:
    found: list[ApiAnswer] = []

    async def work(connection: BusConnection) -> None:
        async with Client(host) as client:
            found.append(await asked(connection, namespace, client, path, orjson.dumps(fields)))

    on_bus(url, work)
    return found[0]


def test_details_are_those_of_the_host(nats_url: str, namespace: str) -> None:
    with FakeOllama(on={"/api/show": json_reply({"license": "MIT"})}) as fake:
        answer = ask(nats_url, namespace, fake.url, "/api/show", model="a", verbose=True)
        assert answer == ApiAnswer(200, b'{"license":"MIT"}')
        assert fake.requests[0].json == {"model": "a", "verbose": True}


def test_a_model_is_unloaded_from_the_host(nats_url: str, namespace: str) -> None:
    with FakeOllama() as fake:
        answer = ask(nats_url, namespace, fake.url, "/api/generate", model="a", prompt="", keep_alive=0)
        assert orjson.loads(answer.body)["done_reason"] == "unload"
        assert fake.requests[0].json["keep_alive"] == 0


def test_a_model_is_unloaded_from_each_of_several_hosts(nats_url: str, namespace: str) -> None:
    running = {"/api/ps": json_reply({"models": [{"name": "a:latest"}]})}

    async def work(connection: BusConnection) -> None:
        async with Client(hosts=[one.url, two.url]) as client:
            body = orjson.dumps({"model": "a", "keep_alive": 0})
            answer = await asked(connection, namespace, client, "/api/generate", body)
            assert orjson.loads(answer.body)["done_reason"] == "unload"

    with FakeOllama(on=running) as one, FakeOllama(on=running) as two:
        on_bus(nats_url, work)
        for host in (one, two):
            assert [request.path for request in host.requests if request.method == "POST"] == [
                "/api/generate"
            ]


def test_an_error_of_the_host_is_passed_on(nats_url: str, namespace: str) -> None:
    sign_in = error_status(401, "unauthorized", signin_url="https://sign.in")
    with FakeOllama(on={"/api/show": [error_status(404, "model 'a' not found"), sign_in]}) as fake:
        answer = ask(nats_url, namespace, fake.url, "/api/show", model="a")
        assert answer == ApiAnswer.error(404, "model 'a' not found")
        answer = ask(nats_url, namespace, fake.url, "/api/show", model="a")
        assert answer == ApiAnswer.error(401, "unauthorized", "https://sign.in")


def test_a_host_that_is_down_is_an_error_of_the_gateway(nats_url: str, namespace: str) -> None:
    with FakeOllama() as fake:
        url = fake.url
    answer = ask(nats_url, namespace, url, "/api/show", model="a")
    assert answer.status == 502
    assert f"cannot reach {url}".encode() in answer.body


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/api/show", b"garbage", ApiAnswer.error(400, "the request is not JSON")),
        ("/api/show", b"[]", ApiAnswer.error(400, "model is required")),
        ("/api/chat", b'{"model": "a"}', ApiAnswer.error(501, "a worker does not answer /api/chat here")),
        ("/api/delete", b'{"model": "a"}', ApiAnswer.error(501, "a worker does not answer /api/delete here")),
        ("", b'{"model": "a"}', ApiAnswer.error(501, "a worker does not answer  here")),
    ],
)
def test_other_requests_are_refused(
    nats_url: str, namespace: str, path: str, body: bytes, expected: ApiAnswer
) -> None:
    async def work(connection: BusConnection) -> None:
        async with Client(fake.url) as client:
            assert await asked(connection, namespace, client, path, body) == expected

    with FakeOllama() as fake:
        on_bus(nats_url, work)
        assert fake.requests == ()


def test_requests_are_answered_at_the_same_time(nats_url: str, namespace: str) -> None:
    first = Gate()

    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        async with (
            Client(fake.url) as client,
            request_desk(client, connection, subjects, "w1", on_shown=_ignore),
        ):
            body = b'{"model": "a"}'
            slow = asyncio.create_task(ask_worker(connection, subjects, "w1", "/api/show", body))
            await fake.aio.wait_for_request()
            quick = await ask_worker(connection, subjects, "w1", "/api/show", body)
            assert quick == ApiAnswer(200, b'{"n":2}')
            first.open()
            assert await slow == ApiAnswer(200, b'{"n":1}')

    with FakeOllama(on={"/api/show": [Reply(lambda _: [first, b'{"n":1}']), json_reply({"n": 2})]}) as fake:
        on_bus(nats_url, work)


def test_leaving_ends_what_is_being_answered(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        async with Client(fake.url) as client:
            before = asyncio.all_tasks()
            async with request_desk(client, connection, subjects, "w1", on_shown=_ignore):
                asking = asyncio.create_task(
                    ask_worker(connection, subjects, "w1", "/api/show", b'{"model": "a"}')
                )
                await fake.aio.wait_for_request()
            await fake.aio.wait_for_disconnect()
            asking.cancel()
            await until(lambda: asyncio.all_tasks() <= before)

    with FakeOllama(on={"/api/show": Reply(lambda _: [Gate()])}) as fake:
        on_bus(nats_url, work)


def test_a_connection_that_is_closed_meanwhile_does_no_harm(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        async with (
            Client(fake.url) as client,
            request_desk(client, connection, subjects, "w1", on_shown=_ignore),
        ):
            await connection.close()

    with FakeOllama() as fake:
        on_bus(nats_url, work)
