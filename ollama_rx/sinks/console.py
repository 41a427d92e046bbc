"""Print what comes, as it comes."""

import re
import sys
from contextlib import suppress
from typing import Protocol, TextIO

from ollama_rx.sinks._pipe import reader_gone
from ollama_rx.sinks._sink import Sink, StopSink

_DIM, _PLAIN = "\x1b[2m", "\x1b[22m"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # C0 and C1 without newline and tab


class Texts(Protocol):
    """What has text and thinking: a `Chunk`."""

    @property
    def text(self) -> str:
        """A piece of the answer."""
        ...

    @property
    def thinking(self) -> str:
        """A piece of the thinking."""
        ...


class Console(Sink[str | Texts]):
    r"""Prints text, or the text of chunks, at once and without line ends of its own.

    ``end`` is printed after each item that has text: ``Console(end="\n")`` gives sentences a line each.
    One newline is added at the end if the text does not end with one. With ``thinking=True`` the
    thinking of chunks is printed before the answer, dim on a terminal. A model's text can't steer the
    terminal: control characters other than newline and tab are shown as ``\x1b``. When the reader of
    a pipe has gone (``| head``), the sink leaves without an error.

    >>> from reactivex import of
    >>> _ = of("Hel", "lo").subscribe(Console())
    Hello
    """

    def __init__(self, file: TextIO | None = None, *, thinking: bool = False, end: str = "") -> None:
        self._file = sys.stdout if file is None else file
        self._end = end
        self._thinking = thinking
        self._dim = thinking and self._file.isatty()
        self._open_line = False
        self._thought = False

    def on_next(self, value: str | Texts) -> None:
        """Print a piece."""
        if isinstance(value, str):
            self._print(value and value + self._end)
            return
        if self._thinking and value.thinking:
            self._thought = True
            self._print(value.thinking, dim=self._dim)
        if value.text:
            if self._thought:
                self._thought = False
                self._end_line()
            self._print(value.text + self._end)

    def on_completed(self) -> None:
        """End the line."""
        self.close()

    def on_error(self, error: Exception) -> None:  # noqa: ARG002 - whoever waits is told
        """End the line."""
        self.close()

    def close(self) -> None:
        """End the line; the file stays open."""
        with suppress(StopSink):  # it has left
            self._end_line()

    def _end_line(self) -> None:
        if self._open_line:
            self._print("\n")

    def _print(self, text: str, *, dim: bool = False) -> None:
        if not text:
            return
        self._open_line = not text.endswith("\n")
        text = _CONTROL.sub(_shown, text)
        if dim:
            text = f"{_DIM}{text}{_PLAIN}"
        try:
            self._write(text)
        except BrokenPipeError as error:
            self._open_line = False
            raise reader_gone(self._file) from error

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
        except UnicodeEncodeError as error:  # a terminal that is not UTF-8: better escaped than nothing
            self._file.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
        self._file.flush()


def _shown(control: re.Match[str]) -> str:
    return f"\\x{ord(control[0]):02x}"
