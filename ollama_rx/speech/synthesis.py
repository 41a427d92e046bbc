"""The thread that synthesises: it gives each sentence to the engine, and the audio to the playback."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from inspect import iscoroutine
from threading import Condition, Thread
from time import monotonic
from typing import TypeVar, cast

from ollama_rx.arguments import check_instance, wrong_type
from ollama_rx.speech.audio import Audio
from ollama_rx.speech.engines._speech_engine import SpeechEngine
from ollama_rx.speech.playback import Playback
from ollama_rx.speech.silence import SilenceTrimmer, pause_after
from ollama_rx.speech.timeline import Passage, SpokenSentence

T = TypeVar("T")

_LOOK_SECONDS = 0.25  # between two looks at an engine that may hang
_CLOSING_SECONDS = 1.0  # how long the end of a delivery waits for an engine that hangs


class Synthesis:
    """Synthesises the sentences of one delivery, one after the other.

    Args:
        engine: it computes the audio, on the thread of this object.
        playback: it takes the audio.
        on_failure: called with what the engine raises.
        max_sentences: how many sentences may wait.
        pause: seconds of silence after a sentence; None leaves the silence of the engine.
        timeout: seconds that the engine may take for its next audio; None means no limit.
    """

    def __init__(
        self,
        engine: SpeechEngine,
        playback: Playback,
        on_failure: Callable[[BaseException], object],
        *,
        max_sentences: int,
        pause: float | None,
        timeout: float | None,
    ) -> None:
        self._engine = engine
        self._playback = playback
        self._on_failure = on_failure
        self._max_sentences = max_sentences
        self._pause = pause
        self._timeout = timeout
        self._changed = Condition()
        self._sentences: deque[SpokenSentence] = deque()
        self._stops_due = 0  # of the engine, for what was dropped
        self._is_finished = False
        self._is_closed = False
        self._is_computing = False
        self._is_waiting = False  # for another voice to finish with the engine
        self._signs = 0  # of life of the engine
        self._signs_seen = 0
        self._silence = 0.0  # seconds since the last sign that was seen
        self._thread = Thread(target=self._run, name="ollama-rx-speech-synthesis", daemon=True)
        self.seconds = 0.0
        """How long the engine took for all audio, loading excluded."""

    def start(self) -> None:
        """Start the thread, which loads the engine first."""
        self._thread.start()

    def say(self, sentence: SpokenSentence) -> None:
        """Queue a sentence; wait while the queue is full, or until this object is abandoned."""
        while not self._put(sentence):
            self._look_at_engine()  # without the lock: a failure takes that of the run first

    def finish(self) -> None:
        """Wait until all is said, or this object is abandoned."""
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()
        while not self._is_closed and not self._playback.wait(_LOOK_SECONDS):
            self._look_at_engine()

    def cut(self, played: float | None, *, resume: bool) -> tuple[str, float]:
        """Interrupt the playback; return what was heard, and until which second.

        With ``resume`` the sentences of which nothing was heard are synthesised again, before those that
        wait. `stop_dropped` must follow: until then no sentence is taken, because the stop would be for it.
        """
        with self._changed:
            self._stops_due += 1
            heard, position, unheard = self._playback.cut(played)
            if resume:
                self._sentences.extendleft(reversed(unheard))
            self._changed.notify_all()
            return heard, position

    def stop_dropped(self) -> None:
        """Stop the engine if it computes what was dropped."""
        try:
            self._stop_engine()
        finally:
            with self._changed:
                self._stops_due -= 1
                self._changed.notify_all()

    def abandon(self) -> None:
        """Take no further sentence, and let the thread end when the engine returns."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread as soon as the engine returns."""
        self.abandon()
        self._stop_engine()
        self.join(_CLOSING_SECONDS)

    def join(self, seconds: float) -> bool:
        """Wait until the thread has ended, for some seconds; return whether it has."""
        if self._thread.is_alive():  # it may never have been started
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _stop_engine(self) -> None:
        if self._is_computing:
            try:
                self._engine.stop()
            except Exception as error:  # noqa: BLE001 - fails the sink
                self._on_failure(error)

    def _put(self, sentence: SpokenSentence) -> bool:
        """Queue a sentence; return False if there was no room for a while."""
        with self._changed:
            has_room = self._changed.wait_for(
                lambda: len(self._sentences) < self._max_sentences or self._is_closed, _LOOK_SECONDS
            )
            if has_room:
                self._sentences.append(sentence)
                self._changed.notify_all()
            return has_room

    def _look_at_engine(self) -> None:
        """Fail if the engine gives nothing for too long.

        Looks are counted instead of reading a clock, so that a process that was stopped makes no timeout.
        """
        is_waiting = self._is_computing or self._is_waiting
        if not is_waiting or self._signs != self._signs_seen:
            self._signs_seen = self._signs
            self._silence = 0.0
            return
        self._silence += _LOOK_SECONDS
        if self._timeout is not None and self._silence > self._timeout:
            self._on_failure(TimeoutError(f"no audio within {self._timeout:g} s"))

    def _run(self) -> None:
        try:
            with self._engine_in_turn():
                self._compute(self._engine.load)
            self.seconds = 0.0
            if self._engine.rate is not None:
                self._playback.prepare(self._engine.rate)
            while (sentence := self._take()) is not None:
                self._synthesize(sentence)
        except BaseException as error:  # noqa: BLE001 - fails the sink; only the main thread can exit
            self._on_failure(error)

    def _take(self) -> SpokenSentence | None:
        """Wait for a sentence and announce it to the playback; return None at the end of the delivery.

        After the last sentence this waits on: an interruption may have something said again.
        """
        with self._changed:
            while not self._is_closed:
                if self._sentences and not self._stops_due:
                    sentence = self._sentences.popleft()
                    self._playback.announce(sentence)
                    self._changed.notify_all()
                    return sentence
                if self._is_finished and not self._sentences:
                    self._playback.finish()
                self._changed.wait()
            return None

    def _synthesize(self, sentence: SpokenSentence) -> None:
        playback = self._playback
        if not playback.begin(sentence):
            return
        try:
            for passage in sentence.passages:
                if not self._give_passage(sentence, passage):
                    return
                passage.is_complete = True
        except BaseException:
            if not sentence.is_dropped and not self._is_closed:
                raise
            return  # the engine was stopped, and may raise what it likes
        playback.end(sentence)

    def _give_passage(self, sentence: SpokenSentence, passage: Passage) -> bool:
        """Synthesise a passage and give its audio to the playback; return False if that was dropped."""
        with self._engine_in_turn():
            if sentence.is_dropped:  # while it waited for the engine
                return False
            return all(self._playback.give(sentence, passage, audio) for audio in self._audio(passage))

    def _audio(self, passage: Passage) -> Iterator[Audio]:
        """Yield the audio of a passage, with the silence that it needs."""
        text = " ".join(passage.said.split())
        if not text:  # an engine may refuse it, or say the name of a blank
            return
        pieces = self._compute(lambda: _iterator(self._engine.synthesize(text)))
        trimmer = None if self._pause is None else SilenceTrimmer(pause_after(text, self._pause))
        try:
            while (audio := self._compute(lambda: next(pieces, None))) is not None:
                check_instance("synthesize", audio, Audio)
                yield trimmer.feed(audio) if trimmer else audio
        finally:
            if isinstance(pieces, Generator):
                pieces.close()
        if trimmer and trimmer.rate:
            end = trimmer.flush()
            passage.pause = trimmer.silence
            yield end

    @contextmanager
    def _engine_in_turn(self) -> Generator[None]:
        """Wait until no other voice uses the engine."""
        self._is_waiting = True
        with self._engine.in_use:
            self._is_waiting = False
            yield

    def _compute(self, call: Callable[[], T]) -> T:
        """Call the engine and note how long it takes."""
        begin = monotonic()
        self._is_computing = True
        try:
            return call()
        finally:
            self._is_computing = False
            self._signs += 1
            self.seconds += monotonic() - begin


def _iterator(pieces: object) -> Iterator[Audio]:
    """Return an iterator over what an engine returns, whose author may have mistaken what that must be."""
    if isinstance(pieces, Iterable) and not isinstance(pieces, bytes | bytearray | str):
        return iter(cast("Iterable[Audio]", pieces))
    if iscoroutine(pieces):
        pieces.close()  # else Python warns, somewhere else
    raise wrong_type("synthesize", "a generator or a list of Audio", pieces)
