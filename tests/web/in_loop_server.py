"""uvicorn on the test's own event loop, and a client that reads and writes bytes."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp

GET = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
GET_ONCE = b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


class RawClient:
    """One connection with one request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def until(self, end: bytes) -> bytes:
        """Read until this has come."""
        return await self.reader.readuntil(end)

    async def rest(self) -> bytes:
        """Read until the server closes the connection."""
        return await self.reader.read()

    async def close(self) -> None:
        """Leave, without reading what is left."""
        self.writer.transport.abort()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


class InLoopServer(uvicorn.Server):
    """A server that a test can shut down, and its clients."""

    port = 0
    serving: "asyncio.Task[None]"

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._clients: list[RawClient] = []

    async def connect(self, request: bytes = GET) -> RawClient:
        """Connect a client and send its request; it is closed at the end of the test."""
        client = RawClient(*await asyncio.open_connection("127.0.0.1", self.port))
        client.writer.write(request)
        self._clients.append(client)
        return client

    async def shut_down(self) -> None:
        """Shut down as Ctrl-C does; returns when the server has ended."""
        self.should_exit = True
        await self.serving

    async def close(self) -> None:
        """End everything."""
        for client in self._clients:
            await client.close()
        await self.shut_down()


@asynccontextmanager
async def serving(app: ASGIApp, **options: Any) -> AsyncGenerator[InLoopServer]:
    """Serve an app inside the ``async with`` block; the socket listens at once."""
    server = InLoopServer(uvicorn.Config(app, log_level="critical", lifespan="off", **options))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]
        server.serving = asyncio.create_task(server.serve([listening]))
        try:
            yield server
        finally:
            await server.close()


def lines_of(response: bytes) -> list[str]:
    """Return the lines of a response, without those of the chunked encoding."""
    head, _, encoded = response.partition(b"\r\n\r\n")
    body = b""
    while encoded:
        size, _, encoded = encoded.partition(b"\r\n")
        length = int(size, 16)
        body, encoded = body + encoded[:length], encoded[length + 2 :]
    return [*head.decode().split("\r\n"), "", *body.decode().split("\n")]
