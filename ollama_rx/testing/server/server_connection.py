"""One connection of the fake server: parse requests, answer them, observe the client.

The parser reads just enough HTTP/1.1 for tests; the server needs faults that no web framework can produce.
"""

import asyncio
import json
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from typing import cast

from ollama_rx.testing.server.observed import ObservedExchange, Request, ServerLog
from ollama_rx.testing.server.reply import Reply, error_status
from ollama_rx.testing.server.reply_writer import CutHereError, ReplyWriter, head


class BadRequestError(ValueError):
    """The client sent a request that this server cannot parse."""


class RequestParser:
    r"""Turns bytes into complete requests.

    >>> parser = RequestParser(connection=1)
    >>> parser.feed(b"GET /api/version HT", at=0.0)
    []
    >>> [request] = parser.feed(b"TP/1.1\r\nHost: x\r\n\r\n", at=0.0)
    >>> request.method, request.path, request.headers["host"]
    ('GET', '/api/version', 'x')
    """

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._buffer = b""

    def feed(self, data: bytes, *, at: float) -> list[Request]:
        """Take bytes; return the requests that are complete now."""
        self._buffer += data
        found: list[Request] = []
        while (request := self._take(at)) is not None:
            found.append(request)
        return found

    def _take(self, at: float) -> Request | None:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        try:
            method, target, _version = first.split(" ")
            headers = {
                name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)
            }
            split = _split_body(rest, headers)
        except ValueError as error:
            raise BadRequestError(f"cannot parse this request: {first[:80]!r}") from error
        if split is None:
            return None
        body, self._buffer = split
        path, _, query = target.partition("?")
        return Request(
            method=method,
            path=path,
            query=query,
            headers=headers,
            body=body,
            json=_parse_object(body),
            at=at,
            connection=self._connection,
        )


def _split_body(rest: bytes, headers: dict[str, str]) -> tuple[bytes, bytes] | None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _split_chunked_body(rest)
    length = int(headers.get("content-length", "0"))
    return (rest[:length], rest[length:]) if len(rest) >= length else None


def _split_chunked_body(rest: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        size_line, separator, rest = rest.partition(b"\r\n")
        if not separator:
            return None
        size = int(size_line.split(b";")[0], 16)
        if len(rest) < size + 2:
            return None
        body += rest[:size]
        rest = rest[size + 2 :]
        if size == 0:
            return body, rest


def _parse_object(body: bytes) -> dict[str, object]:
    try:
        value: object = json.loads(body)
    except ValueError:
        return {}
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


class ServerConnection(asyncio.Protocol):
    """Serves requests one after another: `choose` returns the reply; `connections` holds the open ones."""

    _transport: asyncio.Transport
    _parser: RequestParser
    _exchange: ObservedExchange  # the latest, set by the first request

    def __init__(
        self, log: ServerLog, choose: Callable[[Request], Reply], connections: set["ServerConnection"]
    ) -> None:
        self._log = log
        self._choose = choose
        self._connections = connections
        self._requests: deque[Request] = deque()
        self._requested = False
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._over = False  # closed by the server, or the client's disconnect is recorded
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server gives nothing else
        self._transport = transport
        self._connections.add(self)
        self._log.connections_accepted += 1
        self._log.connections_open += 1
        self._parser = RequestParser(self._log.connections_accepted)
        self._log.changed()

    def data_received(self, data: bytes) -> None:
        """Parse bytes of a request; start to answer when it is complete."""
        try:
            self._requests.extend(self._parser.feed(data, at=time.monotonic()))
        except BadRequestError:
            self._transport.write(head(400, [("Content-Length", "0"), ("Connection", "close")]))
            self._close()
            return
        if self._requests and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())

    def eof_received(self) -> None:
        """Record the disconnect; a client that closes only its half of the connection counts as gone."""
        self._record_disconnect()
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - given by asyncio
        """Record the disconnect unless the server closed the connection; cancel the current answer."""
        self._record_disconnect()
        if self._task is not None:
            self._task.cancel()
        self._connections.discard(self)
        self._log.connections_open -= 1
        self._log.changed()
        self._lost.set()

    def pause_writing(self) -> None:
        """Record that the client does not read fast enough."""
        self._writable.clear()
        self._exchange.pauses += 1
        self._exchange.paused = True
        self._log.changed()

    def resume_writing(self) -> None:
        """Record that the client reads again."""
        self._writable.set()
        self._exchange.paused = False
        self._log.changed()

    async def abort(self) -> None:
        """Close the connection at once, even in the middle of an answer, and wait until it is closed."""
        self._over = True
        self._transport.abort()
        await self._lost.wait()

    def _record_disconnect(self) -> None:
        if self._requested and self._exchange.answered_at is None and not self._over:
            self._over = True
            self._exchange.disconnected_at = time.monotonic()
            self._log.changed()

    def _close(self, *, reset: bool = False) -> None:
        self._over = True
        if reset:
            no_lingering = struct.pack("ii", 1, 0)
            tcp: socket.socket = self._transport.get_extra_info("socket")
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
            self._transport.abort()
        else:
            self._transport.close()

    async def _serve(self) -> None:
        while self._requests and not self._over:
            exchange = self._exchange = ObservedExchange(self._requests.popleft())
            self._requested = True
            self._log.exchanges.append(exchange)
            self._log.changed()
            reply = self._reply_to(exchange.request)
            exchange.status = reply.status
            writer = ReplyWriter(
                exchange,
                reply,
                write=self._transport.write,
                writable=self._writable,
                changed=self._log.changed,
            )
            try:
                await writer.run()
            except CutHereError as cut:
                self._close(reset=cut.reset)
            except Exception as error:  # noqa: BLE001 - the body may come from the user's code
                exchange.failure = error
                self._close()
            if not writer.keeps_alive:
                self._close()
            self._log.changed()
        self._task = None

    def _reply_to(self, request: Request) -> Reply:
        try:
            return self._choose(request)
        except Exception as error:  # noqa: BLE001 - the script is the user's code; the client sees the error
            return error_status(500, f"the script of FakeOllama failed: {error!r}")
