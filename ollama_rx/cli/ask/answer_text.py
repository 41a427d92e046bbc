"""The text of an answer as ``--stop``, ``--sentences`` and some sinks want it."""

from collections.abc import Callable
from threading import Event, Lock
from typing import Any

from reactivex import Observable, Subject, compose
from reactivex import operators as rx

from ollama_rx import Chunk
from ollama_rx import operators as op
from ollama_rx.rx import Emitter, through
from ollama_rx.sinks import Branch, Sink

Texts = Observable[str]


class AnswerText:
    """The operators from the chunks to the text that is printed, and what they have found.

    Operators drop what they hold back if the answer breaks off: here it is printed, since nothing that would
    change it can follow.

    Raises:
        ValueError: a stop word is empty or too long.
    """

    def __init__(self, *, stop: tuple[str, ...], sentences: bool) -> None:
        self.stop_word: str | None = None
        """The stop word that has ended the answer."""
        self._unfinished: list[str] = []
        self._closed = Event()
        self._closed.set()
        self._stop = stop
        steps: list[Callable[[Any], Any]] = []
        if stop:
            steps += [op.stop_at(*stop, include=True), rx.map(self._without_stop_word), rx.filter(bool)]
        if sentences:
            steps.append(op.split_sentences())
        self.operators: Callable[[Observable[Chunk]], Texts] = compose(
            op.text(), _to_the_end(compose(*steps), on_open=self._closed.clear, keep=self._keep)
        )

    def _keep(self, held: list[str]) -> None:
        self._unfinished = held
        self._closed.set()

    def unfinished(self, seconds: float = 1.0) -> list[str]:
        """Return what was held back when the answer was cancelled, such as the beginning of a sentence.

        Ctrl-C may come before the stream's thread has closed the operators, so this waits at most so long.
        """
        self._closed.wait(seconds)
        return self._unfinished

    def _without_stop_word(self, text: str) -> str:
        """Return the text without the stop word at its end, which is kept in ``stop_word``."""
        found = [word for word in self._stop if text.endswith(word)]
        if not found:
            return text
        self.stop_word = max(found, key=len)  # the one that starts first
        return text.removesuffix(self.stop_word)


def sentences_to_say(*, strip: bool = True) -> Callable[[Texts], Texts]:
    """Return the operator that makes sentences for a voice, also of an answer that breaks off.

    The first one may be a clause, so that the voice begins sooner.
    """
    return _to_the_end(op.split_sentences(first_fragment=True, strip=strip))


def in_sentences(sink: Sink[str]) -> Branch[str]:
    """Return the sink behind an operator that gives it whole sentences."""
    return sink.after(sentences_to_say())


def _noop(*_: object) -> None:
    """Do nothing."""


def _to_the_end(
    operators: Callable[[Texts], Texts],
    *,
    on_open: Callable[[], object] = _noop,
    keep: Callable[[list[str]], object] = _noop,
) -> Callable[[Texts], Texts]:
    """Let operators emit what they hold if the answer fails; ``keep`` gets it if the answer is cancelled."""

    def begin(out: Emitter[str]) -> _ToTheEnd:
        on_open()
        return _ToTheEnd(out, operators, keep)

    return through(begin, name="text", takes=str, gives=str)


class _ToTheEnd:
    def __init__(
        self,
        out: Emitter[str],
        operators: Callable[[Texts], Texts],
        keep: Callable[[list[str]], object],
    ) -> None:
        self._emit = out.emit
        self._complete = out.complete
        self._keep = keep
        self._runs = Lock()
        self._is_closed = False
        self._held: list[str] = []
        self._text = Subject[str]()
        self._text.pipe(operators).subscribe(self._send, on_completed=self._end)

    def _send(self, text: str) -> None:
        self._emit(text)

    def _end(self) -> None:
        self._complete()

    def feed(self, text: str, /) -> None:
        with self._runs:
            self._text.on_next(text)
        self._keep_if_closed()

    def flush(self) -> None:
        with self._runs:
            self._complete = _noop  # the source has completed by itself
            self._text.on_completed()
        self._keep_if_closed()

    def fail(self, _: Exception) -> None:
        self.flush()

    def close(self) -> None:
        self._is_closed = True
        self._keep_if_closed()

    def _keep_if_closed(self) -> None:
        """Keep what is held; a call that runs, and may wait for a sink, does so at its end."""
        if not self._is_closed or not self._runs.acquire(blocking=False):
            return
        try:
            self._emit = self._held.append  # nothing may be emitted after the end
            self._complete = _noop
            self._text.on_completed()
            self._keep(self._held)
        finally:
            self._runs.release()
