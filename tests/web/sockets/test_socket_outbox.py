"""One task sends what goes out through a WebSocket."""

import asyncio
from collections.abc import Awaitable, Callable

import orjson
import pytest
from starlette.types import Message
from starlette.websockets import WebSocket

from ollama_rx.web import WebEvent
from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.sockets import socket_outbox
from ollama_rx.web.sockets.socket_outbox import SocketOutbox
from tests.speech.voices import TIMEOUT

HI = WebEvent("text", {"text": "Hi"})


async def accepted(send: Callable[[Message], Awaitable[None]]) -> WebSocket:
    """Return a socket that hands what is sent after the handshake to a function."""

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send_unless_accepting(message: Message) -> None:
        if message["type"] != "websocket.accept":
            await send(message)

    socket = WebSocket({"type": "websocket"}, receive, send_unless_accepting)
    await socket.accept()
    return socket


def test_events_are_text_frames_and_bytes_are_binary_ones() -> None:
    async def run() -> list[Message]:
        sent: list[Message] = []
        three = asyncio.Event()

        async def send(message: Message) -> None:
            sent.append(message)
            if len(sent) == 3:
                three.set()

        outbox = SocketOutbox(await accepted(send))
        await outbox.send(LoggedEvent(HI, "run", 7))
        await outbox.send(HI)
        await outbox.send(b"ab")
        await three.wait()
        await outbox.close()
        await outbox.send(b"dropped")
        return sent

    numbered, bare, pcm = asyncio.run(run())
    assert orjson.loads(numbered["text"]) == {"id": "run-7", "event": "text", "data": {"text": "Hi"}}
    assert orjson.loads(bare["text"]) == {"event": "text", "data": {"text": "Hi"}}
    assert pcm == {"type": "websocket.send", "bytes": b"ab"}


def test_a_client_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_outbox, "STALLED_SECONDS", 0.01)

    async def run() -> None:
        async def send(_: Message) -> None:
            await asyncio.Event().wait()

        outbox = SocketOutbox(await accepted(send))
        async with asyncio.timeout(TIMEOUT):
            async with asyncio.TaskGroup() as group:
                for _ in range(20):  # more than wait for it
                    group.create_task(outbox.send(HI))
            await asyncio.wait([outbox.sending])
        assert outbox.is_too_slow

    asyncio.run(run())


@pytest.mark.parametrize("error", [OSError("reset"), RuntimeError("after sending 'websocket.close'")])
def test_a_client_that_has_gone_ends_it(error: Exception) -> None:
    async def run() -> None:
        async def send(_: Message) -> None:
            raise error

        outbox = SocketOutbox(await accepted(send))
        await outbox.send(HI)
        await asyncio.wait([outbox.sending])
        assert not outbox.is_too_slow
        assert outbox.sending.exception() is None

    asyncio.run(run())
