"""The sides that put lines on the bus: our worker, and what it is compared with.

``python -m benchmarks.bus.writers SIDE LOOP LOAD``; prints "ready", and works until it is terminated.
"""

import asyncio
import signal
import urllib.request
from collections import deque
from collections.abc import AsyncGenerator
from functools import partial
from time import time
from typing import cast
from urllib.parse import urlsplit

import nats
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from benchmarks.bus.load import Load, ready, run_side
from benchmarks.clients.floor import HEAD_END, decode, request_for
from benchmarks.server import choose

STAMP = b'"created_at":"'
STAMP_LENGTH = 30


async def worker(argument: str) -> None:
    """Work as our worker."""
    from ollama_rx import Client  # noqa: PLC0415 - the bare writers do not have it in memory
    from ollama_rx.bus import Worker  # noqa: PLC0415

    load = Load.read(argument)
    ours = Worker(Client(load.host), load.bus, parallel=load.parallel, namespace=load.namespace)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ours.stop)
    ready()
    await ours.run()


async def bare(argument: str) -> None:
    """Publish the lines of the host from memory at the same pace, acknowledged one by one in each stream."""
    load = Load.read(argument)
    lines = _lines_of(load.host)
    async with await nats.connect(load.bus) as connection:
        jetstream = connection.jetstream()
        await _start(load, connection, jetstream)
        loop = asyncio.get_running_loop()
        begin = loop.time() + 0.5

        async def write(stream: int) -> None:
            phase = stream * 0.6180339887498949 % 1  # as the replay server spreads them
            for number in range(load.tokens + 1):
                if load.rate and number < load.tokens:  # the last line follows at once
                    await asyncio.sleep(begin + (phase + number) / load.rate - loop.time())
                line = lines[-1 if number == load.tokens else number % (len(lines) - 1)]
                await jetstream.publish(load.lines(stream), stamped(line, time()))

        await asyncio.gather(*[write(stream) for stream in range(load.streams)])


async def relay(argument: str) -> None:
    """Publish the lines of the host as they come, acknowledged one by one in each stream."""
    load = Load.read(argument)
    async with await nats.connect(load.bus) as connection:
        jetstream = connection.jetstream()
        await _start(load, connection, jetstream)
        choose(load.host, tokens=load.tokens, rate=load.rate, gate=load.streams)
        host, port, request = request_for(load.host)
        loop = asyncio.get_running_loop()

        async def write(stream: int) -> None:
            _, answer = await loop.create_connection(partial(LineReader, request), host, port)
            async for line in answer.lines():
                await jetstream.publish(load.lines(stream), line)

        await asyncio.gather(*[write(stream) for stream in range(load.streams)])


class LineReader(asyncio.Protocol):
    """The least that Python must do to get the lines of one answer."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._lines: deque[bytes] = deque()
        self._arrived = asyncio.Event()
        self._in_body = False
        self._over = False
        self._encoded = b""  # the beginning of a head or of an HTTP chunk
        self._tail = b""  # the beginning of a line

    async def lines(self) -> AsyncGenerator[bytes]:
        """Yield each line when it has arrived."""
        while self._lines or not self._over:
            while self._lines:
                yield self._lines.popleft()
            if not self._over:
                self._arrived.clear()
                await self._arrived.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Decode, and split into lines."""
        self._encoded += data
        if not self._in_body:
            _, end, rest = self._encoded.partition(HEAD_END)
            if not end:
                return
            self._in_body, self._encoded = True, rest
        payload, self._encoded, self._over = decode(self._encoded)
        *lines, self._tail = (self._tail + payload).split(b"\n")
        self._lines.extend(line + b"\n" for line in lines)
        self._arrived.set()
        if self._over:
            self._transport.close()


async def _start(load: Load, connection: NatsClient, jetstream: JetStreamContext) -> None:
    """Make the stream, and wait until the reader has subscribed."""
    await jetstream.add_stream(
        StreamConfig(name=load.namespace, subjects=[load.lines("*")], allow_direct=True)
    )
    going: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def go(_: Msg) -> None:
        going.set_result(None)

    await connection.subscribe(load.go, cb=go)
    await connection.flush()
    ready()
    await going


def _lines_of(host: str) -> list[bytes]:
    """Return lines of the host; the last one is the last of its stream."""
    choose(host, tokens=1000)
    parts = urlsplit(host)
    with urllib.request.urlopen(f"http://{parts.netloc}/api/generate", data=b"{}", timeout=10) as answer:
        lines: list[bytes] = answer.read().splitlines(keepends=True)
    return lines


def stamped(line: bytes, moment: float) -> bytes:
    """Return a line with another moment in it; minutes do not count.

    >>> stamped(b'{"created_at":"2026-01-01T00:00:00.000000000Z"}', 61.5)
    b'{"created_at":"2026-01-01T00:00:01.500000000Z"}'
    """
    at = line.index(STAMP) + len(STAMP)
    return line[:at] + b"2026-01-01T00:00:%012.9fZ" % (moment % 60) + line[at + STAMP_LENGTH :]


if __name__ == "__main__":
    run_side({"worker": worker, "bare": bare, "relay": relay})
