"""A connection without an event loop: when it may be used again and when it must not."""

import asyncio
import socket as sockets
import sys
from collections.abc import AsyncGenerator
from typing import Any, cast

import httpx
import pytest

from ollama_rx.transport.connection import Connection
from ollama_rx.transport.exchange import Exchange
from tests.transport.raw_server import HELLO, OK

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class TransportRecorder:
    """A transport that records the calls of its connection."""

    def __init__(self, unsent: int = 0) -> None:
        self.calls: list[str] = []
        self.unsent = unsent
        self.socket: sockets.socket | None = None

    def write(self, _: bytes) -> None:
        self.calls.append("write")

    def get_extra_info(self, name: str) -> sockets.socket | None:
        assert name == "socket"
        return self.socket

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return "abort" in self.calls

    def __getattr__(self, name: str) -> Any:
        return lambda: self.calls.append(name)


class NullReceiver:
    def received(self, payload: bytes) -> None:
        assert payload

    def ended(self, error: Exception | None) -> None:
        self.error = error


class IdleList(list[Connection]):
    """A stub of the pool that owns a connection."""

    def put_idle(self, origin: object, connection: Connection) -> None:
        assert origin == "origin"
        self.append(connection)

    def discard(self, connection: Connection) -> None:
        assert connection.closed


def connected(transport: TransportRecorder) -> tuple[Connection, IdleList]:
    idle = IdleList()
    connection = Connection(idle, "origin")
    connection.connection_made(cast(asyncio.Transport, transport))
    return connection, idle


async def serve(connection: Connection, response: bytes) -> None:
    exchange = connection.start("GET", REQUEST)
    connection.data_received(response)
    await exchange.head()
    exchange.send_body_to(NullReceiver())


@pytest.mark.parametrize(
    ("response", "again"),
    [
        (HELLO, True),
        (OK + b"Connection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", True),
        (HELLO.replace(b"OK\r\n", b"OK\r\nConnection: x, Close\r\n"), False),
        (HELLO.replace(b"1.1", b"1.0"), False),
        (HELLO + b"HTTP/1.1 200 OK\r\n", False),
    ],
)
def test_a_connection_is_reused_if_the_response_allows_it(response: bytes, again: object) -> None:
    transport = TransportRecorder()
    connection, idle = connected(transport)
    asyncio.run(serve(connection, response))
    assert bool(idle) is again
    assert ("abort" in transport.calls) is not again


def test_a_connection_that_is_answered_before_its_request_is_sent_is_closed() -> None:
    transport = TransportRecorder(unsent=1)
    connection, idle = connected(transport)
    asyncio.run(serve(connection, HELLO))
    assert connection.closed
    assert (idle, transport.calls) == ([], ["write", "abort"])


def test_bytes_without_a_request_close_the_connection() -> None:
    transport = TransportRecorder()
    connection, _ = connected(transport)
    connection.data_received(b"hello?")
    assert (connection.closed, transport.calls) == (True, ["abort"])


def test_a_connection_counts_as_closed_as_soon_as_the_server_has_ended_it() -> None:
    connection, _ = connected(TransportRecorder())
    assert connection.eof_received() is False
    assert connection.closed


def test_a_lost_connection_can_no_longer_be_used() -> None:
    transport = TransportRecorder()
    connection, idle = connected(transport)

    async def main() -> None:
        connection.connection_lost(None)
        connection.pause()
        connection.resume()
        connection.abort()
        with pytest.raises(httpx.RemoteProtocolError):
            await connection.start("GET", REQUEST).head()
        connection.release()

    asyncio.run(main())
    assert (len(idle), transport.calls) == (1, [])


def test_two_pauses_are_one_and_the_next_exchange_resumes_reading() -> None:
    transport = TransportRecorder()
    connection, _ = connected(transport)

    async def main() -> None:
        connection.start("GET", REQUEST)
        connection.pause()
        connection.pause()
        connection.release()

    asyncio.run(main())
    assert transport.calls == ["write", "pause_reading", "resume_reading"]


def test_only_the_current_exchange_can_be_shut_down() -> None:
    async def main() -> tuple[Exchange, Exchange]:
        served = connection.start("GET", REQUEST)
        connection.release()
        return served, connection.start("GET", REQUEST)

    ours, server = sockets.socketpair()
    server.settimeout(0)
    transport = TransportRecorder()
    transport.socket = ours
    connection, _ = connected(transport)
    earlier, present = asyncio.run(main())
    earlier.shut_down_threadsafe()
    with pytest.raises(BlockingIOError):
        server.recv(1)
    present.shut_down_threadsafe()
    assert server.recv(1) == b""
    connection.connection_lost(None)
    present.shut_down_threadsafe()
    for end in (ours, server):
        end.close()


def test_a_request_is_not_kept_after_it_is_written() -> None:
    connection, _ = connected(TransportRecorder())
    message = REQUEST + b"images are large" * 100

    async def main() -> Exchange:
        return connection.start("POST", message)

    before = sys.getrefcount(message)
    exchange = asyncio.run(main())
    assert sys.getrefcount(message) == before
    assert exchange.nothing_received


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_body_is_written_no_faster_than_the_server_takes_it() -> None:
    wanted: list[int] = []

    async def blocks() -> AsyncGenerator[bytes]:
        for number in range(3):
            wanted.append(number)
            yield b"x"

    async def main() -> None:
        transport = TransportRecorder()
        connection, _ = connected(transport)
        connection.pause_writing()
        writing = asyncio.ensure_future(connection.write_body(blocks()))
        await turns()
        assert (wanted, transport.calls.count("write")) == ([0], 1)
        connection.resume_writing()
        connection.resume_writing()
        await writing
        assert (wanted, transport.calls.count("write")) == ([0, 1, 2], 3)

    asyncio.run(main())


def test_a_body_is_not_written_to_a_connection_that_is_lost() -> None:
    async def blocks() -> AsyncGenerator[bytes]:
        yield b"x"
        yield b"never"

    async def main() -> None:
        transport = TransportRecorder()
        connection, _ = connected(transport)
        connection.pause_writing()
        writing = asyncio.ensure_future(connection.write_body(blocks()))
        await turns()
        connection.connection_lost(None)
        await writing
        assert transport.calls.count("write") == 1

    asyncio.run(main())


def test_a_writer_that_was_cancelled_is_not_woken_up() -> None:
    async def blocks() -> AsyncGenerator[bytes]:
        yield b"x"

    async def main() -> None:
        connection, _ = connected(TransportRecorder())
        connection.pause_writing()
        writing = asyncio.ensure_future(connection.write_body(blocks()))
        await turns()
        writing.cancel()
        await asyncio.wait([writing])
        connection.resume_writing()

    asyncio.run(main())


def test_an_upload_that_fails_after_the_answer_only_closes_the_connection() -> None:
    async def main() -> None:
        transport = TransportRecorder()
        connection, idle = connected(transport)
        exchange = connection.start("POST", REQUEST)
        connection.data_received(HELLO)
        exchange.fail(OSError("the file has changed"))
        assert (await exchange.head()).status == 200
        assert (idle, transport.calls[-1]) == ([], "abort")

    asyncio.run(main())


def test_an_upload_that_fails_is_the_error_of_the_request() -> None:
    async def main() -> None:
        connection, _ = connected(TransportRecorder())
        exchange = connection.start("POST", REQUEST)
        exchange.fail(OSError("the file has changed"))
        with pytest.raises(OSError, match="has changed"):
            await exchange.head()

    asyncio.run(main())


def test_a_connection_that_was_answered_early_is_not_used_again() -> None:
    async def main() -> None:
        connection, idle = connected(TransportRecorder())
        exchange = connection.start("POST", REQUEST)
        connection.data_received(HELLO)
        await exchange.head()
        exchange.forbid_reuse()
        exchange.send_body_to(NullReceiver())
        assert (idle, connection.closed) == ([], True)

    asyncio.run(main())
