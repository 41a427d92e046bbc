"""The text of an answer as ``--stop`` and ``--sentences`` want it."""

from collections.abc import Callable
from typing import Any

from reactivex import Observable, Subject, compose

from ollama_rx import Chunk
from ollama_rx import operators as op
from ollama_rx.rx import Emitter, through


class AnswerText:
    """The operators from the chunks to the text that is printed, and what they have found.

    Raises:
        ValueError: a stop word is empty or too long.
    """

    def __init__(self, *, stop: tuple[str, ...], sentences: bool) -> None:
        self.stop_word: str | None = None
        """The stop word that has ended the answer."""
        self.unfinished: list[str] = []
        """The beginning of a sentence that was not printed, because the answer was cancelled."""
        self._stop = stop
        self.operators: Callable[[Observable[Chunk]], Observable[str]]
        steps: list[Callable[[Any], Any]] = [op.text()]
        if stop:
            steps += [
                op.stop_at(*stop, include=True),
                through(self._without_stop_word, name="stop", takes=str, gives=str),
            ]
        if sentences:
            steps.append(through(self._sentences, name="sentences", takes=str, gives=str))
        self.operators = compose(*steps)

    def _without_stop_word(self, out: Emitter[str]) -> "_WithoutStopWord":
        return _WithoutStopWord(out, self)

    def _sentences(self, out: Emitter[str]) -> "_WholeSentences":
        return _WholeSentences(out, self.unfinished)

    def take_stop_word(self, text: str) -> str:
        """Return the text without the stop word at its end, which is kept in ``stop_word``."""
        found = [word for word in self._stop if text.endswith(word)]
        if not found:
            return text
        self.stop_word = max(found, key=len)  # the one that starts first
        return text.removesuffix(self.stop_word)


class _WithoutStopWord:
    """Removes the stop word that ``stop_at(include=True)`` leaves at the end, and notes which it was."""

    def __init__(self, out: Emitter[str], answer: AnswerText) -> None:
        self._emit = out.emit
        self._answer = answer

    def feed(self, text: str, /) -> None:
        rest = self._answer.take_stop_word(text)
        if rest:
            self._emit(rest)


class _WholeSentences:
    """Splits sentences; an unfinished one is emitted before an error, and kept if the stream is cancelled."""

    def __init__(self, out: Emitter[str], unfinished: list[str]) -> None:
        self._emit = out.emit
        self._unfinished = unfinished
        self._text = Subject[str]()
        self._text.pipe(op.split_sentences()).subscribe(self._send)

    def _send(self, sentence: str) -> None:
        self._emit(sentence)

    def feed(self, text: str, /) -> None:
        self._text.on_next(text)

    def flush(self) -> None:
        self._text.on_completed()

    def fail(self, _: Exception) -> None:
        self._text.on_completed()

    def close(self) -> None:
        self._emit = self._unfinished.append  # emits nothing after the end
        self._text.on_completed()
