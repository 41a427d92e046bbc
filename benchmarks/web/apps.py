"""The apps that are compared: ours, and a bare echo that sends the same bytes at the same pace.

An echo is the least that an ASGI app must do to send events: wait for the next one, and `send` it. It has no
log, serves no reader that comes back, and does not notice one that leaves.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from reactivex import Observable, never
from starlette.types import Receive, Scope, Send

from benchmarks.clients.floor import AsyncFloorReader
from benchmarks.web.load import RATE, Load, Stamps
from ollama_rx import Chunk, Client
from ollama_rx.rx import Emitter, through
from ollama_rx.web import Replay, sse_response

_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache, no-transform")]
_SPREAD = 0.4  # seconds until the streams of an echo begin, as those of the source do


class App(Protocol):
    """An ASGI app that knows the processor time of what it has sent."""

    stamps: Stamps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one reader."""


class OursOneStream:
    """One stream of the client, one replay, all readers."""

    def __init__(self, load: Load) -> None:
        self.stamps = Stamps(load, streams=1)
        self._stream = _stream(Client(load.source), self.stamps)
        self._gate = _Gate(load.readers)
        self._replay = Replay()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one reader."""
        await self._gate.wait()
        await sse_response(self._stream, replay=self._replay)(scope, receive, send)


class OursManyStreams:
    """A stream of the client for each reader."""

    def __init__(self, load: Load) -> None:
        self.stamps = Stamps(load, streams=load.readers)
        self._stream = _stream(Client(load.source), self.stamps)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one reader."""
        await sse_response(self._stream)(scope, receive, send)


class OursIdle:
    """One stream in which nothing happens, all readers."""

    def __init__(self, load: Load) -> None:
        self.stamps = Stamps(load, streams=1)
        self._replay = Replay()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one reader."""
        await sse_response(never(), replay=self._replay)(scope, receive, send)


class OursIdleStreams:
    """A stream in which nothing happens for each reader."""

    def __init__(self, load: Load) -> None:
        self.stamps = Stamps(load, streams=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one reader."""
        await sse_response(never())(scope, receive, send)


class EchoOneStream:
    """A timer whose events go to all readers."""

    def __init__(self, load: Load) -> None:
        self.stamps = Stamps(load, streams=1)
        self._load = load
        self._gate = _Gate(load.readers)
        self._frames: list[bytes] = []
        self._next: asyncio.Future[None] | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Serve one reader."""
        await _start(send)
        await self._gate.wait()
        if self._ticking is None:
            self._next = asyncio.get_running_loop().create_future()
            self._ticking = asyncio.create_task(self._tick(self._next))
        for number in range(self._load.events):
            while number == len(self._frames):
                assert self._next is not None
                await asyncio.shield(self._next)
            await _send(send, self._frames[number])
        await _end(send)

    async def _tick(self, ticked: asyncio.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time() + _SPREAD
        for number in range(self._load.events):
            await asyncio.sleep(begin + number / RATE - loop.time())
            self._frames.append(_frame(number, self.stamps.text()))
            self._next = loop.create_future()
            ticked.set_result(None)
            ticked = self._next


class EchoManyStreams:
    """A timer for each reader."""

    def __init__(self, load: Load) -> None:
        self.stamps = Stamps(load, streams=load.readers)
        self._load = load
        self._gate = _Gate(load.readers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Serve one reader."""
        await _start(send)
        place = await self._gate.wait()
        loop = asyncio.get_running_loop()
        begin = loop.time() + _SPREAD + place / self._load.readers / RATE
        for number in range(self._load.events):
            await asyncio.sleep(begin + number / RATE - loop.time())
            await _send(send, _frame(number, self.stamps.text()))
        await _end(send)


class RelayManyStreams:
    """An echo that reads a stream for each reader, as ours does, with the floor of the other scenarios."""

    def __init__(self, load: Load) -> None:
        self.stamps = Stamps(load, streams=load.readers)
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Serve one reader."""
        await _start(send)
        loop = asyncio.get_running_loop()
        texts: deque[str] = deque()
        arrived: asyncio.Future[None] = loop.create_future()

        def on_token(_: str) -> None:
            texts.append(self.stamps.text())
            if not arrived.done():
                arrived.set_result(None)

        reading = asyncio.create_task(AsyncFloorReader().read_many(self._load.source, 1, on_token))
        for number in range(self._load.events):
            while not texts:
                await arrived
                arrived = loop.create_future()
            await _send(send, _frame(number, texts.popleft()))
        await reading
        await _end(send)


class EchoIdle:
    """Readers to which nothing is sent."""

    def __init__(self, load: Load) -> None:
        self.stamps = Stamps(load, streams=1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Serve one reader."""
        await _start(send)
        await asyncio.get_running_loop().create_future()


class _Gate:
    """Lets all readers in when the last one has come."""

    def __init__(self, readers: int) -> None:
        self._readers = readers
        self._came = 0
        self._open = asyncio.Event()

    async def wait(self) -> int:
        """Return the reader's place in the order of coming."""
        place = self._came
        self._came += 1
        if self._came == self._readers:
            self._open.set()
        await self._open.wait()
        return place


def _stream(client: Client, stamps: Stamps) -> Observable[str]:
    return client.generate("Hello", model="llama3.2").pipe(through(lambda out: _Stamped(out, stamps)))


class _Stamped:
    """The text of the benchmark for each chunk that has text."""

    def __init__(self, out: Emitter[str], stamps: Stamps) -> None:
        self._emit = out.emit
        self._text = stamps.text

    def feed(self, chunk: Chunk, /) -> None:
        if chunk.text:
            self._emit(self._text())


def _frame(number: int, text: str) -> bytes:
    return b'id: 0123abcd-%d\nevent: text\ndata: {"text":"%b"}\n\n' % (number + 1, text.encode())


async def _start(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await _send(send, b":\n\n")


async def _send(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _end(send: Send) -> None:
    await send({"type": "http.response.body", "body": b"", "more_body": False})


APPS: dict[str, Callable[[Load], App]] = {
    "ours, one stream": OursOneStream,
    "ours, many streams": OursManyStreams,
    "ours, idle": OursIdle,
    "ours, idle streams": OursIdleStreams,
    "echo, one stream": EchoOneStream,
    "echo, many streams": EchoManyStreams,
    "relay, many streams": RelayManyStreams,
    "echo, idle": EchoIdle,
}
