"""The model's thoughts on standard error."""

import os
import sys
from contextlib import suppress

from ollama_rx import Chunk
from ollama_rx.sinks import Console, StopSink


class Thoughts:
    """Prints the thoughts on lines of their own; dim on a terminal, unless NO_COLOR is set.

    ``beside`` is the console that prints the answer on the same terminal: thoughts in the middle of the
    answer end its line.
    """

    def __init__(self, *, beside: Console | None = None) -> None:
        self._console = Console(sys.stderr, thinking=True)
        self._plain = bool(os.environ.get("NO_COLOR"))  # https://no-color.org
        self._beside = beside
        self._in_thought = False

    def show(self, chunk: Chunk) -> None:
        """Print the thoughts of a chunk; a chunk of the answer ends their line."""
        thought = chunk.thinking
        if thought:
            if self._beside is not None and not self._in_thought:
                self._beside.close()  # which ends a line and leaves the terminal open
            self._in_thought = True
            with suppress(StopSink, OSError):  # nobody reads standard error, or it cannot be written
                self._console.on_next(thought if self._plain else chunk.replace(text="", thinking=thought))
        if chunk.text:
            self.end()

    def end(self) -> None:
        """End the line of a thought."""
        self._in_thought = False
        with suppress(OSError):
            self._console.close()
