"""Print text as it arrives."""

import re
import sys
from contextlib import suppress
from io import BufferedIOBase, RawIOBase
from typing import Protocol, TextIO

from ollama_rx.arguments import check_flag, check_text, wrong_type
from ollama_rx.sinks._broken_pipe import stop_after_broken_pipe
from ollama_rx.sinks._sink import Sink, StopSink

_DIM, _PLAIN = "\x1b[2m", "\x1b[22m"
# C0 and C1 without newline and tab, and the controls that reorder the text around them, such as U+202E. The
# marks of Arabic and Hebrew text, such as U+200F, stay: they cannot override the direction of letters.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LAST_OF_C1 = 0x9F


class ChunkLike(Protocol):
    """An item with text and thinking, such as a `Chunk`."""

    @property
    def text(self) -> str:
        """A piece of the answer."""
        ...

    @property
    def thinking(self) -> str:
        """A piece of the thinking."""
        ...


class Console(Sink[str | ChunkLike]):
    r"""Prints text, or the text of chunks, as soon as it arrives.

    Nothing is printed between items unless ``end`` is given: ``Console(end="\n")`` prints each sentence on a
    line of its own. Items without text are skipped. One newline is added at the end if the text does not end
    with one. A model's text cannot control the terminal: control characters other than newline and tab are
    escaped, as in ``\x1b``, and so are those that reorder text, as in ``\u202e``. If the reader of a pipe has
    exited (``| head``), the sink stops without an error.

    Args:
        file: a text file that is open for writing and stays open; by default the standard output.
        thinking: also print the thinking of chunks, before the answer; dim on a terminal.
        end: printed after each item that has text.

    >>> from reactivex import of
    >>> _ = of("Hel", "lo").subscribe(Console())
    Hello
    """

    def __init__(self, file: TextIO | None = None, *, thinking: bool = False, end: str = "") -> None:
        check_flag("thinking", thinking)
        check_text("end", end)
        if file is not None:
            _check_text_file(file)
        self._file = sys.stdout if file is None else file
        self._end = end
        self._thinking = thinking
        self._dim = thinking and self._file.isatty()
        self._open_line = False
        self._after_thinking = False

    def on_next(self, value: str | ChunkLike) -> None:
        """Print the text of an item."""
        if isinstance(value, str):
            self._print(value and value + self._end)
            return
        if self._thinking and value.thinking:
            self._after_thinking = True
            self._print(value.thinking, dim=self._dim)
        if value.text:
            if self._after_thinking:
                self._after_thinking = False
                self._end_line()
            self._print(value.text + self._end)

    def on_completed(self) -> None:
        """End the line."""
        self.close()

    def on_error(self, error: Exception) -> None:  # noqa: ARG002 - `wait` raises it
        """End the line."""
        self.close()

    def close(self) -> None:
        """End the line; the file stays open."""
        with suppress(StopSink):  # the sink ends anyway
            self._end_line()

    def _end_line(self) -> None:
        if self._open_line:
            self._print("\n")

    def _print(self, text: str, *, dim: bool = False) -> None:
        if not text:
            return
        self._open_line = not text.endswith("\n")
        text = _CONTROL.sub(_escape, text)
        if dim:
            text = f"{_DIM}{text}{_PLAIN}"
        try:
            self._write(text)
        except BrokenPipeError as error:
            self._open_line = False
            raise stop_after_broken_pipe(self._file) from error

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
        except UnicodeEncodeError as error:  # a terminal that is not UTF-8: print escapes
            self._file.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
        self._file.flush()


def _check_text_file(file: object) -> None:
    if isinstance(file, RawIOBase | BufferedIOBase) or not hasattr(file, "write"):
        raise wrong_type("file", "a text file that is open for writing", file)


def _escape(control: re.Match[str]) -> str:
    code = ord(control[0])
    return f"\\u{code:04x}" if code > _LAST_OF_C1 else f"\\x{code:02x}"
