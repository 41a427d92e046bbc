"""Which transport a session chooses, which port it connects to, and what it must not keep or show."""

import logging
import socket
from base64 import b64encode
from collections.abc import Callable

import httpx
import pytest

from ollama_rx import Client, ModelNotFoundError, UnreachableError
from ollama_rx.testing import FakeOllama, answer
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.transport.loop_agnostic import LoopBridgeTransport
from ollama_rx.transport.session import PreparedRequest, Session, _transport
from ollama_rx.transport.timeouts import Timeouts
from tests.transport.raw_server import ANSWER, raw_server, read_request


def test_a_proxy_needs_the_transport_of_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    url = httpx.URL("http://ollama.example")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert isinstance(_transport(url, None), HttpTransport)
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    transport = _transport(url, None)
    assert isinstance(transport, LoopBridgeTransport)
    transport.close()


def test_port_0_is_not_replaced_by_the_default_of_the_scheme() -> None:
    assert Session("http://127.0.0.1:0", {}, Timeouts())._origin == ("http", "127.0.0.1", 0)
    assert Session("https://127.0.0.1", {}, Timeouts())._origin == ("https", "127.0.0.1", 443)


def test_a_proxy_receives_the_whole_url(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        received.append(read_request(connection))
        connection.sendall(ANSWER)

    with raw_server(handle) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        with Client("http://ollama.example:11434", model="m") as client:
            assert client.generate("x").run().text == "hello"
    assert received[0].startswith(b"POST http://ollama.example:11434/api/generate HTTP/1.1\r\n")


ours_and_httpx = pytest.mark.parametrize(
    "transport", [lambda: None, httpx.AsyncHTTPTransport], ids=["ours", "httpx"]
)


@ours_and_httpx
def test_cookies_are_neither_kept_nor_sent(
    transport: Callable[[], httpx.AsyncBaseTransport | None],
) -> None:
    reply = answer("x").sent(headers={"Set-Cookie": "session=1; Path=/"})
    with FakeOllama(reply) as fake, Client(fake.url, model="m", transport=transport()) as client:
        for _ in range(3):
            client.generate("x").run()
        assert [request.headers.get("cookie") for request in fake.requests] == [None] * 3


def assert_not_logged(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    encoded = b64encode(f"user:{secret}".encode()).decode()
    assert caplog.records  # at least that of the event loop
    for record in caplog.records:
        assert secret not in record.getMessage()
        assert encoded not in record.getMessage()


@ours_and_httpx
def test_a_password_in_the_host_is_sent_but_in_no_log_line(
    transport: Callable[[], httpx.AsyncBaseTransport | None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeOllama() as fake:
        host = fake.url.replace("http://", "http://user:secret@")
        with Client(host, model="echo", transport=transport()) as client:
            assert client.generate("x").run().done
        authorization = f"Basic {b64encode(b'user:secret').decode()}"
        assert fake.requests[0].headers["authorization"] == authorization
    with Client(host, model="echo", transport=transport()) as client:
        with pytest.raises(UnreachableError) as caught:
            client.generate("x").run()
        assert "secret" not in f"{caught.value} {caught.value.url} {client.url}"
    assert_not_logged("secret", caplog)


def test_a_password_of_a_proxy_is_in_no_log_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    received: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        received.append(read_request(connection))
        connection.sendall(ANSWER)

    caplog.set_level(logging.DEBUG)
    with raw_server(handle) as proxy:
        monkeypatch.setenv("http_proxy", proxy.replace("http://", "http://user:secret@"))
        with Client("http://ollama.example:11434", model="m") as client:
            assert client.generate("x").run().text == "hello"
    assert b"proxy-authorization: Basic " + b64encode(b"user:secret") in received[0].replace(
        b"Proxy-A", b"proxy-a"
    )
    with Client("http://ollama.example:11434", model="m") as client:
        with pytest.raises(UnreachableError) as caught:
            client.generate("x").run()
        assert "secret" not in str(caught.value)
    assert_not_logged("secret", caplog)


@ours_and_httpx
@pytest.mark.parametrize(
    ("framing", "sent", "reason"),
    [
        (b"Content-Length: 100", b"<html>", "<html>"),
        (b"Content-Length: 100", b"", "Not Found"),
        (b"Transfer-Encoding: chunked", b"6\r\n<html>\r\n5\r\n<b", "<html><b"),
    ],
)
def test_an_http_error_whose_body_breaks_off_is_still_that_error(
    transport: Callable[[], httpx.AsyncBaseTransport | None], framing: bytes, sent: bytes, reason: str
) -> None:
    def handle(connection: socket.socket) -> None:
        assert read_request(connection)
        connection.sendall(b"HTTP/1.1 404 Not Found\r\n%b\r\n\r\n%b" % (framing, sent))

    with raw_server(handle) as url, Client(url, model="m", transport=transport()) as client:
        with pytest.raises(ModelNotFoundError) as caught:
            client.generate("x").run()
        assert caught.value.reason == reason
        assert not caught.value.retryable


def test_the_heads_of_requests_for_ever_new_paths_are_not_all_kept() -> None:
    session = Session("http://x", {}, Timeouts())
    for number in range(200):
        session._message(PreparedRequest("HEAD", f"/api/blobs/{number}"))
    assert len(session._heads) <= 64
