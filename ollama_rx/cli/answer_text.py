"""The text of an answer as ``--stop`` and ``--sentences`` want it."""

from collections.abc import Callable
from threading import Event
from typing import Any

from reactivex import Observable, Subject, compose
from reactivex import operators as rx

from ollama_rx import Chunk
from ollama_rx import operators as op
from ollama_rx.rx import Emitter, through


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
        self._steps = compose(*steps)
        self.operators: Callable[[Observable[Chunk]], Observable[str]] = compose(
            op.text(), through(self._to_the_end, name="text", takes=str, gives=str)
        )

    def _to_the_end(self, out: Emitter[str]) -> "_ToTheEnd":
        self._closed.clear()
        return _ToTheEnd(out, self._steps, self._keep)

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


class _ToTheEnd:
    """Runs operators on text; what they hold is emitted if the answer fails, and kept if it is cancelled."""

    def __init__(
        self,
        out: Emitter[str],
        operators: Callable[[Observable[str]], Observable[str]],
        keep: Callable[[list[str]], None],
    ) -> None:
        self._emit = out.emit
        self._complete = out.complete
        self._keep = keep
        self._text = Subject[str]()
        self._text.pipe(operators).subscribe(self._send, on_completed=self._end)

    def _send(self, text: str) -> None:
        self._emit(text)

    def _end(self) -> None:
        self._complete()

    def feed(self, text: str, /) -> None:
        self._text.on_next(text)

    def flush(self) -> None:
        self._complete = _noop  # the source has completed by itself
        self._text.on_completed()

    def fail(self, _: Exception) -> None:
        self.flush()

    def close(self) -> None:
        held: list[str] = []
        self._emit = held.append  # nothing may be emitted after the end
        self.flush()
        self._keep(held)


def _noop() -> None:
    """Replaces ``complete`` after the end."""
