"""Which transport a session chooses, and which port it connects to."""

import httpx
import pytest

from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.transport.loop_agnostic import LoopBridgeTransport
from ollama_rx.transport.session import Session, _transport
from ollama_rx.transport.timeouts import Timeouts


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
