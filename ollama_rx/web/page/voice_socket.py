"""The voice of one tab, over a WebSocket: it speaks each answer that begins in a conversation."""

import asyncio
import math
from contextlib import ExitStack, suppress
from typing import Any

import orjson
from reactivex import Observable
from starlette.websockets import WebSocket, WebSocketDisconnect

from ollama_rx.web.page.answers import Answers, RunningAnswer
from ollama_rx.web.page.guard import PROTOCOL
from ollama_rx.web.voice_channel import Voice, VoiceChannel
from ollama_rx.web.web_event import WebEvent

_MOST_FRAME = 10_000  # characters of what a client may send


class VoiceSocket:
    """Serves the voice; ``voice`` makes one for an output, such as ``partial(Speech, engine)``."""

    def __init__(self, answers: Answers, voice: Voice) -> None:
        self._answers = answers
        self._voice = voice

    async def serve(self, socket: WebSocket) -> None:
        """Speak to one client until it leaves."""
        await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
        tab = _Tab(socket, self._voice)
        try:
            with self._answers.speaking(socket.path_params["id"], tab.speak):
                while (message := await socket.receive())["type"] != "websocket.disconnect":
                    await tab.handle(message.get("text") or "")  # without text it is a binary frame
        finally:
            await tab.close()


class _Tab:
    """One client."""

    def __init__(self, socket: WebSocket, voice: Voice) -> None:
        self._socket = socket
        self._sending = asyncio.Lock()
        self._channel = VoiceChannel(voice, self._send)
        self._answer: RunningAnswer | None = None  # the one that is spoken, or was spoken last
        self._reading = ExitStack()
        self._following: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def speak(self, answer: RunningAnswer, text: Observable[str]) -> None:
        """Speak an answer that begins; while it is spoken, its model goes on."""
        self._reading.close()
        self._reading.enter_context(answer.reading())
        self._answer = answer
        self._channel.speak(text)
        self._following.cancel()
        self._following = asyncio.create_task(self._stop_with(answer))

    async def _stop_with(self, answer: RunningAnswer) -> None:
        """Be silent when the user stops the answer."""
        await answer.end()
        if answer.shown.is_stopped and self._channel.is_speaking:
            self._channel.interrupt()

    async def handle(self, text: str) -> None:
        """Do what a frame of the client asks for."""
        frame = _parse(text)
        if frame is None:
            error = {"type": "BadFrame", "message": "expected {type: interrupt, played}", "retryable": False}
            await self._send(WebEvent("error", error))
        elif self._channel.is_speaking:
            heard = self._channel.interrupt(frame["played"])
            if self._answer is not None:
                await self._answer.heard(heard)

    async def _send(self, frame: WebEvent | bytes) -> None:
        with suppress(WebSocketDisconnect):
            async with self._sending:
                if isinstance(frame, bytes):
                    await self._socket.send_bytes(frame)
                else:
                    text = orjson.dumps({"event": frame.type, "data": frame.data}).decode()
                    await self._socket.send_text(text)

    async def close(self) -> None:
        """Be silent; the client has left."""
        self._reading.close()
        self._following.cancel()
        await self._channel.close()


def _parse(text: str) -> dict[str, Any] | None:
    """Return a frame that interrupts, with ``played`` in seconds or None; None for any other frame."""
    try:
        frame = orjson.loads(text) if len(text) <= _MOST_FRAME else None
    except ValueError:
        return None
    if not isinstance(frame, dict) or frame.get("type") != "interrupt":
        return None
    played = frame.get("played")
    if played is None:
        return {"played": None}
    if isinstance(played, bool) or not isinstance(played, int | float) or not 0 <= played < math.inf:
        return None
    return {"played": float(played)}
