"""One request and its response without a socket: what the receiver gets, what happens to the connection."""

import asyncio
from collections.abc import Callable
from functools import wraps

import httpx
import pytest

from ollama_rx.transport.exchange import Exchange
from ollama_rx.transport.message_head import ResponseHead

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"


class ControlRecorder:
    """A connection that records the calls of its exchange."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def abort(self) -> None:
        self.calls.append("abort")

    def release(self) -> None:
        self.calls.append("release")

    def shut_down_threadsafe(self, exchange: Exchange) -> None:
        self.hung_up = exchange


class ReceiverRecorder:
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


def new_exchange(method: str = "GET") -> tuple[Exchange, ControlRecorder]:
    connection = ControlRecorder()
    return Exchange(connection, method), connection


def head_of(exchange: Exchange) -> asyncio.Future[ResponseHead]:
    assert exchange._head is not None
    return exchange._head


@on_a_loop
def test_a_body_that_arrives_before_its_receiver_is_kept_for_it() -> None:
    exchange, connection = new_exchange()
    exchange.data_received(HELLO[:-2])
    exchange.data_received(HELLO[-2:])
    receiver = ReceiverRecorder()
    exchange.send_body_to(receiver)
    assert (receiver.payload, receiver.ends, connection.calls[-1]) == (b"hello", [None], "release")


@on_a_loop
def test_a_receiver_that_exits_hears_of_the_end_of_a_body_that_was_kept_for_it() -> None:
    class Exits(ReceiverRecorder):
        def received(self, payload: bytes) -> None:
            raise SystemExit(payload)

    exchange, connection = new_exchange()
    exchange.data_received(HELLO)
    receiver = Exits()
    with pytest.raises(SystemExit):
        exchange.send_body_to(receiver)
    assert (receiver.ends, connection.calls[-1]) == ([None], "release")


@on_a_loop
def test_a_large_body_without_a_receiver_pauses_the_connection() -> None:
    exchange, connection = new_exchange()
    exchange.data_received(OK + b"\r\n" + b"x" * 40_000)
    assert not connection.calls
    exchange.data_received(b"x" * 40_000)
    assert connection.calls == ["pause"]
    receiver = ReceiverRecorder()
    exchange.send_body_to(receiver)
    assert (len(receiver.payload), connection.calls) == (80_000, ["pause", "resume"])


@on_a_loop
def test_aborting_a_complete_response_without_a_receiver_closes_the_connection() -> None:
    exchange, connection = new_exchange()
    exchange.data_received(HELLO)
    exchange.abort()
    assert connection.calls == ["abort"]


@on_a_loop
def test_an_exchange_that_has_ended_no_longer_controls_its_connection() -> None:
    exchange, connection = new_exchange()
    exchange.send_body_to(ReceiverRecorder())
    exchange.data_received(HELLO)
    del connection.calls[:]
    exchange.abort()
    exchange.pause()
    exchange.resume()
    assert not connection.calls


@on_a_loop
def test_a_receiver_can_make_the_server_wait() -> None:
    exchange, connection = new_exchange()
    exchange.data_received(OK + b"\r\n")
    exchange.pause()
    exchange.resume()
    assert connection.calls == ["pause", "resume"]


@on_a_loop
def test_bytes_after_the_end_close_the_connection() -> None:
    exchange, connection = new_exchange()
    exchange.data_received(HELLO)
    exchange.data_received(b"more")
    assert connection.calls == ["abort"]


@on_a_loop
def test_bytes_in_the_read_that_ends_the_body_close_the_connection() -> None:
    exchange, connection = new_exchange()
    receiver = ReceiverRecorder()
    exchange.send_body_to(receiver)
    exchange.data_received(HELLO + b"more")
    assert (receiver.payload, receiver.ends, connection.calls[-1]) == (b"hello", [None], "abort")


@on_a_loop
def test_a_malformed_body_is_an_error() -> None:
    exchange, connection = new_exchange()
    receiver = ReceiverRecorder()
    exchange.send_body_to(receiver)
    exchange.data_received(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX")
    assert isinstance(receiver.ends[0], httpx.RemoteProtocolError)
    assert connection.calls[-1] == "abort"


@on_a_loop
def test_an_error_that_occurs_before_there_is_a_receiver_is_passed_to_it() -> None:
    exchange, connection = new_exchange()
    exchange.data_received(OK + b"Content-Length: 5\r\n\r\nhe")
    exchange.eof_received()
    exchange.connection_lost(None)
    receiver = ReceiverRecorder()
    exchange.send_body_to(receiver)
    assert receiver.payload == b"he"
    (error,) = receiver.ends
    assert isinstance(error, httpx.RemoteProtocolError)
    assert "release" not in connection.calls


@on_a_loop
def test_the_end_of_the_connection_before_the_head_is_an_error_once_the_connection_is_lost() -> None:
    exchange, connection = new_exchange()
    exchange.data_received(OK)
    exchange.eof_received()
    assert not connection.calls
    exchange.connection_lost(None)
    assert isinstance(head_of(exchange).exception(), httpx.RemoteProtocolError)
    assert not exchange.nothing_received


@on_a_loop
def test_a_garbled_head_is_an_error_and_nothing_more_is_read() -> None:
    exchange, connection = new_exchange()
    exchange.data_received(b"SSH-2.0-OpenSSH\r\n\r\n")
    exchange.data_received(b"more of it")
    assert isinstance(head_of(exchange).exception(), httpx.RemoteProtocolError)
    assert connection.calls == ["abort", "abort"]


@on_a_loop
def test_a_head_may_arrive_in_single_bytes_after_informational_responses() -> None:
    exchange, _ = new_exchange()
    for byte in b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + HELLO:
        exchange.data_received(bytes([byte]))
    receiver = ReceiverRecorder()
    exchange.send_body_to(receiver)
    assert (head_of(exchange).result().status, receiver.payload, receiver.ends) == (
        200,
        b"hello",
        [None],
    )


@on_a_loop
def test_a_lost_connection_ends_a_response_once() -> None:
    exchange, _ = new_exchange()
    receiver = ReceiverRecorder()
    exchange.data_received(OK + b"\r\nhel")
    exchange.send_body_to(receiver)
    exchange.connection_lost(ConnectionResetError("reset"))
    exchange.connection_lost(None)
    exchange.eof_received()
    assert isinstance(receiver.ends[0], httpx.ReadError)
    assert len(receiver.ends) == 1
