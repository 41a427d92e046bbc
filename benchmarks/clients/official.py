"""The official ``ollama`` client, merely iterating over the answer."""

import asyncio

import httpx
import ollama

from benchmarks.clients.contract import Saw

UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None)


class OfficialReader:
    """``ollama.Client``."""

    def __init__(self) -> None:
        self._clients: dict[str, ollama.Client] = {}

    def read(self, url: str) -> int:
        """Read one answer."""
        if url not in self._clients:
            self._clients[url] = ollama.Client(host=url)
        client = self._clients[url]
        texts = 0
        for part in client.generate("llama3.2", "Hello", stream=True):
            if part.response:
                texts += 1
        return texts


class OfficialAsyncReader:
    """``ollama.AsyncClient``."""

    def __init__(self) -> None:
        self._clients: dict[str, ollama.AsyncClient] = {}

    async def read(self, url: str) -> int:
        """Read one answer."""
        client = self._client(url)
        texts = 0
        async for part in await client.generate("llama3.2", "Hello", stream=True):
            if part.response:
                texts += 1
        return texts

    async def read_many(self, url: str, streams: int, saw: Saw) -> None:
        """Read many answers at once, each in a task."""
        client = self._client(url)
        await asyncio.gather(*[_watched(client, saw) for _ in range(streams)])

    def _client(self, url: str) -> ollama.AsyncClient:
        if url not in self._clients:
            self._clients[url] = ollama.AsyncClient(host=url, limits=UNLIMITED)
        return self._clients[url]


async def _watched(client: ollama.AsyncClient, saw: Saw) -> None:
    async for part in await client.generate("llama3.2", "Hello", stream=True):
        if part.response and part.created_at:
            saw(part.created_at)
