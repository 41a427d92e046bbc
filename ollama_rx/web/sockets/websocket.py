"""A stream, or a talk, through a WebSocket."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never, cast

from reactivex import Observable
from reactivex import operators as rx
from starlette.websockets import WebSocket, WebSocketState

from ollama_rx.arguments import check_callable, check_instance, is_coroutine_function
from ollama_rx.chunks import Chunk
from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.replay import Replay, ReplayReader, Stream
from ollama_rx.web.sockets.client_frames import (
    ClientFrame,
    InterruptFrame,
    PromptFrame,
    StopFrame,
    read_frame,
)
from ollama_rx.web.sockets.client_socket import ClientSocket
from ollama_rx.web.sockets.voice_channel import Voice, VoiceChannel
from ollama_rx.web.web_event import error_event

Answers: TypeAlias = Stream | Callable[[str], Stream]

_log = logging.getLogger(__name__)


async def websocket(
    stream: Answers,
    socket: WebSocket,
    *,
    voice: Voice | None = None,
    heard: Callable[[str], object] | None = None,
) -> None:
    """Send answers to a client through a WebSocket, and take its prompts, until it has gone.

    ::

        async def chat(socket: WebSocket) -> None:
            await websocket(Conversation(client).say, socket)

    The server sends each event as a text frame ``{"id": ..., "event": "text", "data": {"text": "Hi"}}``; the
    events are those of `sse_response`. The client sends ``{"type": "prompt", "text": "Hello"}``, ``{"type":
    "stop"}`` or ``{"type": "interrupt", "played": 3.2}``. A prompt while an answer runs interrupts it. A
    frame that is none of these gets an "error" event without an id, and the connection stays. docs/web.md
    describes all frames.

    With a ``voice``, binary frames carry the answer's audio in real time, as `VoiceChannel` says. On an
    interruption the voice is silent, the model stops, and ``heard`` is told how much of the answer was heard,
    so that the history holds no more::

        talk = Conversation(client)
        await websocket(talk.say, socket, voice=partial(Speech, engine), heard=talk.heard)

    When the client leaves, the model and the voice are stopped at once. A client that takes nothing for 30
    seconds is dropped with the code 1013, one that floods the server with frames with 1008.

    A WebSocket of another origin's page is not refused by the browser: if what the answers say depends on who
    asks, check the header ``Origin`` before you call this.

    Args:
        stream: what is sent at once; or a function that returns the answer to a prompt, such as `talk.say`.
        socket: Starlette's or FastAPI's; it is accepted unless it has been.
        voice: makes the voice of an answer, with the output that it is given.
        heard: is called with the text that was heard of an answer, after an interruption.

    Raises:
        TypeError: an argument of a wrong type.
    """
    if not isinstance(cast("object", stream), Observable):
        check_callable("stream", stream, "an Observable, or a function from a prompt to one")
        if is_coroutine_function(stream):
            raise TypeError(
                "stream: expected a function that returns an Observable, got a coroutine function"
            )
    check_instance("socket", socket, WebSocket)
    if voice is not None:
        check_callable("voice", voice, "a function that makes a Speech")
    if heard is not None:
        check_callable("heard", heard)
    if socket.application_state is WebSocketState.CONNECTING:
        await socket.accept()
    await _ClientSession(stream, socket, voice, heard).run()


class _ClientSession:
    """One client, from its first frame to its last."""

    def __init__(
        self,
        stream: Answers,
        socket: WebSocket,
        voice: Voice | None,
        heard: Callable[[str], object] | None,
    ) -> None:
        self._ask = None if isinstance(stream, Observable) else stream
        self._only_stream = cast("Stream", stream) if self._ask is None else None
        self._heard = heard
        self._client = ClientSocket(socket)
        self._channel = None if voice is None else VoiceChannel(voice, self._client.send)
        self._answer: _SentAnswer | None = None

    async def run(self) -> None:
        """Serve the client until it has gone, or is dropped."""
        await self._client.serve(self._take, self._end, start=self._start)

    async def _start(self) -> None:
        if self._only_stream is not None:
            await self._begin(self._only_stream)
        elif self._channel is not None:
            self._channel.load()

    async def _end(self) -> None:
        if self._answer is not None:
            self._answer.stop()
        if self._channel is not None:
            await self._channel.close()
        if self._answer is not None:
            await self._answer.wait()

    async def _take(self, text: str | None) -> None:
        try:
            if text is None:
                raise ValueError("expected a text frame, got a binary frame")  # noqa: TRY301
            frame = read_frame(text)
        except (ValueError, TypeError) as error:
            await self._client.refuse(str(error))
        else:
            await self._obey(frame)

    async def _obey(self, frame: ClientFrame) -> None:
        match frame:
            case PromptFrame(text):
                await self._prompt(text)
            case StopFrame():
                await self._stop()
            case InterruptFrame(played, resume):
                await self._interrupt(played, resume=resume)
            case _:
                assert_never(frame)

    async def _prompt(self, text: str) -> None:
        if self._ask is None:
            await self._client.refuse("this connection takes no prompts")
            return
        if self._is_answering:
            await self._interrupt(None, resume=False)
        try:
            answer = self._ask(text)
            check_instance("stream", answer, Observable)
        except Exception as error:  # noqa: BLE001 - of the user's function
            await self._report("a prompt has failed", error)
        else:
            await self._begin(answer)

    @property
    def _is_answering(self) -> bool:
        is_speaking = self._channel is not None and self._channel.is_speaking
        return is_speaking or (self._answer is not None and not self._answer.is_over)

    async def _stop(self) -> None:
        if self._channel is not None and self._channel.is_speaking:
            self._channel.interrupt()
        await self._stop_model()

    async def _interrupt(self, played: float | None, *, resume: bool) -> None:
        channel = self._channel
        if channel is None:
            if not resume:
                await self._stop_model()
            return
        # After its end it was heard, unless the client knows better: it plays later than it receives.
        is_heard_in_part = self._answer is not None and (channel.is_speaking or played is not None)
        text = channel.interrupt(played, resume=resume)
        if resume:
            return
        await self._stop_model()  # first, so that the history has the answer that was cut
        if self._heard is not None and is_heard_in_part:
            try:
                self._heard(text)
            except Exception as error:  # noqa: BLE001 - of the user's function
                await self._report("what was heard cannot be noted", error)

    async def _stop_model(self) -> None:
        if self._answer is not None:
            self._answer.stop()
            await self._answer.wait()

    async def _begin(self, stream: Stream) -> None:
        channel = self._channel
        if channel is None:
            self._answer = _SentAnswer(stream, self._client.send)
            return
        problems: list[Exception] = []

        def speak(shared: Observable[object]) -> Observable[object]:
            try:
                channel.speak(shared.pipe(rx.map(_text_of), rx.filter(bool)))
            except Exception as error:  # noqa: BLE001 - the voice cannot be made; the text goes on
                problems.append(error)
            return shared

        self._answer = _SentAnswer(stream.pipe(rx.publish(speak)), self._client.send)
        for problem in problems:
            await self._report("there is no voice", problem)

    async def _report(self, what: str, error: Exception) -> None:
        _log.error("%s: %s", what, error, exc_info=error)
        await self._client.send(error_event(error))


class _SentAnswer:
    """One answer on its way to the client."""

    def __init__(self, stream: Stream, send: Callable[[LoggedEvent], Awaitable[object]]) -> None:
        self._replay = Replay(grace=0)
        self._replay.start(stream)
        self._sending = asyncio.create_task(_send_all(self._replay.join(), send))

    @property
    def is_over(self) -> bool:
        """Whether all of it is sent."""
        return self._sending.done()

    def stop(self) -> None:
        """Close the request; "done" is sent nevertheless."""
        self._replay.stop()

    async def wait(self) -> None:
        """Wait until all is sent."""
        await asyncio.wait([self._sending])


async def _send_all(reader: ReplayReader, send: Callable[[LoggedEvent], Awaitable[object]]) -> None:
    async with reader:
        while events := await reader.read():
            for event in events:
                await send(event)


def _text_of(item: object) -> str:
    if isinstance(item, Chunk):
        return item.text
    return item if isinstance(item, str) else ""
