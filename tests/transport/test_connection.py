"""A connection, bare: when it may serve again, when never."""

import asyncio
import socket as sockets
from typing import Any, cast

import httpx
import pytest

from ollama_rx.transport.connection import Connection
from ollama_rx.transport.exchange import Exchange
from tests.transport.raw_server import HELLO, OK

REQUEST = httpx.Request("GET", "http://x/")


class Socket:
    """A transport that notes what it is told."""

    def __init__(self, unsent: int = 0) -> None:
        self.told: list[str] = []
        self.unsent = unsent
        self.real: sockets.socket | None = None

    def write(self, _: bytes) -> None:
        self.told.append("write")

    def get_extra_info(self, name: str) -> sockets.socket | None:
        assert name == "socket"
        return self.real

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def __getattr__(self, name: str) -> Any:
        return lambda: self.told.append(name)


class Ear:
    def received(self, payload: bytes) -> None:
        assert payload

    def ended(self, error: Exception | None) -> None:
        self.error = error


class Idle(list[Connection]):
    """The pool, of which a connection knows only this."""

    def put(self, origin: object, connection: Connection) -> None:
        assert origin == "origin"
        self.append(connection)

    def forget(self, connection: Connection) -> None:
        assert connection.closed


def connected(socket: Socket) -> tuple[Connection, Idle]:
    idle = Idle()
    connection = Connection(idle, "origin")
    connection.connection_made(cast(asyncio.Transport, socket))
    return connection, idle


async def serve(connection: Connection, response: bytes) -> None:
    exchange = connection.start(REQUEST, b"")
    connection.data_received(response)
    await exchange.head()
    exchange.push(Ear())


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
def test_it_serves_again_if_the_response_allows_it(response: bytes, again: object) -> None:
    socket = Socket()
    connection, idle = connected(socket)
    asyncio.run(serve(connection, response))
    assert bool(idle) is again
    assert ("abort" in socket.told) is not again


def test_an_answer_to_half_a_request_is_its_last() -> None:
    socket = Socket(unsent=1)
    connection, idle = connected(socket)
    asyncio.run(serve(connection, HELLO))
    assert connection.closed
    assert (idle, socket.told) == ([], ["write", "abort"])


def test_bytes_that_nobody_asked_for_are_its_end() -> None:
    socket = Socket()
    connection, _ = connected(socket)
    connection.data_received(b"hello?")
    assert (connection.closed, socket.told) == (True, ["abort"])


def test_the_servers_end_is_its_end_though_the_loop_closes_it_later() -> None:
    connection, _ = connected(Socket())
    assert connection.eof_received() is False
    assert connection.closed


def test_what_is_lost_is_lost() -> None:
    socket = Socket()
    connection, idle = connected(socket)

    async def main() -> None:
        connection.connection_lost(None)
        connection.pause()
        connection.resume()
        connection.abort()
        with pytest.raises(httpx.RemoteProtocolError):
            await connection.start(REQUEST, b"").head()
        connection.free()

    asyncio.run(main())
    assert (len(idle), socket.told) == (1, [])


def test_pausing_twice_is_pausing_once_and_the_next_exchange_reads() -> None:
    socket = Socket()
    connection, _ = connected(socket)

    async def main() -> None:
        connection.start(REQUEST, b"")
        connection.pause()
        connection.pause()
        connection.free()

    asyncio.run(main())
    assert socket.told == ["write", "pause_reading", "resume_reading"]


def test_it_is_hung_up_for_the_exchange_it_serves_and_for_no_other() -> None:
    async def main() -> tuple[Exchange, Exchange]:
        served = connection.start(REQUEST, b"")
        connection.free()
        return served, connection.start(REQUEST, b"")

    ours, server = sockets.socketpair()
    server.settimeout(0)
    double = Socket()
    double.real = ours
    connection, _ = connected(double)
    earlier, present = asyncio.run(main())
    earlier.hang_up()
    with pytest.raises(BlockingIOError):
        server.recv(1)
    present.hang_up()
    assert server.recv(1) == b""
    connection.connection_lost(None)
    present.hang_up()
    for end in (ours, server):
        end.close()


def test_a_request_is_not_kept_once_it_is_written() -> None:
    connection, _ = connected(Socket())

    async def main() -> bytes:
        return connection.start(httpx.Request("POST", "http://x/", content=b"{}"), b"{}").outgoing

    assert asyncio.run(main()) == b""
