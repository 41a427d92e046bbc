"""A request of somebody else is passed on as it is, and so is the answer."""

import asyncio
import json

import pytest
from reactivex import operators as ops

from ollama_rx import Client, IncompleteStreamError, ModelNotFoundError, OllamaError, UnreachableError
from ollama_rx.testing import (
    FakeOllama,
    Reply,
    Request,
    answer,
    cut,
    error_status,
    json_reply,
    midstream_error,
    text_reply,
)

BODY = b'{"model":"m",  "unknown":[1],"prompt":"Hi"}'
LINES = b'{"response":"a","done":false}\n\n{"response":"","done":true,"more":1}\n'


def forwarded(reply: Reply, path: str = "/api/generate", body: bytes | None = BODY) -> tuple[Request, bytes]:
    with FakeOllama(on={path: reply}) as fake, Client(fake.url) as client:
        items: list[bytes] = client.forward(path, body).pipe(ops.to_list()).run()
        [request] = fake.requests
    return request, b"".join(items)


def test_a_body_is_sent_as_it_is_and_the_answer_comes_back_as_it_is() -> None:
    request, received = forwarded(text_reply(LINES + b"no line feed"))
    assert (request.method, request.path, request.body) == ("POST", "/api/generate", BODY)
    assert request.headers["content-type"] == "application/json"
    assert received == LINES + b"no line feed"


def test_a_request_without_a_body_is_a_get() -> None:
    request, received = forwarded(json_reply({"models": []}), "/api/tags", None)
    assert (request.method, request.body) == ("GET", b"")
    assert json.loads(received) == {"models": []}


def test_an_answer_comes_line_by_line_on_an_event_loop() -> None:
    async def ask(url: str) -> list[bytes]:
        async with Client(url) as client:
            items: list[bytes] = await client.forward("/api/chat", BODY).pipe(ops.to_list())
            return items

    with FakeOllama(answer("a", "b")) as fake:
        items = asyncio.run(ask(fake.url))
    assert all(item.endswith(b"\n") for item in items)
    texts = [json.loads(line)["message"]["content"] for item in items for line in item.splitlines()]
    assert texts == ["a", "b", ""]


def test_an_error_inside_the_answer_is_part_of_the_answer() -> None:
    _, received = forwarded(answer("a", midstream_error("no memory")))
    assert b"no memory" in received


def failure(reply: Reply) -> OllamaError:
    with FakeOllama(reply) as fake, Client(fake.url) as client, pytest.raises(OllamaError) as caught:
        client.forward("/api/generate", BODY).run()
    return caught.value


def test_an_answer_that_is_cut_is_an_error() -> None:
    assert isinstance(failure(answer("a", cut())), IncompleteStreamError)


def test_a_request_that_is_refused_is_an_error() -> None:
    assert isinstance(failure(error_status(404)), ModelNotFoundError)


def test_a_host_that_cannot_be_reached_is_an_error() -> None:
    with pytest.raises(UnreachableError):
        Client("http://127.0.0.1:9").forward("/api/generate", BODY).run()


def test_one_of_several_hosts_is_asked_after_the_other() -> None:
    with (
        FakeOllama(error_status(404)) as one,
        FakeOllama(text_reply(LINES)) as other,
        Client(hosts=[one.url, other.url]) as client,
    ):
        items: list[bytes] = client.forward("/api/generate", BODY, model="m").pipe(ops.to_list()).run()
    assert b"".join(items) == LINES


def test_a_wrong_argument_is_refused_at_once() -> None:
    client = Client()
    with pytest.raises(ValueError, match=r"^path: expected a path that begins with /, got 'api/tags'$"):
        client.forward("api/tags")
    with pytest.raises(TypeError, match=r"^body: expected .*bytes.*, got str$"):
        client.forward("/api/chat", "{}")  # type: ignore[arg-type]
