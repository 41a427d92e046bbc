"""A client that leaves, takes nothing any more, or is there when the server shuts down."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from starlette.types import Message, Receive

from ollama_rx.web import server_shutdown
from ollama_rx.web.client_connection import STALLED_SECONDS, ClientConnection
from tests.web.clocked_loop import run_on_clock, turns, until

BODY: Message = {"type": "http.response.body", "body": b"x", "more_body": True}


class Transport:
    """What is used of uvicorn's transport."""

    def __init__(self) -> None:
        self.unsent = 0
        self.is_aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.is_aborted = True


class Cycle:
    """uvicorn's side of one request."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.left = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self.sent: list[Message] = []
        self.messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive(self) -> Message:
        if self.messages:
            return self.messages.pop()
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.writable.wait()
        self.sent.append(message)


class Connected:
    """A connection inside its block, and how often its end was told."""

    def __init__(self, wrap: Callable[[Receive], Receive] = lambda receive: receive) -> None:
        self.cycle = Cycle()
        self.ends: list[float] = []
        clock = asyncio.get_running_loop().time
        self.connection = ClientConnection(
            wrap(self.cycle.receive), self.cycle.send, lambda: self.ends.append(clock())
        )


def inside(
    test: Callable[[Connected], Awaitable[None]], wrap: Callable[[Receive], Receive] = lambda receive: receive
) -> Connected:
    async def main() -> Connected:
        connected = Connected(wrap)
        with connected.connection:
            await test(connected)
        return connected

    return run_on_clock(main())


def test_messages_are_passed_on() -> None:
    async def test(at: Connected) -> None:
        await at.connection.send(BODY)

    at = inside(test)
    assert at.cycle.sent == [BODY]
    assert at.ends == []


def test_a_client_that_leaves_is_noticed_at_once() -> None:
    async def test(at: Connected) -> None:
        await until(5)
        at.cycle.left.set()
        await turns()

    assert inside(test).ends == [5]


def test_a_server_that_says_so_when_something_is_sent_is_understood() -> None:
    async def test(at: Connected) -> None:
        async def send(_: Message) -> None:
            raise BrokenPipeError

        at.connection._send = send
        await at.connection.send(BODY)

    assert inside(test).ends == [0]


def test_a_connection_that_takes_nothing_is_dropped_after_its_time(caplog: pytest.LogCaptureFixture) -> None:
    async def test(at: Connected) -> None:
        await until(70)
        at.cycle.writable.clear()
        sending = asyncio.create_task(at.connection.send(BODY))
        await until(70 + STALLED_SECONDS - 0.001)
        assert not at.cycle.transport.is_aborted
        await until(70 + STALLED_SECONDS)
        assert at.cycle.transport.is_aborted
        at.cycle.writable.set()
        await sending

    assert inside(test).ends == [70 + STALLED_SECONDS]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "a client has taken nothing for 30 s, its connection is dropped"


def test_a_connection_that_takes_something_now_and_then_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    async def test(at: Connected) -> None:
        for moment in range(20, 400, 20):
            at.cycle.writable.clear()
            sending = asyncio.create_task(at.connection.send(BODY))
            await until(moment)
            at.cycle.writable.set()
            await sending

    at = inside(test)
    assert at.ends == []
    assert not caplog.records


def _function(receive: Receive) -> Receive:
    async def call() -> Message:
        return await receive()

    return call


def test_with_another_server_the_reader_leaves_all_the_same() -> None:
    async def test(at: Connected) -> None:
        at.cycle.writable.clear()
        sending = asyncio.create_task(at.connection.send(BODY))
        await until(STALLED_SECONDS)
        server_shutdown._end_all([at.cycle.transport])
        sending.cancel()

    at = inside(test, _function)
    assert at.ends == [STALLED_SECONDS, STALLED_SECONDS]
    assert not at.cycle.transport.is_aborted


@pytest.mark.parametrize("unsent", [0, 1])
def test_at_the_end_of_the_server_only_what_takes_nothing_is_aborted(unsent: int) -> None:
    async def test(at: Connected) -> None:
        at.cycle.transport.unsent = unsent
        server_shutdown._end_all([at.cycle.transport])

    at = inside(test)
    assert at.ends == [0]
    assert at.cycle.transport.is_aborted == bool(unsent)


def test_the_end_of_another_server_is_no_end() -> None:
    async def test(_: Connected) -> None:
        server_shutdown._end_all([Transport()])

    assert inside(test).ends == []


def test_nothing_is_left_behind() -> None:
    async def main() -> None:
        at = Connected()
        with at.connection:
            pass
        await turns()
        assert len(asyncio.all_tasks()) == 1
        server_shutdown._end_all([at.cycle.transport])
        assert at.ends == []
        await asyncio.get_running_loop().create_future()

    with pytest.raises(AssertionError, match="nothing will ever happen"):  # no timer is left
        run_on_clock(main())
