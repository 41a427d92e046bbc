"""The thread that plays: it hands audio to the output, block by block, and knows what was heard."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Condition, Thread, current_thread
from time import monotonic
from typing import NamedTuple, TypeVar

from ollama_rx.speech.audio import BYTES_PER_SAMPLE, Audio, Word
from ollama_rx.speech.events import EventKind, SpeechEvent, SpeechEvents
from ollama_rx.speech.outputs._speech_output import SpeechOutput
from ollama_rx.speech.timeline import Passage, SpokenSentence, Timeline

T = TypeVar("T")

_AHEAD = 2  # sentences: one that is played, and one that is synthesised meanwhile
_MOST_AHEAD = 8  # sentences, if they are so short that the audio would not last
_MOST_WAITING = 60.0  # seconds of audio: more than the longest passage has, for an engine without an end
_ENOUGH = 3.0  # seconds of audio that wait: a slow engine has time for a long sentence after a short one
_ROUNDING = 1e-6  # seconds
_LONGEST_WAIT = 60.0  # seconds; first in `min`, which then ignores a time that is not a number
_LAST_WRITE_SECONDS = 0.05  # how long an interruption waits for the block that is being written
_CLOSING_SECONDS = 1.0  # how long the end of a delivery waits for an output that hangs


class _Piece(NamedTuple):
    """A piece of audio that waits to be played; without a passage, the end of the sentence."""

    sentence: SpokenSentence
    passage: Passage | None = None
    pcm: bytes = b""
    words: tuple[Word, ...] = ()


class Interruption(NamedTuple):
    """What an interruption has found."""

    heard: str
    position: float
    """Until which second it was heard."""
    unheard: list[SpokenSentence]
    """The sentences of which nothing was heard yet, as new ones; none at the end of a delivery."""


class Playback:
    """Plays the sentences of one delivery; what comes of a sentence that was dropped is refused."""

    def __init__(
        self, output: SpeechOutput, events: SpeechEvents, on_failure: Callable[[BaseException], object]
    ) -> None:
        self._output = output
        self._events = events
        self._on_failure = on_failure
        self._is_paced = type(output).unplayed is not SpeechOutput.unplayed
        self._changed = Condition()
        self._timeline = Timeline()
        self._pieces: deque[_Piece] = deque()
        self._due: deque[tuple[float, Callable[[], object]]] = deque()  # what to tell, and when it is heard
        self._expected: deque[SpokenSentence] = deque()  # that were announced, and have not begun to be heard
        self._current: SpokenSentence | None = None
        self._rate = 0
        self._sentences = 0  # that are played or wait
        self._waiting = 0  # bytes of audio
        self._is_open = False
        self._is_writing = False
        self._is_held = False
        self._is_finished = False
        self._is_closed = False
        self._is_drained = False  # nothing more will be played
        self._has_ended = False
        self._lasts_until: float | None = None  # the time when what was written has been heard
        self._thread = Thread(target=self._run, name="ollama-rx-speech-playback", daemon=True)
        self.first_audio: float | None = None
        """When the first block was handed to the output, on the clock of `time.monotonic`."""
        self.late_seconds = 0.0
        """How long an output that plays in real time had nothing to play, after the first block."""

    @property
    def seconds(self) -> float:
        """How much audio was played or written, without what an interruption has dropped."""
        return self._timeline.seconds

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def prepare(self, rate: int) -> None:
        """Open the output, unless it is open.

        Raises:
            ValueError: it is open for another rate.
        """
        with self._changed:
            if self._rate not in {0, rate}:
                raise ValueError(f"expected {self._rate} samples a second, as before, got {rate}")
            self._rate = rate
            self._changed.notify_all()

    def announce(self, sentence: SpokenSentence) -> None:
        """Say that a sentence is the next to be synthesised; `cut` knows of it from now on."""
        with self._changed:
            self._expected.append(sentence)

    def begin(self, sentence: SpokenSentence) -> bool:
        """Wait until the sentence may be synthesised; return False if it was dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_room() or self._is_refused(sentence))
            if self._is_refused(sentence):
                return False
            self._sentences += 1
            return True

    def give(self, sentence: SpokenSentence, passage: Passage, audio: Audio) -> bool:
        """Let a piece be played; wait while very much waits; return False if the sentence was dropped."""
        self.prepare(audio.rate)
        with self._changed:
            self._changed.wait_for(
                lambda: self._seconds_waiting < _MOST_WAITING or self._is_refused(sentence)
            )
            words = passage.add(audio)
            return self._put(_Piece(sentence, passage, audio.pcm, words))

    def end(self, sentence: SpokenSentence) -> None:
        """Let the sentence end after its pieces."""
        with self._changed:
            self._put(_Piece(sentence))

    def finish(self) -> None:
        """Let the thread end when everything was heard."""
        with self._changed:
            self._is_finished = True
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until the thread is at its end, at most for some seconds; return whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: self._has_ended, seconds)

    def heard(self, played: float | None) -> str:
        """Return what was heard until now, or in the first ``played`` seconds."""
        with self._changed:
            return self._timeline.heard(self._position(played))

    def cut(self, played: float | None) -> Interruption:
        """Be silent, and drop what waits.

        An output that cannot be stopped fails; the rest is done nevertheless.
        """
        with self._changed:
            self._is_held = True  # no further block is written
            until = monotonic() + _LAST_WRITE_SECONDS
            try:
                if not self._is_paced:  # the block counts as heard when it was written
                    self._wait_for_write(until)
                position = self._position(played)
                self._stop_output()
                heard = self._timeline.heard(position)
                unheard = self._drop(position)
                if self._is_writing:  # it may have begun just before, and be written just after
                    self._wait_for_write(until)
                    self._stop_output()
            finally:
                self._is_held = False
                self._changed.notify_all()
            return Interruption(heard, position, unheard)

    def abandon(self) -> None:
        """Refuse all further audio, and let the thread end when the output returns."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread at once, unless it is at its end."""
        self.abandon()
        if not self._has_ended:
            self._stop_output()
        self.join(_CLOSING_SECONDS)

    def join(self, seconds: float) -> bool:
        """Wait until the thread has ended, for some seconds; return whether it has."""
        if self._thread.is_alive():  # it may never have been started
            self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def _seconds_waiting(self) -> float:
        return self._waiting / BYTES_PER_SAMPLE / (self._rate or 1)

    def _has_room(self) -> bool:
        """Return whether another sentence may be synthesised: the audio that waits must last meanwhile."""
        return self._sentences < (_AHEAD if self._seconds_waiting >= _ENOUGH else _MOST_AHEAD)

    def _is_refused(self, sentence: SpokenSentence) -> bool:
        return self._is_closed or sentence.is_dropped

    def _put(self, piece: _Piece) -> bool:
        if self._is_refused(piece.sentence):
            return False
        self._pieces.append(piece)
        self._waiting += len(piece.pcm)
        self._changed.notify_all()
        return True

    def _position(self, played: float | None) -> float:
        seconds = self._timeline.seconds
        if played is None:
            played = seconds if self._has_ended else seconds - self._unplayed()
        return min(max(played, 0.0), seconds)

    def _unplayed(self) -> float:
        try:
            return self._output.unplayed()
        except Exception:
            if current_thread() is self._thread:  # which fails, also if another thread has asked first
                raise
            return 0.0

    def _stop_output(self) -> None:
        try:
            self._output.stop()
        except Exception as error:  # noqa: BLE001 - fails the sink
            self._on_failure(error)

    def _wait_for_write(self, until: float) -> None:
        if current_thread() is not self._thread:  # the output itself interrupts
            self._changed.wait_for(lambda: not self._is_writing, max(0.0, until - monotonic()))

    def _drop(self, position: float) -> list[SpokenSentence]:
        """Drop all audio that waits; return the sentences of which nothing was heard, as new ones."""
        if self._is_drained:
            return []
        current = self._current
        unheard = [*self._timeline.cut(position), *self._expected]
        for sentence in unheard:
            sentence.is_dropped = True
        if current is not None and not current.is_complete:
            current.is_dropped = True
        self._expected.clear()
        self._pieces.clear()
        self._waiting = 0
        self._due.clear()
        self._sentences = 0
        self._current = None
        self._lasts_until = None
        self._is_finished = False
        return [sentence.again() for sentence in unheard]

    def _run(self) -> None:
        try:
            self._play_all()
        except BaseException as error:  # noqa: BLE001 - fails the sink; only the main thread can exit
            self._is_closed = True
            self._on_failure(error)
        finally:
            with self._changed:
                self._has_ended = True
                self._changed.notify_all()

    def _play_all(self) -> None:
        try:
            while not self._is_drained and not self._is_closed:
                while (step := self._next()) is not None:
                    step()
                if self._is_open and not self._is_closed:
                    self._output.drain()
                self._end_unless_cut()
        except BaseException:
            with suppress(Exception):  # the first error is the one to report
                self._close_output()
            raise
        self._close_output()

    def _end_unless_cut(self) -> None:
        """End after the last audio, unless an interruption meanwhile has something said again."""
        with self._changed:
            if self._is_finished and not self._due:
                self._is_drained = True

    def _next(self) -> Callable[[], object] | None:
        """Wait for something to do, and tell meanwhile what is heard; return None at the end."""
        with self._changed:
            while not self._is_closed:
                self._tell()
                if self._rate and not self._is_open:
                    return self._open_output
                if self._pieces:
                    piece = self._pieces.popleft()
                    self._waiting -= len(piece.pcm)
                    self._changed.notify_all()
                    return partial(self._end_sentence if piece.passage is None else self._play, piece)
                if self._is_finished and not self._due:
                    break
                self._changed.wait(self._until_due())
            return None

    def _until_due(self) -> float | None:
        """Return the seconds until something is to be told, or some of them: a time may be absurd."""
        return min(_LONGEST_WAIT, self._due[0][0] - self._position(None)) if self._due else None

    def _open_output(self) -> None:
        self._is_open = True
        self._output.start(self._rate)

    def _close_output(self) -> None:
        if self._is_open:
            self._is_open = False
            self._output.close()

    def _play(self, piece: _Piece) -> None:
        if not self._begin_passage(piece):
            return
        size = max(1, round(self._output.block * self._rate)) * BYTES_PER_SAMPLE
        for start in range(0, len(piece.pcm), size):
            block = piece.pcm[start : start + size]
            if not self._may_write(piece.sentence):
                return
            is_written = False
            try:
                self._output.write(block)
                is_written = True
            finally:
                with self._changed:  # once: whoever waits for the write finds the block counted
                    self._is_writing = False
                    self._changed.notify_all()
                    if is_written:
                        self._count(piece.sentence, block)

    def _begin_passage(self, piece: _Piece) -> bool:
        """Place the piece after what was played; return False if it is not wanted any more."""
        passage = piece.passage
        with self._changed:
            if passage is None or self._is_refused(piece.sentence):
                return False
            is_new = self._begin_sentence(piece.sentence)
            self._timeline.begin_passage(passage)
            if is_new:
                self._tell_later(piece.sentence.start, self._events.emit, _event("started", piece.sentence))
            for word in piece.words:
                told = Word(word.text, passage.start + word.start, passage.start + word.end)
                self._tell_later(told.start, self._events.emit_word, told)
            return True

    def _begin_sentence(self, sentence: SpokenSentence) -> bool:
        """Begin a sentence, unless it has begun; return whether it was begun now."""
        if sentence is self._current:
            return False
        self._current = sentence
        self._expected.popleft()
        self._timeline.begin(sentence)
        return True

    def _end_sentence(self, piece: _Piece) -> None:
        sentence = piece.sentence
        with self._changed:
            if self._is_refused(sentence):
                return
            self._begin_sentence(sentence)  # if nothing was said
            self._timeline.complete()
            self._end_words(sentence.end)
            if sentence.said:
                self._tell_later(sentence.end, self._events.emit, _event("spoken", sentence))
            self._sentences -= 1
            self._changed.notify_all()

    def _may_write(self, sentence: SpokenSentence) -> bool:
        """Wait for an interruption that is under way; return False if the block is not wanted any more."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_held)
            if self._is_refused(sentence):
                return False
            self._is_writing = True
            self._note_time()
            return True

    def _count(self, sentence: SpokenSentence, block: bytes) -> None:
        """Add a block that was written to what was played, unless it was dropped."""
        if not self._is_refused(sentence):
            self._timeline.add(len(block) / BYTES_PER_SAMPLE / self._rate)
            if self._is_paced:
                self._lasts_until = monotonic() + self._unplayed()
            self._tell()

    def _note_time(self) -> None:
        now = monotonic()
        if self.first_audio is None:
            self.first_audio = now
        if self._lasts_until is not None:
            self.late_seconds += max(0.0, now - self._lasts_until)

    def _tell_later(self, position: float, tell: Callable[[T], object], value: T) -> None:
        self._due.append((position, partial(tell, value)))

    def _end_words(self, end: float) -> None:
        """Let no word begin after its sentence, as an engine may tell: it would never be heard."""
        self._due = deque((min(end, position), tell) for position, tell in self._due)

    def _tell(self) -> None:
        """Emit the events of what is heard by now."""
        if self._due:
            position = self._position(None) + _ROUNDING
            while self._due and self._due[0][0] <= position:
                self._due.popleft()[1]()


def _event(kind: EventKind, sentence: SpokenSentence) -> SpeechEvent:
    return SpeechEvent(
        kind, sentence.written, sentence.said, start=sentence.start, end=sentence.end, words=sentence.words
    )
