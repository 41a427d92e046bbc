"""The voice of one tab, over a WebSocket: it speaks each answer that begins in a conversation."""

import asyncio
from contextlib import ExitStack

from reactivex import Observable
from starlette.websockets import WebSocket

from ollama_rx.web.page.answers import Answers, RunningAnswer
from ollama_rx.web.page.guard import PROTOCOL
from ollama_rx.web.sockets.client_frames import InterruptFrame, read_frame
from ollama_rx.web.sockets.client_socket import ClientSocket
from ollama_rx.web.sockets.voice_channel import Voice, VoiceChannel


class VoiceSocket:
    """Serves the voice; ``voice`` makes one for an output, such as ``partial(Speech, engine)``."""

    def __init__(self, answers: Answers, voice: Voice) -> None:
        self._answers = answers
        self._voice = voice

    async def serve(self, socket: WebSocket) -> None:
        """Speak to one client until it leaves."""
        await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
        tab = _Tab(ClientSocket(socket), self._voice)
        with self._answers.speaking(socket.path_params["id"], tab.speak):
            await tab.serve()


class _Tab:
    """One client."""

    def __init__(self, client: ClientSocket, voice: Voice) -> None:
        self._client = client
        self._channel = VoiceChannel(voice, client.send)
        self._answer: RunningAnswer | None = None  # the one that is spoken, or was spoken last
        self._reading = ExitStack()
        self._following: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(self) -> None:
        """Speak until the client leaves, or is dropped because it takes nothing."""
        self._channel.load()
        await self._client.serve(self._take, self._end)

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

    async def _take(self, text: str | None) -> None:
        """Do what a frame of the client asks for."""
        try:
            frame = None if text is None else read_frame(text)
        except (ValueError, TypeError) as error:
            await self._client.refuse(str(error))
            return
        if not isinstance(frame, InterruptFrame):
            await self._client.refuse("expected {type: interrupt, played}")
        elif self._answer is not None and self._channel.is_speaking:
            heard = self._channel.interrupt(frame.played, resume=frame.resume)
            if not frame.resume:
                await self._answer.heard(heard)

    async def _end(self) -> None:
        """Be silent; the client has left."""
        self._reading.close()
        self._following.cancel()
        await self._channel.close()
