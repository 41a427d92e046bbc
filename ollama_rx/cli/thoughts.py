"""The model's thoughts on standard error."""

import sys
from contextlib import suppress

from ollama_rx import Chunk
from ollama_rx.sinks import Console, StopSink


class Thoughts:
    """Prints the thoughts, dim on a terminal, on lines of their own.

    ``beside_answer`` says that the answer appears on the same terminal, piece by piece: then thoughts in the
    middle of the answer begin a new line.
    """

    def __init__(self, *, beside_answer: bool) -> None:
        self._console = Console(sys.stderr, thinking=True)
        self._beside_answer = beside_answer
        self._open_thought = self._open_answer = False

    def show(self, chunk: Chunk) -> None:
        """Print the thoughts of a chunk; a chunk of the answer ends their line."""
        thought = chunk.thinking
        if thought:
            if self._open_answer:
                self._print("\n")
                self._open_answer = False
            self._print(chunk.replace(text="", thinking=thought))
            self._open_thought = not thought.endswith("\n")
        if chunk.text:
            self.end()
            self._open_answer = self._beside_answer and not chunk.text.endswith("\n")

    def end(self) -> None:
        """End the line of a thought."""
        if self._open_thought:
            self._open_thought = False
            self._print("\n")

    def _print(self, item: Chunk | str) -> None:
        with suppress(StopSink):  # nobody reads standard error
            self._console.on_next(item)
