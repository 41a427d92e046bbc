"""The fast httpx transport: our own connections, bodies pushed as they arrive.

An ordinary `httpx.AsyncBaseTransport`, for any number of loops and threads at once. A response
carries the extension `PUSH`; who ignores it reads the body as usual.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator

import h11
import httpx

from ollama_rx.transport.connection import Connection
from ollama_rx.transport.exchange import Exchange
from ollama_rx.transport.loop_agnostic import PUSH, LoopAgnosticTransport
from ollama_rx.transport.pool import Pool, Pools

_AHEAD = 65536  # bytes that may wait for the reader before the server has to


class HttpTransport(LoopAgnosticTransport):
    """HTTP/1.1 over TCP or TLS, one connection per live stream, idle ones reused."""

    def __init__(self, *, keepalive: float = 5.0) -> None:
        self._pools = Pools(keepalive)
        self._ssl: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; return when the response's head is there."""
        content = await request.aread()
        pool = await self._pools.here()
        origin = (request.url.scheme, request.url.host, request.url.port)
        while True:
            connection = pool.take(origin)
            reused = connection is not None
            if connection is None:
                connection = await self._connect(request, pool, origin)
            try:
                exchange = connection.start(request, content)
            except httpx.LocalProtocolError:
                connection.abort()
                raise
            try:
                head = await exchange.head()
            except (httpx.ReadError, httpx.RemoteProtocolError):
                if reused and exchange.silent:
                    continue  # the server closed an idle connection in the very moment we used it
                raise
            except asyncio.CancelledError:
                exchange.abort()
                raise
            return _response(head, exchange)

    async def _connect(self, request: httpx.Request, pool: Pool, origin: object) -> Connection:
        url = request.url
        secure = url.scheme == "https"
        loop = asyncio.get_running_loop()
        try:
            if secure and self._ssl is None:
                self._ssl = httpx.create_ssl_context()  # heeds SSL_CERT_FILE and SSL_CERT_DIR
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("connect")):
                _, connection = await loop.create_connection(
                    lambda: Connection(pool, origin),
                    url.host,
                    (443 if secure else 80) if url.port is None else url.port,
                    ssl=self._ssl if secure else None,
                    server_hostname=url.host if secure else None,
                )
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time", request=request) from error
        except OSError as error:
            raise httpx.ConnectError(str(error) or type(error).__name__, request=request) from error
        pool.add(connection)
        return connection

    async def aclose(self) -> None:
        """Close the idle connections on all loops."""
        self.close()

    def close(self) -> None:
        """Close the idle connections on all loops, from any thread."""
        self._pools.close()


def _response(head: h11.Response, exchange: Exchange) -> httpx.Response:
    return httpx.Response(
        head.status_code,
        headers=list(head.headers),
        stream=PulledBody(exchange),
        extensions={
            PUSH: exchange,
            "reason_phrase": head.reason,
            "http_version": b"HTTP/" + head.http_version,
        },
    )


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
