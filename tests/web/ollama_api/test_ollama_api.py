"""The API on a port: requests are passed on, and answers passed back while they arrive."""

import asyncio
import hashlib
import json
import logging
import socket
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager

import httpx
import pytest
from reactivex import operators as ops
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message, Scope

from ollama_rx import Client
from ollama_rx import operators as op
from ollama_rx.errors import BusyError, EmbeddedModelError, UnreachableError
from ollama_rx.testing import FakeOllama, Gate, answer, cut, endless, error_status, json_reply, text_reply
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.web import ollama_api, request_body
from ollama_rx.web.ollama_api import relay
from ollama_rx.web.ollama_api.relay import Relay
from tests.web.clocked_loop import run_on_clock
from tests.web.in_loop_server import LAST_CHUNK, serving
from tests.web.serving import served

PROMPT = {"model": "m", "prompt": "Hi ❤"}


class Scripted(httpx.AsyncBaseTransport):
    """A transport that raises, or answers with these pieces and may raise after them."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.requests: list[httpx.Request] = []
        self.closed = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.pieces and isinstance(self.pieces[0], Exception):
            raise self.pieces[0]
        return httpx.Response(200, headers={"content-type": "application/x-ndjson"}, stream=_Body(self))


class _Body(httpx.AsyncByteStream):
    def __init__(self, owner: Scripted) -> None:
        self.owner = owner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.owner.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.owner.closed += 1


@contextmanager
def client_of(
    transport: httpx.AsyncBaseTransport, url: str = "http://ollama.example"
) -> Generator[httpx.Client]:
    with (
        served(ollama_api(transport, url=url)) as address,
        httpx.Client(base_url=address, trust_env=False, timeout=10) as http,
    ):
        yield http


class Connection:
    """A server's side of one request: gives what is to be received, and keeps what is sent."""

    def __init__(self, *received: Message, transport: "Transport | None" = None) -> None:
        self.received = list(received)
        self.sent: list[Message] = []
        self.transport = transport

    async def receive(self) -> Message:
        if self.received:
            return self.received.pop(0)
        if self.transport is not None and self.transport.is_closed and self.transport.tells_it:
            self.received.append({"type": "http.disconnect"})
            return {"type": "http.request", "body": b""}
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def ask(self, transport: httpx.AsyncBaseTransport, path: bytes = b"/api/chat") -> None:
        about: Scope = {"type": "http", "method": "POST", "http_version": "1.1", "headers": []}
        scope = {**about, "raw_path": path, "query_string": b""}
        await Relay(transport, httpx.URL("http://ollama.example"), 100)(scope, self.receive, self.send)


class Transport:
    """What is used of a server's transport."""

    def __init__(self, *, tells_it: bool) -> None:
        self.tells_it = tells_it
        self.is_closed = self.is_aborted = False

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True


COMPLETE: Message = {"type": "http.request", "body": b"{}", "more_body": False}


# what is passed on


def test_a_request_is_passed_on(fake: FakeOllama, http: httpx.Client) -> None:
    headers = {"authorization": "Bearer key", "x-stainless-lang": "js", "te": "trailers", "cookie": "a=b"}
    headers |= {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"}
    http.post("/api/generate?a=%20b", json=PROMPT, headers=headers).raise_for_status()
    (request,) = fake.requests
    assert (request.method, request.path, request.query) == ("POST", "/api/generate", "a=%20b")
    assert request.json == PROMPT
    passed_on = {
        name: request.headers.get(name) for name in ("content-type", "authorization", "x-stainless-lang")
    }
    assert passed_on == {
        "content-type": "application/json",
        "authorization": "Bearer key",
        "x-stainless-lang": "js",
    }
    assert set(request.headers) & {"te", "cookie", "origin", "sec-fetch-site", "accept-encoding"} == set()
    assert request.headers["host"] == fake.url.removeprefix("http://")


def test_headers_of_a_connection_are_not_passed_on() -> None:
    transport = Scripted(b"{}")
    of_connection = ("keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade")
    with client_of(transport) as http:
        http.get("/api/tags", headers={**dict.fromkeys(of_connection, "x"), "x-of-message": "y"})
    passed_on = transport.requests[0].headers
    assert [name for name in of_connection if name in passed_on] == []
    assert passed_on["x-of-message"] == "y"


def test_headers_that_are_named_as_those_of_a_connection_are_not_passed_on_or_back() -> None:
    requests: list[httpx.Request] = []
    headers = {"connection": "keep-alive, X-Own", "x-own": "1", "x-of-message": "y"}

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, headers=headers)

    with client_of(httpx.MockTransport(answer)) as http:
        passed_back = http.get("/api/tags", headers=headers).headers
    for passed in (requests[0].headers, passed_back):
        assert "x-own" not in passed
        assert passed["x-of-message"] == "y"


def test_headers_for_this_server_are_not_passed_back() -> None:
    of_server = {"keep-alive": "timeout=5", "set-cookie": "a=b", "vary": "Cookie", "upgrade": "h2c"}
    of_server |= {"proxy-authenticate": "Basic", "access-control-allow-origin": "*"}
    headers = {**of_server, "x-of-message": "y"}
    with client_of(httpx.MockTransport(lambda _: httpx.Response(200, headers=headers))) as http:
        passed_back = http.get("/api/tags").headers
    assert [name for name in of_server if name in passed_back] == []
    assert passed_back["x-of-message"] == "y"


def test_a_path_in_the_url_comes_before_that_of_a_request() -> None:
    transport = Scripted(b"{}")
    with client_of(transport, "https://user:secret@proxy.example/ollama/") as http:
        http.get("/api/tags")
    assert transport.requests[0].url.raw_path == b"/ollama/api/tags"
    assert transport.requests[0].headers["host"] == "proxy.example"


def test_below_a_path_of_another_application_only_the_rest_is_passed_on() -> None:
    transport = Scripted(b"{}")
    app = Starlette(routes=[Mount("/llm", ollama_api(transport))])
    with served(app) as url:
        httpx.get(f"{url}/llm/api/tags", trust_env=False)
    assert transport.requests[0].url.raw_path == b"/api/tags"


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/"), ("GET", "/"), ("DELETE", "/api/delete")])
def test_all_methods_are_passed_on(method: str, path: str) -> None:
    transport = Scripted(b"Ollama is running")
    with client_of(transport) as http:
        response = http.request(method, path)
    assert response.status_code == 200
    assert response.text == ("" if method == "HEAD" else "Ollama is running")
    assert (transport.requests[0].method, transport.closed) == (method, 1)


def test_the_length_of_an_answer_is_kept(fake: FakeOllama, http: httpx.Client) -> None:
    fake.play(json_reply({"version": "1"}), path="/api/version")
    for method in ("GET", "HEAD"):
        response = http.request(method, "/api/version")
        assert response.headers["content-length"] == str(len(b'{"version":"1"}'))
    assert fake.requests[-1].method == "HEAD"


def test_a_status_and_its_text_are_passed_back(fake: FakeOllama, http: httpx.Client) -> None:
    fake.play(error_status(404, "model 'm' not found"))
    response = http.post("/api/generate", json=PROMPT)
    assert (response.status_code, response.json()) == (404, {"error": "model 'm' not found"})
    fake.play(text_reply("404 page not found", status=404), path="/nope")
    response = http.get("/nope")
    assert (response.status_code, response.text) == (404, "404 page not found")


def test_a_client_of_this_package_can_use_it(fake: FakeOllama, url: str) -> None:
    fake.play(answer("Hello", " you"))
    with Client(url) as client:
        assert client.generate("Hi", model="m").pipe(op.text(), ops.to_list()).run() == ["Hello", " you"]


# streams


def test_each_line_is_passed_back_before_the_next_one_exists(fake: FakeOllama, http: httpx.Client) -> None:
    gates = [Gate(), Gate()]
    fake.play(answer("a", gates[0], "b", gates[1], "c"))
    with http.stream("POST", "/api/generate", json=PROMPT) as response:
        lines = response.iter_lines()
        seen: list[str] = []
        for gate in gates:
            seen.append(json.loads(next(lines))["response"])
            gate.open()
        seen += [json.loads(line)["response"] for line in lines]
    assert seen == ["a", "b", "c", ""]


def test_the_head_is_passed_back_before_the_body(fake: FakeOllama, http: httpx.Client) -> None:
    gate = Gate()
    fake.play(answer("a", gate, "b"))
    with http.stream("POST", "/api/generate", json=PROMPT) as response:
        assert response.status_code == 200
        gate.open()
        assert len(list(response.iter_lines())) == 3


def test_two_streams_run_at_once(fake: FakeOllama, http: httpx.Client) -> None:
    gate = Gate()
    fake.play(answer("a", gate, "b"), answer("c"))
    with http.stream("POST", "/api/generate", json=PROMPT) as first:
        lines = first.iter_lines()
        next(lines)
        assert '"c"' in http.post("/api/generate", json=PROMPT).text
        gate.open()
        assert len(list(lines)) == 2


def test_a_client_that_leaves_stops_the_model(fake: FakeOllama, http: httpx.Client) -> None:
    fake.play(answer("a", endless(" more", every=0.005)))
    with http.stream("POST", "/api/generate", json=PROMPT) as response:
        next(response.iter_lines())
    assert fake.wait_for_disconnect().lines_written >= 1


def test_a_transport_of_httpx_can_be_used(fake: FakeOllama) -> None:
    fake.play(answer("a"), answer("b", endless(" more", every=0.005)))
    with client_of(httpx.AsyncHTTPTransport(), fake.url) as http:
        assert http.post("/api/generate", json=PROMPT).text.count("\n") == 2
        with http.stream("POST", "/api/generate", json=PROMPT) as response:
            next(response.iter_lines())
        fake.wait_for_disconnect()


def test_a_client_that_leaves_before_the_answer_begins_stops_it_too(fake: FakeOllama, url: str) -> None:
    gate = Gate()
    fake.play(answer(gate, "a"))
    head = b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as connection:
        connection.sendall(head)
        fake.wait_for_request()
    assert fake.wait_for_disconnect().lines_written == 0
    gate.open()


def test_a_stream_that_breaks_off_never_ends_cleanly(
    fake: FakeOllama, http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    fake.play(answer("a", "b", cut()))
    with (
        http.stream("POST", "/api/generate", json=PROMPT) as response,
        pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"),
    ):
        response.read()
    assert caplog.messages == [
        f"an answer has broken off: the server {fake.url} hung up in the middle of the answer; see its log"
    ]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_error_of_ours_in_the_middle_breaks_the_stream_off_too() -> None:
    transport = Scripted(b'{"a":1}\n', BusyError(503, "busy"))
    with (
        client_of(transport) as http,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        http.post("/api/chat", json=PROMPT)
    assert transport.closed == 1


def test_a_shutdown_breaks_streams_off(fake: FakeOllama) -> None:
    fake.play(answer("a", endless(" more", every=0.01)))
    request = b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"

    async def main() -> None:
        async with serving(ollama_api(HttpTransport(), url=fake.url)) as server:
            client = await server.connect(request)
            await client.until(b'"a"')
            await server.shut_down()
            assert not (await client.rest()).endswith(LAST_CHUNK)

    asyncio.run(main())
    fake.wait_for_disconnect()


def test_a_shutdown_before_an_answer_begins_says_so(fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(answer(gate, "a"))
    request = b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"

    async def main() -> None:
        async with serving(ollama_api(HttpTransport(), url=fake.url)) as server:
            client = await server.connect(request)
            await fake.aio.wait_for_request()
            await server.shut_down()
            said = await client.rest()
            assert said.startswith(b"HTTP/1.1 503 ")
            assert said.endswith(b'{"error":"the server is shutting down"}')

    asyncio.run(main())
    fake.wait_for_disconnect()
    gate.open()


# failures before an answer


def test_a_server_that_cannot_be_reached_is_named(unused_url: str) -> None:
    with client_of(HttpTransport(), unused_url) as http:
        response = http.post("/api/generate", json=PROMPT)
    assert response.status_code == 502
    assert response.json() == {"error": f"cannot reach {unused_url}: Connection refused"}


@pytest.mark.parametrize("error", [httpx.ConnectError("refused"), httpx.ReadError("reset")])
def test_a_client_is_not_told_the_password_of_the_server(error: Exception) -> None:
    with client_of(Scripted(error), "http://ada:hunter2@ollama.example") as http:
        words = http.post("/api/generate", json=PROMPT).json()["error"]
    assert "http://ollama.example" in words
    assert "ada" not in words
    assert "hunter2" not in words


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (httpx.ConnectTimeout("slow"), 502, "cannot reach http://ollama.example: slow"),
        (httpx.ReadError("reset"), 502, "the connection to http://ollama.example broke before the answer"),
        (EmbeddedModelError("cannot load x"), 500, "cannot load x"),
        (UnreachableError("nats://a", "refused"), 502, "cannot reach nats://a (refused)"),
        (BusyError(503, "no worker is free"), 503, "no worker is free"),
    ],
)
def test_a_transport_that_fails_is_an_error_as_ollama_writes_it(
    error: Exception, status: int, words: str
) -> None:
    with client_of(Scripted(error)) as http:
        response = http.post("/api/generate", json=PROMPT)
    assert response.status_code == status
    assert words in response.json()["error"]


def test_a_timeout_inside_a_transport_is_an_error_of_the_transport() -> None:
    transport = Scripted(TimeoutError("inner"))
    with client_of(transport) as http:
        assert http.post("/api/generate", json=PROMPT).status_code == 500


# files of models


CONTENT = b"gguf" * 100_000
BLOB = f"/api/blobs/sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.mark.parametrize("length", [True, False])
def test_files_are_passed_on_as_they_come(fake: FakeOllama, *, length: bool) -> None:
    with (
        served(ollama_api(HttpTransport(), url=fake.url, max_body_bytes=1)) as url,
        httpx.Client(base_url=url, trust_env=False) as http,
    ):
        assert http.head(BLOB).status_code == 404
        content = CONTENT if length else iter([CONTENT[:1000], CONTENT[1000:]])
        assert http.post(BLOB, content=content).status_code == 201
        assert http.head(BLOB).status_code == 200
    assert list(fake.blobs.values()) == [CONTENT]


def test_a_file_that_does_not_go_on_is_not_waited_for(
    fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PAUSE_SECONDS", 0.0)
    request = f"POST {BLOB} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n"

    async def main() -> None:
        async with serving(ollama_api(HttpTransport(), url=fake.url)) as server:
            client = await server.connect(request.encode())
            assert (await client.rest()).startswith(b"HTTP/1.1 408 ")

    asyncio.run(main())
    assert not fake.blobs


def test_a_client_that_leaves_in_the_middle_of_a_file_ends_the_upload(fake: FakeOllama, url: str) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as connection:
        connection.sendall(f"POST {BLOB} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx".encode())
        fake.wait_for_connections(1)
    fake.wait_for_connections(0)
    assert not fake.blobs


def test_parts_of_a_file_may_be_empty() -> None:
    at = Connection({**COMPLETE, "more_body": True}, {**COMPLETE, "body": b"", "more_body": True}, COMPLETE)
    files: list[bytes] = []

    class Storage(Scripted):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            files.append(await request.aread())
            return httpx.Response(201)

    asyncio.run(at.ask(Storage(), BLOB.encode()))
    assert (at.sent[0]["status"], files) == (201, [b"{}{}"])


# limits and other versions of HTTP


def test_a_request_that_is_too_large_is_refused(fake: FakeOllama) -> None:
    with (
        served(ollama_api(HttpTransport(), url=fake.url, max_body_bytes=100)) as url,
        httpx.Client(base_url=url, trust_env=False) as http,
    ):
        response = http.post("/api/generate", content=b"x" * 101)
        assert response.status_code == 413
        assert response.json()["error"].startswith("This is too much for one request")
        assert http.post("/api/generate", content=iter([b"x" * 60] * 2)).status_code == 413
    assert not fake.requests


def test_a_request_that_stops_in_the_middle_is_not_waited_for(
    fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "PAUSE_SECONDS", 0.0)
    request = b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{}"

    async def main() -> None:
        async with serving(ollama_api(HttpTransport(), url=fake.url)) as server:
            client = await server.connect(request)
            assert (await client.rest()).startswith(b"HTTP/1.1 408 ")

    asyncio.run(main())
    assert not fake.requests


def test_a_client_that_leaves_in_the_middle_of_its_request_asks_nothing(fake: FakeOllama, url: str) -> None:
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as connection:
        connection.sendall(b"POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{}")
    httpx.get(f"{url}/api/version", trust_env=False)
    assert [request.path for request in fake.requests] == ["/api/version"]


def test_in_http_1_0_an_answer_has_a_length(fake: FakeOllama, url: str) -> None:
    fake.play(answer("a", "b"))
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as connection:
        connection.sendall(b"POST /api/generate HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        with connection.makefile("rb") as reader:
            head, _, body = reader.read().partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert f"content-length: {len(body)}".encode() in head
    assert body.count(b"\n") == 3


def test_in_http_1_0_a_broken_answer_is_an_error(fake: FakeOllama, url: str) -> None:
    fake.play(answer("a", cut()))
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as connection:
        connection.sendall(b"POST /api/generate HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}")
        with connection.makefile("rb") as reader:
            assert reader.read().startswith(b"HTTP/1.1 502 ")


def test_websockets_are_refused(url: str) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError

    scope: Scope = {"type": "websocket", "path": "/api/chat", "headers": [], "app": None}
    asyncio.run(ollama_api(Scripted())(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
    assert url


def test_a_path_that_no_url_can_have_is_refused() -> None:
    at = Connection(COMPLETE)
    asyncio.run(at.ask(Scripted(b"{}"), b"/" + b"x" * 70_000))
    assert at.sent[0]["status"] == 400


def test_a_server_that_is_not_known_is_stopped_by_an_exception() -> None:
    at = Connection(COMPLETE)
    with pytest.raises(ConnectionAbortedError, match="an answer has broken off"):
        asyncio.run(at.ask(Scripted(b"a", b"", httpx.ReadError("reset"))))
    assert [message.get("body") for message in at.sent] == [None, b"a"]


def test_a_broken_answer_is_waited_for_until_it_is_sent() -> None:
    transport = Transport(tells_it=True)
    at = Connection(COMPLETE, transport=transport)
    run_on_clock(at.ask(Scripted(b"a", httpx.ReadError("reset"))))
    assert (transport.is_closed, transport.is_aborted) == (True, False)


def test_a_client_that_does_not_take_a_broken_answer_is_left() -> None:
    transport = Transport(tells_it=False)
    at = Connection(COMPLETE, transport=transport)
    run_on_clock(at.ask(Scripted(b"a", httpx.ReadError("reset"))))
    assert (transport.is_closed, transport.is_aborted) == (True, True)


# arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"url": "127.0.0.1:11434"}, "url: expected such as"),
        ({"url": "http://"}, "url: expected such as"),
        ({"url": "http://a:b"}, "url: expected such as"),
        ({"max_body_bytes": 0}, "max_body_bytes: expected"),
        ({"allowed_hosts": ["a b"]}, "allowed_hosts: expected names"),
        ({"allowed_origins": ["a"]}, "allowed_origins: expected origins"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ollama_api(Scripted(), **arguments)  # type: ignore[arg-type]


def test_something_else_than_a_transport_is_refused() -> None:
    with pytest.raises(TypeError, match="transport: expected"):
        ollama_api("http://127.0.0.1:11434")  # type: ignore[arg-type]
