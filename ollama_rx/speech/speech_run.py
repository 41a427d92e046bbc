"""One delivery to a voice: its threads, and how it ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event, RLock, current_thread
from time import monotonic
from typing import Literal

from ollama_rx.errors import SpeechError, excerpt
from ollama_rx.sinks import StopSink
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.events import SpeechEvent, SpeechEvents
from ollama_rx.speech.narrator import Narrator, TextOperator
from ollama_rx.speech.outputs._speech_output import SpeechOutput
from ollama_rx.speech.playback import Playback
from ollama_rx.speech.speech_stats import SpeechStats
from ollama_rx.speech.synthesis import Synthesis


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """What stays the same in all deliveries to a voice."""

    engine: SpeechEngine
    output: SpeechOutput
    speak: TextOperator
    tags: Sequence[str]
    max_sentences: int
    pause: float | None
    timeout: float | None


class SpeechRun:
    """Speaks the sentences of one delivery; made on the thread of the sink.

    Args:
        settings: the engine, the output, and so on.
        events: takes what happens.
        cancel_delivery: ends the delivery, from any thread; None without `deliver`.
    """

    def __init__(
        self,
        settings: SpeechSettings,
        events: SpeechEvents,
        cancel_delivery: Callable[[], object] | None,
    ) -> None:
        self.thread = current_thread()
        self.closed = Event()
        self.is_over = False
        """Whether it was interrupted for good, or has failed."""
        self._settings = settings
        self._events = events
        self.cancel_delivery = cancel_delivery
        self._lock = RLock()  # re-entrant: a signal handler may interrupt
        self._failure: Exception | None = None
        self._opened = monotonic()
        self._first_sentence: float | None = None
        self._narrator = Narrator(settings.speak, settings.tags)
        self._playback = Playback(settings.output, events, partial(self._fail, settings.output))
        self._synthesis = Synthesis(
            settings.engine,
            self._playback,
            partial(self._fail, settings.engine),
            max_sentences=settings.max_sentences,
            pause=settings.pause,
            timeout=settings.timeout,
        )

    def start(self) -> None:
        """Load the engine, and wait for sentences."""
        self._playback.start()
        self._synthesis.start()

    @property
    def stats(self) -> SpeechStats:
        """The figures so far."""
        playback = self._playback
        return SpeechStats(
            first_sentence=self._since_opened(self._first_sentence),
            first_audio=self._since_opened(playback.first_audio),
            audio=playback.seconds,
            synthesis=self._synthesis.seconds,
            late=playback.late_seconds,
        )

    def say(self, written: str) -> None:
        """Queue a sentence; wait while there is no room.

        Raises:
            SpeechError: the engine or the output has failed.
            StopSink: the listener has interrupted, or the output needs no more.
        """
        self._check()
        if self._first_sentence is None:
            self._first_sentence = monotonic()
        self._synthesis.say(self._narrator.narrate(written))
        self._check()

    def finish(self) -> None:
        """Wait until all was said.

        Raises:
            SpeechError: the engine or the output has failed.
            StopSink: the listener has interrupted, or the output needs no more.
        """
        self._synthesis.finish()
        with self._lock:  # an interruption that has begun decides how it ended
            self._check()
            self._tell("finished", self._playback.heard(None), self._playback.seconds)
            self.is_over = True

    def interrupt(self, played: float | None, *, resume: bool) -> str:
        """Be silent, and return what was heard."""
        with self._lock:
            if self.is_over or self.closed.is_set():
                return self._playback.heard(played)
            try:
                heard, position = self._synthesis.cut(played, resume=resume)
                self._tell("interrupted", heard, position)  # before the delivery can end
            finally:
                if not resume:  # with it, the delivery may have ended meanwhile nevertheless
                    self.is_over = True
                self._synthesis.stop_dropped()
        if not resume:
            self._abandon()
            if (cancel_delivery := self.cancel_delivery) is not None:
                cancel_delivery()
        return heard

    def close(self) -> None:
        """End the threads; what was heard stays known."""
        self.is_over = True
        self._synthesis.close()
        self._playback.close()
        self._events.flush()
        self.cancel_delivery = None
        self.closed.set()

    def wait_until_ended(self, seconds: float) -> None:
        """Wait until nothing uses the engine and the output any more, for some seconds.

        Raises:
            SpeechError: one of them does not return.
        """
        self.closed.wait(seconds)
        settings = self._settings
        for part, work in ((settings.engine, self._synthesis), (settings.output, self._playback)):
            if not work.join(seconds):
                raise SpeechError(part, f"{part.name}: it has not returned from the delivery before")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self.is_over:
            raise StopSink

    def _fail(self, part: SpeechEngine | SpeechOutput, error: BaseException) -> None:
        with self._lock:
            if self._failure is None and not self.is_over:
                self._failure = error if isinstance(error, StopSink) else speech_error(part, error)
        self._abandon()

    def _abandon(self) -> None:
        self._synthesis.abandon()
        self._playback.abandon()

    def _tell(self, kind: Literal["interrupted", "finished"], heard: str, position: float) -> None:
        self._events.emit(SpeechEvent(kind, heard, "", 0.0, position))

    def _since_opened(self, time: float | None) -> float | None:
        return None if time is None else time - self._opened


def speech_error(part: SpeechEngine | SpeechOutput, error: BaseException) -> SpeechError:
    """Return the error that tells of one of an engine or an output, and names it."""
    reason = excerpt(str(error) or type(error).__name__, most=300)
    named = reason if reason.startswith(f"{part.name}: ") else f"{part.name}: {reason}"
    failure = SpeechError(part, named)
    failure.__cause__ = error
    return failure
