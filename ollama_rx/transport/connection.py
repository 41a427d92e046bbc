"""One HTTP/1.1 connection, which serves one exchange at a time and is idle in between."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from threading import RLock
from typing import Protocol, cast

from ollama_rx.transport.exchange import Exchange

_SHUTDOWN_LOCK = RLock()
"""Held during a cross-thread shutdown so that the connection cannot be closed or reused."""


class ConnectionOwner(Protocol):
    """Keeps connections between their exchanges."""

    def put_idle(self, origin: object, connection: "Connection") -> None:
        """Keep an idle connection."""
        ...

    def discard(self, connection: "Connection") -> None:
        """Remove a closed connection."""
        ...


class Connection(asyncio.Protocol):
    """A connection to one origin, used on the loop that made it.

    It also reads while it is idle, so that it notices a server that hangs up before the next request is sent.
    """

    __slots__ = (
        "_exchange",
        "_origin",
        "_owner",
        "_paused",
        "_transport",
        "_writable",
        "closed",
        "idle_since",
    )

    def __init__(self, owner: ConnectionOwner, origin: object) -> None:
        self.closed = False
        self.idle_since = 0.0
        self._owner = owner
        self._origin = origin
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._paused = False
        self._writable: asyncio.Future[None] | None = None  # done when more may be written; None: now

    def start(self, method: str, message: bytes) -> Exchange:
        """Write the bytes of a request and return its exchange."""
        exchange = self._exchange = Exchange(self, method)
        if self._transport is None:
            exchange.connection_lost(None)
        else:
            self._transport.write(message)
        return exchange

    async def write_body(self, blocks: AsyncIterator[bytes]) -> None:
        """Write the body of the request that was started, no faster than the server takes it.

        Ends early if the connection is lost, of which the exchange is notified.
        """
        async for block in blocks:
            transport = self._transport
            if transport is None or transport.is_closing():
                return
            transport.write(block)
            if self._writable is not None:
                await self._writable

    def pause(self) -> None:
        """Stop reading until `resume`; TCP then slows the server down."""
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Continue reading."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close the connection; the server sees it immediately."""
        self.closed = True
        if self._transport is not None:
            _shut_down(self._transport)
            self._transport.abort()

    def shut_down_threadsafe(self, exchange: Exchange) -> None:
        """Shut the connection down at once if it still serves this exchange; the loop may be blocked."""
        with _SHUTDOWN_LOCK:
            if self._exchange is exchange and self._transport is not None:
                _shut_down(self._transport)

    def release(self) -> None:
        """Make the connection, whose exchange has ended, available to the next one."""
        with _SHUTDOWN_LOCK:
            self._exchange = None
        if self._transport is not None and self._transport.get_write_buffer_size():
            self.abort()  # answered before the whole request was sent
            return
        self.resume()
        self._owner.put_idle(self._origin, self)

    # called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass

    def pause_writing(self) -> None:
        """Make `write_body` wait: the server takes no more at the moment."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let `write_body` continue."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Handle the bytes of one read."""
        if self._exchange is None:
            self.abort()  # bytes without a request: this connection cannot be trusted
        else:
            self._exchange.data_received(data)

    def eof_received(self) -> bool:
        """Handle the server's end of the connection, which may be the end of a body, and close this side."""
        self.closed = True
        if self._exchange is not None:
            self._exchange.eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Notify the owner and the exchange that the connection is closed."""
        self.closed = True
        with _SHUTDOWN_LOCK:
            self._transport = None
        self.resume_writing()
        self._owner.discard(self)
        if self._exchange is not None:
            self._exchange.connection_lost(exc)
            self._exchange = None


class BufferedConnection(Connection, asyncio.BufferedProtocol):
    """A connection that is read into a buffer, which all connections of a loop share.

    asyncio's own loop otherwise allocates 256 KiB for each read. If glibc gets them from the kernel each
    time, that costs as much as everything else that happens to a token.
    """

    __slots__ = ("_buffer",)

    def __init__(self, owner: ConnectionOwner, origin: object, buffer: memoryview) -> None:
        super().__init__(owner, origin)
        self._buffer = buffer

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer for the next read; `buffer_updated` follows before any other read."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Handle the bytes of one read."""
        self.data_received(bytes(self._buffer[:nbytes]))


def _shut_down(transport: asyncio.Transport) -> None:
    """Shut the socket down now: the loop closes it in its next turn, and this callback may take long."""
    original = transport.get_extra_info("socket")  # uvloop's object has no `shutdown`
    if original is not None:
        with suppress(OSError), socket.fromfd(original.fileno(), original.family, original.type) as copy:
            copy.shutdown(socket.SHUT_RDWR)
