"""Send one reply: the head when its time has come, then step by step, counting what leaves."""

import asyncio
import time
from collections.abc import Callable, Iterable

from ollama_rx.testing.framing import LAST_CHUNK, chunk, head
from ollama_rx.testing.record import Exchange
from ollama_rx.testing.reply import Reply
from ollama_rx.testing.steps import Cut, Gate, Pause, Step, Until

_MISSING_BYTES = 1024  # how much a cut answer with Content-Length promises and never sends


class CutHereError(Exception):
    """The script cuts the connection at this point."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("cut")
        self.reset = reset


class Sending:
    """The way of one reply to its client.

    `hand_over` takes bytes to the socket, `writable` is set while the client reads fast enough, `changed` is
    told of every step.
    """

    def __init__(
        self,
        exchange: Exchange,
        reply: Reply,
        *,
        hand_over: Callable[[bytes], object],
        writable: asyncio.Event,
        changed: Callable[[], object],
    ) -> None:
        wants_close = exchange.request.headers.get("connection", "").lower() == "close"
        self.keeps_alive = reply.keep_alive and reply.framing in ("chunked", "length") and not wants_close
        self._exchange = exchange
        self._reply = reply
        self._hand_over = hand_over
        self._writable = writable
        self._changed = changed
        self._head = b""
        self._length: int | None = None

    async def run(self) -> None:
        """Send everything; raise CutHereError where the script cuts."""
        began = time.monotonic()
        reply = self._reply
        steps = reply.body(self._exchange.request)
        if reply.framing == "length":
            steps = list(steps)
        self._head = self._draw_head(steps)
        if reply.headers_first:
            await self._write(b"")
        if self._exchange.request.method == "HEAD":
            await self._write(b"", last=True)
            return
        for step in steps:
            if isinstance(step, bytes):
                await self._write(chunk(step) if reply.framing == "chunked" else step, body=step)
            elif isinstance(step, Cut):
                await self._write(b"")
                raise CutHereError(reset=step.reset)
            else:
                await _wait(step, began)
        await self._write(LAST_CHUNK if reply.framing == "chunked" else b"", last=True)

    def _draw_head(self, steps: Iterable[Step]) -> bytes:
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
        return b"".join(map(head, reply.informational)) + head(reply.status, headers.items())

    async def _write(self, framed: bytes, *, body: bytes = b"", last: bool = False) -> None:
        """Hand bytes to the socket, the head before the first of them, and wait while the client can't."""
        data = self._head + framed
        self._head = b""
        size = self._reply.socket_bytes or max(1, len(data))
        pieces = [data[begin : begin + size] for begin in range(0, len(data), size)]
        for piece in pieces[:-1]:
            await self._hand_over_and_wait(piece)
        # counted before the last byte leaves: who has seen a line finds it counted
        self._exchange.bytes_written += len(body)
        self._exchange.lines_written += body.count(b"\n")
        whole = last or self._exchange.bytes_written == self._length
        if whole and self._exchange.answered_at is None:
            self._exchange.answered_at = time.monotonic()
        if pieces:
            await self._hand_over_and_wait(pieces[-1])
        self._changed()

    async def _hand_over_and_wait(self, piece: bytes) -> None:
        self._hand_over(piece)
        self._changed()
        # a turn for the loop: it hears of a client that left, and each write leaves on its own
        await asyncio.sleep(0)
        await self._writable.wait()


async def _wait(step: Pause | Until | Gate, began: float) -> None:
    match step:
        case Pause():
            await asyncio.sleep(step.seconds)
        case Until():
            await asyncio.sleep(max(0.0, began + step.seconds - time.monotonic()))
        case _:
            await step.passed()
