"""Whose answers are recorded is chosen as for `run`."""

import asyncio

import httpx
import pytest
import typer

from ollama_rx import UnreachableError
from ollama_rx.cli.cassettes import upstream
from ollama_rx.cli.cassettes.upstream import Upstream, find_upstream
from ollama_rx.cli.terminal import echo
from ollama_rx.testing import FakeOllama
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.transport.loop_agnostic import LoopBridgeTransport


def test_a_named_server_answers(fake: FakeOllama) -> None:
    found = find_upstream(fake.url, echo)
    assert (type(found.transport), found.url) == (HttpTransport, fake.url)


def test_the_server_of_the_environment_answers(fake: FakeOllama, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    assert find_upstream(None, echo).url == fake.url


def test_a_server_that_is_named_must_be_there(unused_url: str) -> None:
    with pytest.raises(UnreachableError):
        find_upstream(unused_url, echo)


@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_embedded_model_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = HttpTransport()
    monkeypatch.setattr(upstream, "embedded_transport", {echo: model}.__getitem__)
    assert find_upstream(None, echo) == Upstream(model)


def test_a_bus_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = HttpTransport()
    monkeypatch.setattr(upstream, "bus_transport", {"nats://localhost": bus}.__getitem__)
    assert find_upstream("nats://localhost", echo) == Upstream(bus)


def test_a_server_behind_a_proxy_is_reached_through_it(
    fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", fake.url)
    found = find_upstream("http://ollama.example", echo)
    assert type(found.transport) is LoopBridgeTransport
    assert fake.requests[0].headers["host"] == "ollama.example"
    found.transport.close()


def test_a_proxy_that_cannot_be_used_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "ftp://proxy.example")
    with pytest.raises(typer.BadParameter, match="HTTP_PROXY"):
        find_upstream("http://ollama.example", echo)


def test_the_login_transport_closes_the_one_inside(fake: FakeOllama) -> None:
    found = find_upstream(fake.url.replace("://", "://ada:s@"), echo)

    async def main() -> None:
        request = httpx.Request("GET", f"{found.url}/api/version")
        await (await found.transport.handle_async_request(request)).aread()
        await found.transport.aclose()
        await fake.aio.wait_for_connections(0)

    asyncio.run(main())
    assert fake.requests[-1].headers["authorization"] == "Basic YWRhOnM="


def test_a_login_of_the_client_is_not_replaced_by_that_of_the_address(fake: FakeOllama) -> None:
    found = find_upstream(fake.url.replace("://", "://ada:s@"), echo)

    async def main() -> None:
        request = httpx.Request("GET", f"{found.url}/api/version", headers={"authorization": "Bearer key"})
        await (await found.transport.handle_async_request(request)).aread()
        await found.transport.aclose()

    asyncio.run(main())
    assert fake.requests[-1].headers["authorization"] == "Bearer key"
