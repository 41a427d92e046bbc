"""One request and its response, bare: what goes to the receiver, what becomes of the connection."""

import asyncio
from collections.abc import Callable
from functools import wraps

import h11
import httpx
import pytest

from ollama_rx.transport.exchange import Exchange

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"


class Wire:
    """A connection that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    def abort(self) -> None:
        self.told.append("abort")

    def free(self) -> None:
        self.told.append("free")

    def hang_up(self, exchange: Exchange) -> None:
        self.hung_up = exchange


class Ear:
    def __init__(self) -> None:
        self.payload = b""
        self.ends: list[Exception | None] = []

    def received(self, payload: bytes) -> None:
        self.payload += payload

    def ended(self, error: Exception | None) -> None:
        self.ends.append(error)


def on_a_loop(test: Callable[[], None]) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        async def main() -> None:
            test()

        asyncio.run(main())

    return run


def exchange(method: str = "GET", content: bytes = b"") -> tuple[Exchange, Wire]:
    wire = Wire()
    return Exchange(wire, httpx.Request(method, "http://x/y", content=content or None), content), wire


def head_of(exchange: Exchange) -> asyncio.Future[h11.Response]:
    assert exchange._head is not None
    return exchange._head


@on_a_loop
def test_a_request_is_written_in_one_piece() -> None:
    found, _ = exchange("POST", b"{}")
    assert found.outgoing.startswith(b"POST /y HTTP/1.1\r\n")
    assert found.outgoing.endswith(b"\r\n\r\n{}")


@on_a_loop
def test_what_no_request_can_say_is_refused() -> None:
    with pytest.raises(httpx.LocalProtocolError):
        Exchange(Wire(), httpx.Request("GET", "http://x/", headers={"a": "b\nc"}), b"")


@on_a_loop
def test_what_came_before_the_receiver_is_given_to_it() -> None:
    found, wire = exchange()
    found.data(HELLO[:-2])
    found.data(HELLO[-2:])
    ear = Ear()
    found.push(ear)
    assert (ear.payload, ear.ends, wire.told[-1]) == (b"hello", [None], "free")


@on_a_loop
def test_a_flood_before_the_receiver_comes_is_paused() -> None:
    found, wire = exchange()
    found.data(OK + b"\r\n" + b"x" * 40_000)
    assert not wire.told
    found.data(b"x" * 40_000)
    assert wire.told == ["pause"]
    ear = Ear()
    found.push(ear)
    assert (len(ear.payload), wire.told) == (80_000, ["pause", "resume"])


@on_a_loop
def test_a_response_that_nobody_wants_closes_its_connection_even_if_it_is_complete() -> None:
    found, wire = exchange()
    found.data(HELLO)
    found.abort()
    assert wire.told == ["abort"]


@on_a_loop
def test_what_has_ended_leaves_its_connection_to_others() -> None:
    found, wire = exchange()
    found.push(Ear())
    found.data(HELLO)
    del wire.told[:]
    found.abort()
    found.pause()
    found.resume()
    assert not wire.told


@on_a_loop
def test_a_receiver_can_make_the_server_wait() -> None:
    found, wire = exchange()
    found.data(OK + b"\r\n")
    found.pause()
    found.resume()
    assert wire.told == ["pause", "resume"]


@on_a_loop
def test_bytes_after_the_end_close_the_connection() -> None:
    found, wire = exchange()
    found.data(HELLO)
    found.data(b"more")
    assert wire.told == ["abort"]


@on_a_loop
def test_bytes_in_the_read_that_ends_the_body_close_the_connection() -> None:
    found, wire = exchange()
    ear = Ear()
    found.push(ear)
    found.data(HELLO + b"more")
    assert (ear.payload, ear.ends, wire.told[-1]) == (b"hello", [None], "abort")


@on_a_loop
def test_a_body_that_is_no_body_is_an_error() -> None:
    found, wire = exchange()
    ear = Ear()
    found.push(ear)
    found.data(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX")
    assert isinstance(ear.ends[0], httpx.RemoteProtocolError)
    assert wire.told[-1] == "abort"


@on_a_loop
def test_an_error_that_came_before_the_receiver_is_told_to_it() -> None:
    found, wire = exchange()
    found.data(OK + b"Content-Length: 5\r\n\r\nhe")
    found.eof()
    found.lost(None)
    ear = Ear()
    found.push(ear)
    assert ear.payload == b"he"
    (error,) = ear.ends
    assert isinstance(error, httpx.RemoteProtocolError)
    assert "free" not in wire.told


@on_a_loop
def test_an_end_before_the_head_is_left_to_the_loss_of_the_connection() -> None:
    found, wire = exchange()
    found.data(OK)
    found.eof()
    assert not wire.told
    found.lost(None)
    assert isinstance(head_of(found).exception(), httpx.RemoteProtocolError)
    assert not found.silent


@on_a_loop
def test_a_garbled_head_is_an_error_and_nothing_more_is_read() -> None:
    found, wire = exchange()
    found.data(b"SSH-2.0-OpenSSH\r\n\r\n")
    found.data(b"more of it")
    assert isinstance(head_of(found).exception(), httpx.RemoteProtocolError)
    assert wire.told == ["abort", "abort"]


@on_a_loop
def test_a_head_may_come_in_single_bytes_after_others_that_only_inform() -> None:
    found, _ = exchange()
    for byte in b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HELLO:
        found.data(bytes([byte]))
    ear = Ear()
    found.push(ear)
    assert (head_of(found).result().status_code, ear.payload, ear.ends) == (200, b"hello", [None])


@on_a_loop
def test_a_lost_connection_ends_a_response_once() -> None:
    found, _ = exchange()
    ear = Ear()
    found.data(OK + b"\r\nhel")
    found.push(ear)
    found.lost(ConnectionResetError("reset"))
    found.lost(None)
    found.eof()
    assert isinstance(ear.ends[0], httpx.ReadError)
    assert len(ear.ends) == 1
