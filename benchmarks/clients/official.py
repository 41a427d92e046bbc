"""The official ``ollama`` client, which only iterates over the answer."""

import asyncio

import httpx
import ollama

from benchmarks.clients.contract import OnToken

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

    async def read_many(self, url: str, streams: int, on_token: OnToken) -> None:
        """Read many answers concurrently, one task for each."""
        client = self._client(url)
        await asyncio.gather(*[_read_paced(client, on_token) for _ in range(streams)])

    def _client(self, url: str) -> ollama.AsyncClient:
        if url not in self._clients:
            self._clients[url] = ollama.AsyncClient(host=url, limits=UNLIMITED)
        return self._clients[url]


async def _read_paced(client: ollama.AsyncClient, on_token: OnToken) -> None:
    async for part in await client.generate("llama3.2", "Hello", stream=True):
        if part.response and part.created_at:
            on_token(part.created_at)
