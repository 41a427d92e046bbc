"""One connection of the fake server: read requests, write scripted answers, note what the client does."""

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable

from ollama_rx.testing.framing import LAST_CHUNK, BadRequestError, RequestReader, chunk, head
from ollama_rx.testing.record import Exchange, Record, Request
from ollama_rx.testing.reply import Reply, error_status
from ollama_rx.testing.steps import Cut, Gate, Pause, Step, Until

_MISSING_BYTES = 1024  # how much a cut answer with Content-Length promises and never sends


class Connection(asyncio.Protocol):
    """Serves requests one after another; `choose` says what to answer."""

    _transport: asyncio.Transport
    _reader: RequestReader
    _exchange: Exchange  # the one being answered, while `_answering`

    def __init__(self, record: Record, choose: Callable[[Request], Reply]) -> None:
        self._record = record
        self._choose = choose
        self._waiting: deque[Request] = deque()
        self._answering = False
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended_here = False
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server gives nothing else
        self._transport = transport
        self._record.connections_accepted += 1
        self._record.connections_open += 1
        self._reader = RequestReader(self._record.connections_accepted)
        self._record.changed()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request; start to answer when it is whole."""
        try:
            self._waiting.extend(self._reader.feed(data, at=time.monotonic()))
        except BadRequestError:
            self._transport.write(head(400, [("Content-Length", "0"), ("Connection", "close")]))
            self._transport.close()
            return
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())

    def eof_received(self) -> None:
        """Note that the client left; a client that closes only its half of the connection counts as gone."""
        self._left()
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - given by asyncio
        """Note that the client left, if it was the client, and end what was being answered."""
        self._left()
        if self._task is not None:
            self._task.cancel()
        self._record.connections_open -= 1
        self._record.changed()
        self.closed.set()

    def pause_writing(self) -> None:
        """Note that the client does not read fast enough."""
        self._writable.clear()
        self._exchange.pauses += 1
        self._exchange.paused = True
        self._record.changed()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._writable.set()
        self._exchange.paused = False
        self._record.changed()

    def shut(self) -> None:
        """End the connection now, whatever it is doing."""
        self._ended_here = True
        self._transport.abort()

    def _left(self) -> None:
        if self._answering and not self._ended_here:
            self._answering = False
            self._exchange.disconnected_at = time.monotonic()
            self._record.changed()

    async def _serve(self) -> None:
        while self._waiting:
            request = self._waiting.popleft()
            exchange = self._exchange = Exchange(request)
            self._answering = True
            self._record.exchanges.append(exchange)
            self._record.changed()
            try:
                reply = self._choose(request)
            except Exception as error:  # noqa: BLE001 - a script is the user's code; the client shall see it
                reply = error_status(500, f"the script of FakeOllama failed: {error!r}")
            exchange.status = reply.status
            try:
                await self._send(exchange, reply)
            except Exception as error:  # noqa: BLE001 - a body may be made by the user's code too
                exchange.failure = error
                self.shut()
        self._task = None

    async def _send(self, exchange: Exchange, reply: Reply) -> None:
        if exchange.request.headers.get("connection", "").lower() == "close":
            reply = reply.sent(keep_alive=False)
        steps = reply.body(exchange.request)
        if reply.framing == "length":
            steps = list(steps)
        start = _start(reply, steps)
        began = time.monotonic()
        if reply.headers_first:
            await self._write(start, reply)
            start = b""
        if exchange.request.method != "HEAD":
            for step in steps:
                if isinstance(step, bytes):
                    payload = chunk(step) if reply.framing == "chunked" else step
                    exchange.bytes_written += len(step)
                    exchange.lines_written += step.count(b"\n")
                    await self._write(start + payload, reply)
                    start = b""
                    self._record.changed()
                elif isinstance(step, Cut):
                    await self._cut(start, reply, reset=step.reset)
                else:
                    await _wait(step, began)
        last = LAST_CHUNK if reply.framing == "chunked" and exchange.request.method != "HEAD" else b""
        await self._write(start + last, reply)
        exchange.answered_at = time.monotonic()
        self._answering = False
        if not reply.keep_alive or reply.framing == "close":
            self._ended_here = True
            self._transport.close()
        self._record.changed()

    async def _write(self, data: bytes, reply: Reply) -> None:
        size = reply.socket_bytes or len(data) or 1
        for begin in range(0, len(data), size):
            self._transport.write(data[begin : begin + size])
            # a turn for the loop: the reader hears of a client that left, and each write leaves on its own
            await asyncio.sleep(0)
            await self._writable.wait()

    async def _cut(self, start: bytes, reply: Reply, *, reset: bool) -> None:
        await self._write(start, reply)
        self._ended_here = True
        if reset:
            linger = struct.pack("ii", 1, 0)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        else:
            self._transport.close()
        await asyncio.Event().wait()  # until the closed connection cancels this answer


async def _wait(step: Pause | Until | Gate, began: float) -> None:
    match step:
        case Pause():
            await asyncio.sleep(step.seconds)
        case Until():
            await asyncio.sleep(max(0.0, began + step.seconds - time.monotonic()))
        case _:
            await step.passed()


def _start(reply: Reply, steps: Iterable[Step]) -> bytes:
    headers = dict(reply.headers)
    if reply.content_type is not None:
        headers["Content-Type"] = reply.content_type
    if reply.framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    elif isinstance(steps, list):
        length = sum(len(step) for step in steps if isinstance(step, bytes))
        cut = any(isinstance(step, Cut) for step in steps)
        headers["Content-Length"] = str(length + _MISSING_BYTES if cut else length)
    if not reply.keep_alive or reply.framing == "close":
        headers["Connection"] = "close"
    return b"".join(map(head, reply.informational)) + head(reply.status, headers.items())
