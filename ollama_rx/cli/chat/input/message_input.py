"""What all ways to enter a message have in common."""

import os
import signal
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Self

from ollama_rx.cli.chat.input.message_lines import MessageLines

CONTINUATION = "... "
"""The prompt of all lines but the first."""


class MessageInput(ABC):
    """Reads messages; a context manager, which leaves the terminal as it was."""

    @abstractmethod
    def read(self, prompt: str, *, draft: str = "") -> str:
        """Return the next message, whose lines are joined by line breaks.

        After an exception, also one that a handler of a signal has raised, the terminal is as it was and the
        cursor is at the beginning of a line.

        Args:
            prompt: printed before the message; may contain the escape sequences of colours.
            draft: a message to edit, such as one that could not be sent. Plain lines cannot show it.

        Raises:
            EOFError: Ctrl-D was pressed in an empty line, or the input has ended.
            KeyboardInterrupt: Ctrl-C was pressed.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to close
        """Leave the terminal as it was."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read_lines(read_line: Callable[[str], str], prompt: str) -> MessageLines:
    """Read lines until a message is complete; the end of the input completes one that has begun."""
    lines = MessageLines()
    try:
        while not lines.feed(read_line(CONTINUATION if lines.has_begun else prompt)):
            pass
    except EOFError:
        if not lines.has_begun:
            raise
    return lines


@contextmanager
def interruptible_prompt() -> Generator[None]:
    """Raise KeyboardInterrupt at every Ctrl-C; a process that ignores the signal keeps ignoring it.

    Within `interruptible`, the second Ctrl-C would end the process.
    """
    before = signal.getsignal(signal.SIGINT)
    replace = callable(before) and threading.current_thread() is threading.main_thread()
    if replace:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if replace:
            signal.signal(signal.SIGINT, before)


def is_dumb_terminal() -> bool:
    """Return whether the terminal cannot move its cursor, as in some editors."""
    return os.environ.get("TERM", "").lower() in {"dumb", "unknown"}
