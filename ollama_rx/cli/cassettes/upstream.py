"""The server whose answers are recorded."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx

from ollama_rx import Client
from ollama_rx.cli.choose_client import (
    bus_transport,
    embedded_transport,
    first_value,
    is_bus,
    named_server,
    server_client,
)
from ollama_rx.client.host import base_url
from ollama_rx.errors import OllamaError, UnreachableError
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport, LoopBridgeTransport
from ollama_rx.transport.proxy import proxy_transport


@dataclass(frozen=True, slots=True)
class Upstream:
    """A transport to a server, and the address for its requests."""

    transport: LoopAgnosticTransport
    url: str = "http://localhost"


def find_upstream(host: str | None, note: Callable[[str], object]) -> Upstream:
    """Choose the server, as `run` does: the named one, else one on this machine, else the embedded model.

    Raises:
        UnreachableError: the server does not answer. Otherwise the cassette would be full of errors.
    """
    if is_bus(named_server(host)):
        return Upstream(bus_transport(host))
    server = server_client(host)
    if server is None:
        return Upstream(embedded_transport(note))
    with server:
        _check_that_it_answers(server)
    url = httpx.URL(base_url(host))
    through_proxy = proxy_transport(url)
    transport = HttpTransport() if through_proxy is None else LoopBridgeTransport(through_proxy)
    return Upstream(_LoginTransport(transport) if url.userinfo else transport, str(url))


def _check_that_it_answers(server: Client) -> None:
    try:
        first_value(server.version())
    except UnreachableError:
        raise
    except OllamaError:  # a server that differs from Ollama here can be recorded all the same
        pass


class _LoginTransport(LoopAgnosticTransport):
    """Sends the user and the password of an address, if a request has no login of its own."""

    def __init__(self, inner: LoopAgnosticTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        if "authorization" not in request.headers:
            login = httpx.BasicAuth(request.url.username, request.url.password)
            request = next(login.sync_auth_flow(request))
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    def close(self) -> None:
        """Do what `aclose` does, from any thread."""
        self._inner.close()
