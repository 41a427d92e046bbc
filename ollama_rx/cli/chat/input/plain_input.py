"""Lines as they come: from a pipe or a file, or from a terminal that cannot edit them."""

import re
import sys
from collections.abc import Callable

from ollama_rx.cli.chat.input.message_input import MessageInput, interruptible_prompt, read_lines
from ollama_rx.cli.user_files import MAX_TEXT

COLOUR = re.compile(r"\x1b\[[\d;]*m")


class PlainInput(MessageInput):
    """Reads lines from standard input; a prompt is printed if that is a terminal."""

    def __init__(self, note: Callable[[str], object]) -> None:
        self._note = note
        self._shown = next((file for file in (sys.stdout, sys.stderr) if file.isatty()), None)
        if not sys.stdin.isatty():
            self._shown = None

    def read(self, prompt: str, *, draft: str = "") -> str:  # noqa: ARG002 - cannot be edited
        """Return the next message; the end of the input completes one that has begun."""
        with interruptible_prompt():
            try:
                return read_lines(self._read_line, prompt).message
            except (EOFError, KeyboardInterrupt, SystemExit):
                self._show("\n")
                raise

    def _read_line(self, prompt: str) -> str:
        self._show(COLOUR.sub("", prompt))
        line = sys.stdin.buffer.readline(MAX_TEXT)
        if not line:
            raise EOFError
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        try:
            return line.decode()
        except UnicodeDecodeError:
            self._note("the message is not UTF-8: bytes that cannot be read are replaced by \ufffd")
            return line.decode(errors="replace")

    def _show(self, text: str) -> None:
        if self._shown is not None:
            self._shown.write(text)
            self._shown.flush()
