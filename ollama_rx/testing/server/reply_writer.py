"""Write one reply, step by step: the head goes out with the first byte of the body."""

import asyncio
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus

from ollama_rx.testing.server.observed import ObservedExchange
from ollama_rx.testing.server.reply import Reply
from ollama_rx.testing.server.steps import Cut, Gate, Pause, Status, Step, Until

_MISSING_BYTES = 1024  # by which the Content-Length of a cut reply exceeds the body
_LAST_CHUNK = b"0\r\n\r\n"


class CutHereError(Exception):
    """The script cuts the connection at this point."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("cut")
        self.reset = reset


class ReplyWriter:
    """Writes one reply to its client.

    `write` passes bytes to the socket, `writable` is set while the client reads fast enough, `changed` is
    called after every step.
    """

    def __init__(
        self,
        exchange: ObservedExchange,
        reply: Reply,
        *,
        write: Callable[[bytes], object],
        writable: asyncio.Event,
        changed: Callable[[], object],
    ) -> None:
        close = exchange.request.headers.get("connection", "").lower() == "close"
        self.keeps_alive = reply.keep_alive and reply.framing in ("chunked", "length") and not close
        self._exchange = exchange
        self._reply = reply
        self._write_to_socket = write
        self._writable = writable
        self._changed = changed
        self._head = b""
        self._length: int | None = None

    async def run(self) -> None:
        """Write everything; raise CutHereError at a `cut` of the script."""
        started = time.monotonic()
        reply = self._reply
        steps = reply.body(self._exchange.request)
        if reply.framing == "length":
            steps = list(steps)
        self._head = self._build_head(steps, reply.status)
        if reply.headers_first:
            await self._write(b"")
        if self._exchange.request.method == "HEAD":
            await self._write(b"", last=True)
            return
        for step in steps:
            if isinstance(step, bytes):
                await self._write(_chunk(step) if reply.framing == "chunked" else step, body=step)
            elif isinstance(step, Cut):
                await self._write(b"")
                raise CutHereError(reset=step.reset)
            elif isinstance(step, Status):
                self._change_status(steps, step.status)
            else:
                await _wait(step, started)
        await self._write(_LAST_CHUNK if reply.framing == "chunked" else b"", last=True)

    def _build_head(self, steps: Iterable[Step], status: int) -> bytes:
        reply = self._reply
        if reply.framing == "none":
            return b""
        headers = dict(reply.headers)
        if reply.content_type is not None:
            headers["Content-Type"] = reply.content_type
        if reply.framing == "chunked":
            headers["Transfer-Encoding"] = "chunked"
        elif isinstance(steps, list):
            length = sum(len(step) for step in steps if isinstance(step, bytes))
            cut = any(isinstance(step, Cut) for step in steps)
            self._length = length + _MISSING_BYTES if cut else length
            headers["Content-Length"] = str(self._length)
        if not self.keeps_alive:
            headers["Connection"] = "close"
        return b"".join(map(head, reply.informational)) + head(status, headers.items())

    def _change_status(self, steps: Iterable[Step], status: int) -> None:
        if self._head:  # nothing has been sent
            self._head = self._build_head(steps, status)
            self._exchange.status = status

    async def _write(self, framed: bytes, *, body: bytes = b"", last: bool = False) -> None:
        """Write bytes, after the head if it is still unsent, and wait while the client does not read."""
        data = self._head + framed
        self._head = b""
        size = self._reply.socket_bytes or max(1, len(data))
        pieces = [data[begin : begin + size] for begin in range(0, len(data), size)]
        for piece in pieces[:-1]:
            await self._write_and_wait(piece)
        # counted before the last byte is written: a client that has a line finds it counted
        self._exchange.bytes_written += len(body)
        self._exchange.lines_written += body.count(b"\n")
        complete = last or self._exchange.bytes_written == self._length
        if complete and self._exchange.answered_at is None:
            self._exchange.answered_at = time.monotonic()
        if pieces:
            await self._write_and_wait(pieces[-1])
        self._changed()

    async def _write_and_wait(self, piece: bytes) -> None:
        self._write_to_socket(piece)
        self._changed()
        # lets the loop notice a disconnect, and send each write on its own
        await asyncio.sleep(0)
        await self._writable.wait()


async def _wait(step: Pause | Until | Gate, started: float) -> None:
    match step:
        case Pause():
            await asyncio.sleep(step.seconds)
        case Until():
            await asyncio.sleep(max(0.0, started + step.seconds - time.monotonic()))
        case _:
            await step.wait()


def head(status: int, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """Build the head of a response, including the empty line at its end."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _chunk(payload: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(payload), payload)
