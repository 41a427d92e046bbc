"""The text of an answer, printed while a voice says it."""

from collections import deque
from contextlib import suppress
from threading import Lock
from typing import TextIO

from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.sinks import Console, StopSink
from ollama_rx.speech import SpeechEvent, Word
from ollama_rx.speech.written_part import written_part


class SpokenText:
    """Prints each sentence as it was written, word by word as the words are said.

    If the engine does not tell when they are, a sentence is printed when it begins. What is not said, such as
    code, is printed before the sentence that follows. So the whole output is the text of the answer.
    """

    def __init__(self, file: TextIO, status: StatusLine) -> None:
        self._console = Console(file)
        self._status = status
        self._lock = Lock()  # the command and the events may use different threads
        self._is_closed = False
        self._waiting: deque[str] = deque()  # sentences that have not begun
        self._written = self._said = ""
        self._printed = self._said_until = 0  # characters of the sentence that is being said
        self.error: OSError | None = None
        """Why the text cannot be printed."""

    def add(self, sentence: str) -> None:
        """Take the next sentence; its events follow when it is said."""
        self._waiting.append(sentence)

    def on_event(self, event: SpeechEvent) -> None:
        """Print what an event says was or will be heard."""
        if event.kind == "started":
            self._begin(event)
        elif event.kind == "spoken":
            self._print_until(len(self._written))
        elif event.kind == "finished":
            self._print_unsaid()

    def on_word(self, word: Word) -> None:
        """Print up to the end of a word, which begins to be said."""
        found = self._said.find(word.text, self._said_until)
        if found >= 0:
            self._said_until = found + len(word.text)
            self._print_until(len(written_part(self._written, self._said, self._said_until)))

    def close(self) -> None:
        """End the line, and print nothing more."""
        with self._lock:
            self._is_closed = True
            with suppress(OSError):
                self._console.close()

    def _begin(self, event: SpeechEvent) -> None:
        self._print_unsaid(before=event.text)
        self._written, self._said = event.text, event.said
        self._printed = self._said_until = 0
        if not event.words:
            self._print_until(len(self._written))

    def _print_unsaid(self, before: str | None = None) -> None:
        while self._waiting and (sentence := self._waiting.popleft()) != before:
            self._print(sentence)

    def _print_until(self, end: int) -> None:
        self._print(self._written[self._printed : end])
        self._printed = max(self._printed, end)

    def _print(self, text: str) -> None:
        with self._lock:
            if not text or self._is_closed:
                return
            self._status.end()
            try:
                self._console.on_next(text)
            except (StopSink, OSError) as error:  # nobody reads it, or the disk is full
                self._is_closed = True
                self.error = error if isinstance(error, OSError) else None
