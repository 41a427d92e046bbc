"""What happens to a voice, as two Observables."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import RLock, Thread, current_thread
from typing import Literal, TypeVar

from reactivex import Observable
from reactivex.subject import Subject

from ollama_rx.speech.audio import Word

T = TypeVar("T")

_Send = Callable[[], object]

_log = logging.getLogger(__name__)
_CLOSING_SECONDS = 1.0  # how long the end of a delivery waits for callbacks
_IDLE_SECONDS = 1.0  # how long a thread waits for the next event

EventKind = Literal["started", "spoken", "interrupted", "finished"]


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """Something that has happened to a voice; times are in seconds of audio since the delivery began.

    ``kind`` is "started" when the first sound of a sentence is played, "spoken" when a sentence was played to
    its end, "interrupted" when the listener has interrupted, and "finished" when all was said. The last two
    are about everything since the delivery began, the others about one sentence.
    """

    kind: EventKind
    text: str
    """The text as it was written; if it was interrupted, the part that was heard."""
    said: str
    """What the voice says for it; empty for "interrupted" and "finished"."""
    start: float
    end: float
    """The same as ``start`` for "started"."""
    words: tuple[Word, ...] = ()
    """The words of ``said`` with their times, as far as the engine has told them; empty if it does not."""


class SpeechEvents:
    """Passes events to subscribers on a thread of their own, so that they never delay the audio."""

    def __init__(self) -> None:
        self._events = Subject[SpeechEvent]()
        self._words = Subject[Word]()
        self._waiting = SimpleQueue[_Send | None]()
        self._thread: Thread | None = None
        self._lock = RLock()  # re-entrant: a signal handler may interrupt the voice

    @property
    def events(self) -> Observable[SpeechEvent]:
        """The events; never completes, because a voice can serve several deliveries."""
        return self._events

    @property
    def words(self) -> Observable[Word]:
        """Each word when it is said."""
        return self._words

    def emit(self, event: SpeechEvent) -> None:
        """Pass an event on."""
        self._put(self._events, event)

    def emit_word(self, word: Word) -> None:
        """Pass a word on."""
        self._put(self._words, word)

    def flush(self) -> None:
        """Wait until the subscribers have seen all events, and end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._waiting.put(None)
                self._waiting = SimpleQueue[
                    _Send | None
                ]()  # for the next thread: a subscriber may still block this one
        if thread is not None and thread is not current_thread():
            thread.join(_CLOSING_SECONDS)

    def _put(self, subject: Subject[T], value: T) -> None:
        if not subject.observers:
            return
        with self._lock:
            if self._thread is None:
                self._thread = Thread(
                    target=self._send_all, args=(self._waiting,), name="ollama-rx-speech-events", daemon=True
                )
                self._thread.start()
            self._waiting.put(partial(_send, subject, value))

    def _send_all(self, waiting: SimpleQueue[_Send | None]) -> None:
        while (send := self._next(waiting)) is not None:
            send()

    def _next(self, waiting: SimpleQueue[_Send | None]) -> _Send | None:
        """Return what is to be sent next; None if nothing will come, or nothing has come for a while.

        An event may come after the end of a delivery: its thread would otherwise never end.
        """
        with suppress(Empty):
            return waiting.get(timeout=_IDLE_SECONDS)
        with self._lock:
            try:
                return waiting.get_nowait()  # it came just now
            except Empty:
                self._thread = None
                return None


def _send(subject: Subject[T], value: T) -> None:
    for observer in list(subject.observers):
        try:
            observer.on_next(value)
        except BaseException:  # noqa: BLE001 - a subscriber's failure is reported, and does not end the voice
            _log.exception("a subscriber to the events of a voice has failed")
