"""A host that is reached over the bus: a worker beside it, and the client's transport."""

from typing import Any

import httpx

from ollama_rx import Client
from ollama_rx.bus import Worker, jetstream
from ollama_rx.transport.http_transport import HttpTransport
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport

_LISTS: dict[str, Any] = {
    "/api/tags": {"models": [{"name": "echo:latest", "model": "echo:latest"}]},
    "/api/ps": {"models": []},
    "/api/version": {"version": "0.0.0"},
}


class QuietRegistration(LoopAgnosticTransport):
    """Answers what a worker asks for its registration itself, so that the host sees the prompts only."""

    def __init__(self) -> None:
        self._inner = HttpTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a list, or pass the request on."""
        found = _LISTS.get(request.url.path)
        return (
            await self._inner.handle_async_request(request)
            if found is None
            else httpx.Response(200, json=found)
        )

    async def aclose(self) -> None:
        """Close what is idle."""
        await self._inner.aclose()

    def close(self) -> None:
        """Close what is idle."""
        self._inner.close()


class HostBehindBus:
    """A worker for one host, as long as it is not closed."""

    def __init__(self, url: str, bus: str, namespace: str) -> None:
        self._client = Client(url, transport=QuietRegistration())
        self._worker = Worker(self._client, bus, namespace=namespace, parallel=1000)
        self._worker.__enter__()
        self.transport = jetstream(bus, namespace=namespace)

    def close(self) -> None:
        """Stop the worker."""
        self._worker.__exit__(None, None, None)
        self._client.close()
