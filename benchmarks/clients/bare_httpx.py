"""Plain httpx without a client library: the raw body, split into lines, orjson for each."""

import asyncio

import httpx
import orjson

from benchmarks.clients.contract import OnToken

REQUEST = {"model": "llama3.2", "prompt": "Hello"}


class HttpxReader:
    """``httpx.Client``, ``iter_raw``, split, orjson."""

    def __init__(self) -> None:
        self._client = httpx.Client(timeout=None)

    def read(self, url: str) -> int:
        """Read one answer."""
        texts, tail = 0, b""
        with self._client.stream("POST", f"{url}/api/generate", json=REQUEST) as response:
            for data in response.iter_raw():
                *lines, tail = (tail + data).split(b"\n")
                for line in lines:
                    if orjson.loads(line)["response"]:
                        texts += 1
        return texts


class HttpxAsyncReader:
    """``httpx.AsyncClient``, ``aiter_raw``, split, orjson."""

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx.AsyncClient(timeout=None, limits=limits)

    async def read(self, url: str) -> int:
        """Read one answer."""
        texts, tail = 0, b""
        async with self._client.stream("POST", f"{url}/api/generate", json=REQUEST) as response:
            async for data in response.aiter_raw():
                *lines, tail = (tail + data).split(b"\n")
                for line in lines:
                    if orjson.loads(line)["response"]:
                        texts += 1
        return texts

    async def read_many(self, url: str, streams: int, on_token: OnToken) -> None:
        """Read many answers concurrently, one task for each."""
        await asyncio.gather(*[self._read_paced(url, on_token) for _ in range(streams)])

    async def _read_paced(self, url: str, on_token: OnToken) -> None:
        tail = b""
        async with self._client.stream("POST", f"{url}/api/generate", json=REQUEST) as response:
            async for data in response.aiter_raw():
                *lines, tail = (tail + data).split(b"\n")
                for line in lines:
                    item = orjson.loads(line)
                    if item["response"]:
                        on_token(item["created_at"])
