"""The floors: the least that Python must do for a token.

An exact chunk decoder, `orjson.loads` for each line, and nothing else. `FloorReader` reads one answer from a
blocking socket, `AsyncFloorReader` many answers on an event loop, with an `asyncio.Protocol` for each.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import orjson

from benchmarks.clients.contract import OnToken

READ_BYTES = 65_536
HEAD_END = b"\r\n\r\n"


class FloorReader:
    """HTTP/1.1 on one blocking socket, with as few objects as possible."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def read(self, url: str) -> int:
        """Send the request, decode the HTTP chunks one by one, parse line by line."""
        host, port, request = request_for(url)
        if self._socket is None:
            self._socket = socket.create_connection((host, port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = self._socket
        connection.sendall(request)
        buffer = b""
        while HEAD_END not in buffer:
            buffer += _receive(connection)
        buffer = buffer.partition(HEAD_END)[2]
        texts, tail = 0, b""
        while True:
            payload, buffer, ended = decode(buffer)
            *lines, tail = (tail + payload).split(b"\n")
            for line in lines:
                if orjson.loads(line)["response"]:
                    texts += 1
            if ended:
                return texts
            buffer += _receive(connection)


class AsyncFloorReader:
    """HTTP/1.1 on the running event loop, one protocol object for each answer; no connection is reused."""

    async def read(self, url: str) -> int:
        """Read one answer."""
        stamps: list[str] = []
        await self.read_many(url, 1, stamps.append)
        return len(stamps)

    async def read_many(self, url: str, streams: int, on_token: OnToken) -> None:
        """Read many answers concurrently; no task is needed after their connections are open."""
        host, port, request = request_for(url)
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        missing = streams

        def ended(error: Exception | None) -> None:
            nonlocal missing
            missing -= 1
            if done.done():
                return
            if error is not None:
                done.set_exception(error)
            elif not missing:
                done.set_result(None)

        make = partial(_Answer, request, on_token, ended)
        await asyncio.gather(*[loop.create_connection(make, host, port) for _ in range(streams)])
        await done


class _Answer(asyncio.Protocol):
    """Reads one answer."""

    __slots__ = ("_buffer", "_ended", "_in_body", "_on_token", "_over", "_request", "_tail", "_transport")

    def __init__(self, request: bytes, on_token: OnToken, ended: Callable[[Exception | None], None]) -> None:
        self._request = request
        self._on_token = on_token
        self._ended = ended
        self._in_body = False
        self._over = False
        self._buffer = b""  # the beginning of a head or of an HTTP chunk
        self._tail = b""  # the beginning of a line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not a subclass
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Decode, parse, and report each token."""
        if self._buffer:
            data = self._buffer + data
        if not self._in_body:
            _, end, rest = data.partition(HEAD_END)
            if not end:
                self._buffer = data
                return
            self._in_body = True
            data = rest
        payload, self._buffer, ended = decode(data)
        *lines, self._tail = (self._tail + payload).split(b"\n")
        for line in lines:
            item = orjson.loads(line)
            if item["response"]:
                self._on_token(item["created_at"])
        if ended:
            self._over = True
            self._transport.close()
            self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report an answer that was cut short."""
        if not self._over:
            self._over = True
            self._ended(exc or ConnectionError("the server closed the connection"))


def request_for(url: str) -> tuple[str, int, bytes]:
    """Return the host, the port and the bytes of the request."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    body = orjson.dumps({"model": "llama3.2", "prompt": "Hello"})
    head = f"POST {parts.path}/api/generate HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    return parts.hostname, parts.port, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def decode(buffer: bytes) -> tuple[bytes, bytes, bool]:
    """Return the payload of the complete HTTP chunks, the bytes after them, whether the body has ended."""
    at = 0
    payloads: list[bytes] = []
    while (line_end := buffer.find(b"\r\n", at)) >= 0:
        begin = line_end + 2
        end = begin + int(buffer[at:line_end], 16)
        if len(buffer) < end + 2:
            break
        if buffer[end : end + 2] != b"\r\n":
            raise ValueError("a chunk does not end with CRLF")
        at = end + 2
        if begin == end:
            return b"".join(payloads), buffer[at:], True
        payloads.append(buffer[begin:end])
    return b"".join(payloads), buffer[at:], False


def _receive(connection: socket.socket) -> bytes:
    received = connection.recv(READ_BYTES)
    if not received:
        raise ConnectionError("the server closed the connection")
    return received
