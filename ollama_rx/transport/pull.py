"""A response body for those who read it with httpx's own iterators."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import httpx

from ollama_rx.transport.exchange import Exchange

_AHEAD = 65536  # bytes that may wait for the reader before the server has to


class PulledBody(httpx.AsyncByteStream):
    """Receives what is pushed, and hands it on when it is asked."""

    __slots__ = ("_error", "_exchange", "_news", "_over", "_size", "_waiting")

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._over = False
        self._error: Exception | None = None
        self._news: asyncio.Future[None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body's pieces as they come."""
        self._exchange.push(self)
        while True:
            while self._waiting:
                payload = self._waiting.popleft()
                self._size -= len(payload)
                yield payload
            if self._over:
                break
            self._exchange.resume()
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Give the rest of the body up."""
        if not self._over:
            self._exchange.abort()

    def received(self, payload: bytes) -> None:
        """Keep a piece for the reader."""
        self._waiting.append(payload)
        self._size += len(payload)
        if self._size > _AHEAD:
            self._exchange.pause()
        self._tell()

    def ended(self, error: Exception | None) -> None:
        """Take note of the end."""
        self._over, self._error = True, error
        self._tell()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
