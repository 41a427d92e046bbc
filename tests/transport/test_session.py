"""Which proxy and which transport a session chooses."""

import socket

import httpx
import pytest

from ollama_rx import Client
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.transport.loop_agnostic import LoopBridgeTransport
from ollama_rx.transport.session import Session, _proxy, _transport
from ollama_rx.transport.timeouts import Timeouts
from tests.transport.raw_server import ANSWER, raw_server, read_request

PROXY = "http://proxy.example:3128"
NAMES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({}, "http://ollama.example", None),
        ({"HTTP_PROXY": PROXY}, "http://ollama.example", PROXY),
        ({"HTTP_PROXY": PROXY}, "https://ollama.example", None),
        ({"HTTPS_PROXY": PROXY}, "https://ollama.example", PROXY),
        ({"ALL_PROXY": PROXY}, "https://ollama.example", PROXY),
        ({"HTTP_PROXY": "proxy.example:3128"}, "http://ollama.example", PROXY),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "ollama.example"}, "http://ollama.example", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "ollama.example:11434"}, "http://ollama.example:11434", None),
        ({"HTTP_PROXY": PROXY, "NO_PROXY": "other.example"}, "http://ollama.example", PROXY),
        ({"ALL_PROXY": PROXY}, "http://localhost:11434", None),
        ({"ALL_PROXY": PROXY}, "http://127.0.0.2:11434", None),
        ({"ALL_PROXY": PROXY}, "http://[::1]:11434", None),
    ],
)
def test_the_environment_names_the_proxy_but_never_for_loopback(
    environment: dict[str, str], url: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name.lower(), value)
    assert _proxy(httpx.URL(url)) == expected


def test_a_proxy_needs_the_transport_of_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    url = httpx.URL("http://ollama.example")
    assert isinstance(_transport(url, None), HttpTransport)
    monkeypatch.setenv("http_proxy", PROXY)
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
