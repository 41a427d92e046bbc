"""One HTTP/1.1 connection: serves one exchange at a time, then waits for the next."""

import asyncio
import socket
from contextlib import suppress
from threading import RLock
from typing import Protocol, cast

import httpx

from ollama_rx.transport.exchange import Exchange

_HANGING_UP = RLock()  # meanwhile no connection is closed or given to another exchange


class Owner(Protocol):
    """Who keeps connections between their exchanges."""

    def put(self, origin: object, connection: "Connection") -> None:
        """Take an idle connection."""
        ...

    def forget(self, connection: "Connection") -> None:
        """Take note that a connection is closed."""
        ...


class Connection(asyncio.Protocol):
    """A connection to one origin, used on the loop that made it.

    It reads also while it is idle, so that a server that hangs up is noticed before the next request.
    """

    __slots__ = ("_exchange", "_origin", "_owner", "_paused", "_transport", "closed", "idle_since")

    def __init__(self, owner: "Owner", origin: object) -> None:
        self.closed = False
        self.idle_since = 0.0
        self._owner = owner
        self._origin = origin
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._paused = False

    def start(self, request: httpx.Request, content: bytes) -> Exchange:
        """Write a request and return its exchange."""
        exchange = Exchange(self, request, content)
        self._exchange = exchange
        if self._transport is None:
            exchange.lost(None)
        else:
            self._transport.write(exchange.outgoing)
            exchange.outgoing = b""  # images are large and answers long
        return exchange

    def pause(self) -> None:
        """Read no more for now; TCP then slows the server down."""
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def abort(self) -> None:
        """Close at once; the server sees it immediately."""
        self.closed = True
        if self._transport is not None:
            _shut_down(self._transport)
            self._transport.abort()

    def hang_up(self, exchange: Exchange) -> None:
        """Let the server see the end of an exchange at once; from any thread, its loop may be blocked."""
        with _HANGING_UP:
            if self._exchange is exchange and self._transport is not None:
                _shut_down(self._transport)

    def free(self) -> None:
        """Take note that the exchange is over and the connection may serve another."""
        with _HANGING_UP:
            self._exchange = None
        if self._transport is not None and self._transport.get_write_buffer_size():
            self.abort()  # answered before the request was read: the rest is still on its way
            return
        self.resume()
        self._owner.put(self._origin, self)

    # called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Take what a read brought."""
        if self._exchange is None:
            self.abort()  # bytes nobody asked for: never trust this connection again
        else:
            self._exchange.data(data)

    def eof_received(self) -> bool:
        """Take the server's end of the connection, which may end a body, and close ours."""
        self.closed = True
        if self._exchange is not None:
            self._exchange.eof()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the exchange that nothing more will come."""
        self.closed = True
        with _HANGING_UP:
            self._transport = None
        self._owner.forget(self)
        if self._exchange is not None:
            self._exchange.lost(exc)
            self._exchange = None


def _shut_down(transport: asyncio.Transport) -> None:
    """Tell the server now: a loop closes sockets in its next turn, and a callback may take its time."""
    shown = transport.get_extra_info("socket")  # uvloop's is none that could be shut down itself
    if shown is not None:
        with suppress(OSError), socket.fromfd(shown.fileno(), shown.family, shown.type) as copy:
            copy.shutdown(socket.SHUT_RDWR)
