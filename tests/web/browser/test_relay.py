"""The relay of the tests passes everything on until it is cut."""

import httpx
import pytest

from ollama_rx.testing import FakeOllama, Gate, answer
from tests.web.browser.relay import Relay


def test_a_cut_breaks_open_connections_and_refuses_new_ones() -> None:
    gate = Gate()
    with (
        FakeOllama(answer("one", gate)) as fake,
        Relay(fake.url) as relay,
        httpx.stream("POST", f"{relay.url}/api/generate", json={"model": "m", "prompt": "Hi"}) as response,
    ):
        lines = response.iter_lines()
        assert "one" in next(lines)
        relay.cut()
        with pytest.raises(httpx.RemoteProtocolError):
            next(lines)
        fake.wait_for_disconnect()
        with pytest.raises(httpx.ConnectError):
            httpx.get(relay.url)
        relay.mend()
        assert httpx.get(relay.url).text == "Ollama is running"
