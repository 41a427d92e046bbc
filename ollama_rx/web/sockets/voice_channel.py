"""One voice for one connection: its audio and its events, in their order, through one function."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from reactivex import Observable
from reactivex import operators as rx

from ollama_rx import operators as op
from ollama_rx.arguments import check_callable, check_instance
from ollama_rx.delivery.deliver import Delivery, deliver
from ollama_rx.errors import SinkError, SpeechError
from ollama_rx.rx.worker_thread import as_coroutine_function
from ollama_rx.speech import Pacer, Speech, SpeechEvent, SpeechOutput, Word
from ollama_rx.web.sockets.voice_frames import VoiceFrames
from ollama_rx.web.web_event import WebEvent, error_event

_log = logging.getLogger(__name__)

Voice: TypeAlias = Callable[[SpeechOutput], Speech]
SendFrame: TypeAlias = Callable[[WebEvent | bytes], Awaitable[object]]

_BLOCK = 0.04  # seconds of audio in a frame
_MOST_CHARACTERS = 500_000  # of a text: nine hours of speech; an endless answer must not fill the memory
_AHEAD = 0.3  # seconds that a browser has before it plays them: enough for the delays of a mobile network


class VoiceChannel:
    """Says texts to one client: audio as bytes, in real time, and what happens to it as events.

    ::

        channel = VoiceChannel(partial(Speech, engine), send)
        channel.speak(answer.pipe(op.text()))
        ...
        talk.heard(channel.interrupt(played=3.2))
        ...
        await channel.close()

    Each text gives "speech" with the rate before its first audio, then 16-bit samples (signed, little-endian,
    one channel) in frames of 40 ms or less, "sentence" and "word" when they are heard, and "speech_end"; or
    "interrupted" in place of what would follow. Times are seconds of the text's audio. If the voice fails
    there is an "error".

    All methods are called on one event loop.

    Args:
        voice: makes the voice for a text, with the output that it is given: ``partial(Speech, engine)``. The
            engine should be shared, since it takes time to load.
        send: sends an event or samples to the client. It is called in one task, never again before it has
            returned; while it waits, the voice waits. If it raises, the voice is silent from then on.
    """

    def __init__(self, voice: Voice, send: SendFrame) -> None:
        check_callable("voice", voice, "a function that makes a Speech")
        check_callable("send", send)
        self._voice = voice
        self._send = send
        self._frames = VoiceFrames(asyncio.get_running_loop())
        self._utterance: _Utterance | None = None
        self._loading: asyncio.Task[None] | None = None
        self._following: set[asyncio.Task[None]] = set()
        self._sending = asyncio.create_task(self._send_frames())

    @property
    def is_speaking(self) -> bool:
        """Whether a text is being said, or will be when it arrives."""
        return self._utterance is not None and not self._utterance.is_over

    def load(self) -> None:
        """Begin to load the engine, so that the first text need not wait for it; returns at once.

        Channels that share an engine may all call this: it is loaded once. If it fails there is an "error".
        """
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())

    def speak(self, text: Observable[str]) -> None:
        """Say a text while it arrives; one that is still being said is interrupted.

        The text is not slowed down by the voice.
        """
        check_instance("text", text, Observable)
        if self.is_speaking:
            self.interrupt()
        self._utterance = utterance = _Utterance(self._voice, self._frames)
        following = asyncio.create_task(utterance.follow(utterance.start(text)))
        self._following.add(following)
        following.add_done_callback(self._following.discard)

    def interrupt(self, played: float | None = None, *, resume: bool = False) -> str:
        """Be silent, tell the client "interrupted", and return what was heard of the last text.

        Args:
            played: seconds of the text's audio that the client has played; by default they are estimated.
            resume: go on with the next sentence.
        """
        heard = "" if self._utterance is None else self._utterance.interrupt(played, resume=resume)
        self._frames.put(WebEvent("interrupted", {"heard": heard}))
        return heard

    async def close(self) -> None:
        """Be silent, and end everything; what has not been sent yet is dropped."""
        self._fall_silent()
        unfinished = [self._sending] if self._loading is None else [self._sending, self._loading]
        for task in unfinished:  # the thread that loads goes on, for other channels
            task.cancel()
        await asyncio.gather(*unfinished, *self._following, return_exceptions=True)

    async def _load(self) -> None:
        try:
            voice = _make_voice(self._voice, _FrameOutput(self._frames))
            await as_coroutine_function(voice.load)()
        except Exception as error:  # noqa: BLE001 - of the engine, or of the function that makes the voice
            _log.error("a voice for the web cannot be loaded", exc_info=error)
            self._frames.put(error_event(error))

    async def _send_frames(self) -> None:
        try:
            while True:
                await self._send(await self._frames.take())
        finally:
            self._fall_silent()

    def _fall_silent(self) -> None:
        if self._utterance is not None:
            self._utterance.interrupt(None, resume=False)


class _Utterance:
    """One text, and the voice that says it."""

    def __init__(self, voice: Voice, frames: VoiceFrames) -> None:
        self._frames = frames
        self._audio = _FrameOutput(frames)
        self._voice = _make_voice(voice, Pacer(self._audio, ahead=_AHEAD))
        self._voice.events.subscribe(self._on_event)
        self._voice.words.subscribe(self._on_word)
        self._is_interrupted = False
        self._has_ended = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be said."""
        return self._is_interrupted or self._has_ended

    def start(self, text: Observable[str]) -> Delivery:
        """Begin, now: the text may be arriving."""
        sentences = op.split_sentences(first_fragment=True)
        return deliver(text, self._voice.after(_no_more_than(_MOST_CHARACTERS), sentences))

    async def follow(self, delivery: Delivery) -> None:
        """Wait for the end, and tell of it."""
        try:
            await delivery
        except SinkError as error:
            if not self._is_interrupted:
                self._tell_failure(error)
        except Exception as error:  # noqa: BLE001 - of the text; whoever has made it reports that
            _log.debug("the text for a voice has failed: %r", error)
        self._has_ended = True
        if self._audio.is_announced and not self._is_interrupted:
            self._frames.put(WebEvent("speech_end", {}))

    def interrupt(self, played: float | None, *, resume: bool) -> str:
        """Be silent; return what was heard."""
        self._is_interrupted = self._is_interrupted or not resume
        return self._voice.interrupt(played, resume=resume)

    def _tell_failure(self, error: SinkError) -> None:
        cause = error.__cause__
        if isinstance(cause, SpeechError):
            self._frames.put(error_event(cause))
        else:
            _log.error("a voice for the web has failed", exc_info=error)
            self._frames.put(error_event(RuntimeError()))

    def _on_event(self, event: SpeechEvent) -> None:
        if self._audio.is_cut or event.kind not in {"started", "spoken"}:
            return
        self._frames.put(
            WebEvent(
                "sentence",
                {
                    "text": event.text,
                    "said": event.said,
                    "start": round(event.start, 3),
                    "end": None if event.kind == "started" else round(event.end, 3),
                    "words": [_word(word) for word in event.words],
                },
            )
        )

    def _on_word(self, word: Word) -> None:
        if not self._audio.is_cut:
            self._frames.put(WebEvent("word", _word(word)))


class _FrameOutput(SpeechOutput):
    """Takes the audio of one text, and announces its rate."""

    name = "connection"
    block = _BLOCK

    def __init__(self, frames: VoiceFrames) -> None:
        self._frames = frames
        self._rate = 0
        self.is_announced = False
        self.is_cut = False
        """Whether an interruption has dropped audio, and none has followed."""

    def start(self, rate: int) -> None:
        """Note the rate."""
        self._rate = rate

    def write(self, pcm: bytes, /) -> None:
        """Let a block be sent; wait while many wait."""
        if not self.is_announced:
            self.is_announced = True
            self._frames.put(WebEvent("speech", {"rate": self._rate}))
        self.is_cut = False
        self._frames.put_audio(pcm)

    def unplayed(self) -> float:
        """Return how many seconds have not been sent; what was sent is played, as far as we know."""
        return self._frames.waiting * _BLOCK

    def drain(self) -> None:
        """Wait until all is sent."""
        self._frames.wait_until_sent()

    def stop(self) -> None:
        """Drop what has not been sent."""
        self.is_cut = True
        self._frames.drop_audio()


def _make_voice(voice: Voice, output: SpeechOutput) -> Speech:
    made = voice(output)
    check_instance("voice", made, Speech)
    return made


def _no_more_than(characters: int) -> Callable[[Observable[str]], Observable[str]]:
    left = characters

    def take(text: str) -> bool:
        nonlocal left
        left -= len(text)
        return left >= 0

    return rx.take_while(take)


def _word(word: Word) -> dict[str, object]:
    return {"text": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
