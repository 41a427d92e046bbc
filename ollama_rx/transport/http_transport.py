"""The fast transport, whose response bodies can be pushed to a receiver as they arrive.

Any number of event loops and threads may use it at the same time. `HttpTransport.exchange` works without
httpx requests and responses; apart from that, it is an ordinary `httpx.AsyncBaseTransport`.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import cached_property, partial
from typing import NamedTuple, Protocol, Self

import httpx

from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.transport.connect import connect
from ollama_rx.transport.connection import Connection
from ollama_rx.transport.exchange import Exchange, PushedBody
from ollama_rx.transport.loop_agnostic import LoopAgnosticTransport
from ollama_rx.transport.message_head import ResponseHead, encode_head, encode_request
from ollama_rx.transport.pool import Pool, Pools

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""The methods that change nothing on a server (RFC 9110 section 9.2.1), as far as they are used here."""

_MAX_BUFFERED = 65536  # bytes that wait for the reader before the server is made to wait


class Origin(NamedTuple):
    """The origin that a connection is for, as in a URL."""

    scheme: str
    host: str
    port: int


class SentInBlocks(Protocol):
    """A body that is sent while it is read."""

    def blocks(self) -> AsyncGenerator[bytes]:
        """Yield the body from its beginning, each block when it is wanted; on any event loop."""
        ...


class Upload(SentInBlocks, Protocol):
    """A body that is too large to be held in memory."""

    @property
    def size(self) -> int:
        """Its length in bytes."""
        ...


class HttpTransport(LoopAgnosticTransport):
    """HTTP/1.1 over TCP or TLS, with one connection per live stream; idle connections are reused."""

    def __init__(self, *, keepalive: float = 5.0) -> None:
        self._pools = Pools(keepalive)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send an httpx request; return when the head of the response has arrived.

        A body that is not in memory is sent while it is read.
        """
        body = _StreamedBody.of(request)
        content = b"" if body else await request.aread()
        url = request.url
        origin = Origin(url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        connect = request.extensions.get("timeout", {}).get("connect")
        message = body.head if body else encode_request(request, content)
        head, exchange = await self.exchange(
            origin,
            request.method,
            message,
            repeatable=not body and request.method in SAFE_METHODS,
            connect_timeout=connect,
            upload=body,
        )
        return to_response(head, exchange)

    async def exchange(
        self,
        origin: Origin,
        method: str,
        message: bytes,
        *,
        repeatable: bool,
        connect_timeout: float | None,
        upload: SentInBlocks | None = None,
    ) -> tuple[ResponseHead, Exchange]:
        """Send the bytes of a request, then an upload; return when the head of the response has arrived.

        The server may close an idle connection just as it is used again, and nobody can tell whether it has
        seen the request. Then a repeatable request is sent once more, on a new connection, since the other
        idle ones may be as dead. A request that must not be repeated uses a new connection from the start.
        """
        pool = await self._pools.for_running_loop()
        idle = pool.take(origin) if repeatable else None
        if idle is not None:
            exchange = idle.start(method, message)
            try:
                return await exchange.head(), exchange
            except (httpx.ReadError, httpx.RemoteProtocolError):
                if not exchange.nothing_received:
                    raise
        connection = await self._connect(origin, pool, connect_timeout)
        exchange = connection.start(method, message)
        if upload is not None:
            return await _head_while_sending(upload, connection, exchange), exchange
        return await exchange.head(), exchange

    async def _connect(self, origin: Origin, pool: Pool, seconds: float | None) -> Connection:
        connection = await connect(
            partial(pool.new_connection, origin),
            origin.host,
            origin.port,
            tls=self._tls if origin.scheme == "https" else None,
            seconds=seconds,
        )
        pool.add(connection)
        return connection

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        try:
            return httpx.create_ssl_context()  # it reads SSL_CERT_FILE and SSL_CERT_DIR
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error

    async def aclose(self) -> None:
        """Close the idle connections on all loops."""
        self.close()

    def close(self) -> None:
        """Close the idle connections on all loops, from any thread."""
        self._pools.close_idle()


class _StreamedBody:
    """The body of an httpx request that is not in memory."""

    def __init__(self, request: httpx.Request, stream: httpx.AsyncByteStream, size: int | None) -> None:
        self.head = encode_head(request.method, request.url.raw_path, request.headers.raw) + b"\r\n"
        self._stream = stream
        self._size = size

    @classmethod
    def of(cls, request: httpx.Request) -> Self | None:
        """Return the body of a request; None if it is in memory, or must be read to know its length."""
        stream = request.stream
        if isinstance(stream, httpx.ByteStream) or not isinstance(stream, httpx.AsyncByteStream):
            return None
        if request.headers.get("transfer-encoding") == "chunked":
            return cls(request, stream, None)
        length = request.headers.get("content-length", "")
        return cls(request, stream, int(length)) if length.isdecimal() else None

    async def blocks(self) -> AsyncGenerator[bytes]:
        """Yield the body as HTTP sends it.

        Raises:
            httpx.LocalProtocolError: it is shorter or longer than its head says.
        """
        size = 0
        async for block in self._stream:
            size += len(block)
            if self._size is None and block:  # an empty chunk would be the end
                yield b"%x\r\n%b\r\n" % (len(block), block)
            elif self._size is not None and size <= self._size:
                yield block
        if self._size is None:
            yield b"0\r\n\r\n"
        elif size != self._size:
            raise httpx.LocalProtocolError(f"the body has {size} bytes, its head says {self._size}")


async def _head_while_sending(
    upload: SentInBlocks, connection: Connection, exchange: Exchange
) -> ResponseHead:
    """Send an upload until the head of the response arrives, which may be early: then nobody wants the rest.

    An upload that fails, such as a file that cannot be read, ends the exchange with its error.
    """

    async def send() -> None:
        try:
            async with aclosing(upload.blocks()) as blocks:
                await connection.write_body(blocks)
        except Exception as error:  # noqa: BLE001 - raised by `head`
            exchange.fail(error)

    sending = asyncio.get_running_loop().create_task(send(), name=TASK_NAME)
    try:
        head = await exchange.head()
    finally:
        is_complete = sending.done()
        sending.cancel()
    if not is_complete:
        exchange.forbid_reuse()
    return head


def to_response(head: ResponseHead, exchange: Exchange) -> httpx.Response:
    """Return a response for readers that use httpx's own iterators."""
    return httpx.Response(
        head.status,
        headers=head.headers,
        stream=PulledBody(exchange),
        extensions={
            "reason_phrase": head.reason,
            "http_version": b"HTTP/" + head.http_version,
        },
    )


class PulledBody(httpx.AsyncByteStream):
    """A body that is buffered as it is pushed, and read by iteration."""

    __slots__ = ("_buffer", "_buffer_size", "_changed", "_ended", "_error", "exchange")

    def __init__(self, exchange: PushedBody) -> None:
        self.exchange = exchange
        self._buffer: deque[bytes] = deque()
        self._buffer_size = 0
        self._ended = False
        self._error: Exception | None = None
        self._changed: asyncio.Future[None] | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the payloads of the body as they arrive."""
        self.exchange.send_body_to(self)
        while True:
            while self._buffer:
                payload = self._buffer.popleft()
                self._buffer_size -= len(payload)
                yield payload
            if self._ended:
                break
            self.exchange.resume()
            self._changed = asyncio.get_running_loop().create_future()
            await self._changed
        if self._error is not None:
            raise self._error

    async def aclose(self) -> None:
        """Give up the rest of the body."""
        if not self._ended:
            self.exchange.abort()

    def received(self, payload: bytes) -> None:
        """Buffer a payload for the reader."""
        self._buffer.append(payload)
        self._buffer_size += len(payload)
        if self._buffer_size > _MAX_BUFFERED:
            self.exchange.pause()
        self._wake_reader()

    def ended(self, error: Exception | None) -> None:
        """Store the end for the reader."""
        self._ended, self._error = True, error
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._changed is not None and not self._changed.done():
            self._changed.set_result(None)
