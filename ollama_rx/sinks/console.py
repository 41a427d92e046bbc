"""Print text as it arrives."""

import sys
from collections.abc import Callable
from contextlib import suppress
from io import BufferedIOBase, RawIOBase
from typing import TYPE_CHECKING, Protocol, TextIO

from ollama_rx.arguments import check_flag, check_text, wrong_type
from ollama_rx.sinks._broken_pipe import stop_after_broken_pipe
from ollama_rx.sinks._control_characters import escape_controls
from ollama_rx.sinks._sink import Sink, StopSink
from ollama_rx.sinks._tty import is_terminal, terminal_size
from ollama_rx.sinks._word_wrap import WordWrap

if TYPE_CHECKING:
    from ollama_rx.sinks._markdown_printer import MarkdownPrinter

_DIM, _PLAIN = "\x1b[2m", "\x1b[22m"


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

    On a terminal, lines are broken between words; a word that has been printed in part moves to the next
    line. What is not a terminal gets the text as it is. Printing should start at the beginning of a line.

    With ``markdown=True`` a terminal shows the answer's Markdown with colours, tables and highlighted code.
    Each block is printed once when it is complete, and never changes again. Below it is the block that still
    grows: it is drawn again at most ten times a second as text arrives, and only its end is shown if it is
    taller than the window. Lines stay lines, and links are shown with their address. An answer that breaks
    off is shown as far as it has arrived.

    Args:
        file: a text file that is open for writing and stays open; by default the standard output.
        thinking: also print the thinking of chunks, before the answer; dim on a terminal.
        end: printed after each item that has text.
        markdown: draw Markdown, if the file is a terminal. Needs the extra ``ollama-rx[cli]`` (rich).

    Raises:
        ImportError: ``markdown`` is True and the extra is missing.

    >>> from reactivex import of
    >>> _ = of("Hel", "lo").subscribe(Console())
    Hello
    """

    def __init__(
        self,
        file: TextIO | None = None,
        *,
        thinking: bool = False,
        end: str = "",
        markdown: bool = False,
    ) -> None:
        check_flag("thinking", thinking)
        check_text("end", end)
        check_flag("markdown", markdown)
        if file is not None:
            _check_text_file(file)
        self._file = sys.stdout if file is None else file
        self._end = end
        self._thinking = thinking
        self._is_terminal = is_terminal(self._file)
        self._markdown = (
            _markdown_printer(self._file, self._write, is_used=self._is_terminal) if markdown else None
        )
        self._wrap = WordWrap()
        self._open_line = False
        self._after_thinking = False

    def on_next(self, value: str | ChunkLike) -> None:
        """Print the text of an item."""
        if isinstance(value, str):
            text = value
        else:
            text = value.text
            if self._thinking and value.thinking:
                self._print_thinking(value.thinking)
        if text:
            self._print_text(text + self._end)

    def on_completed(self) -> None:
        """End the line."""
        self.close()

    def on_error(self, error: Exception) -> None:  # noqa: ARG002 - `wait` raises it
        """Print what is held back, and end the line."""
        self.close()

    def close(self) -> None:
        """Print what is held back, and end the line; the file stays open."""
        with suppress(StopSink):  # the sink ends anyway
            self._end_markdown()
            self._end_line()

    def _end_markdown(self) -> None:
        if self._markdown is not None:
            self._markdown.finish()

    def _end_line(self) -> None:
        if self._open_line:
            self._print("\n")

    def _print_thinking(self, text: str) -> None:
        if not self._after_thinking:
            self._after_thinking = True
            self._end_markdown()
        self._print(text, dim=self._is_terminal)

    def _print_text(self, text: str) -> None:
        if self._after_thinking:
            self._after_thinking = False
            self._end_line()
        if self._markdown is None:
            self._print(text)
        else:
            self._markdown.feed(text)

    def _print(self, text: str, *, dim: bool = False) -> None:
        self._open_line = not text.endswith("\n")
        text = escape_controls(text)
        if self._is_terminal and (size := terminal_size(self._file)):
            text = self._wrap.wrap(text, size.columns)
        self._write(f"{_DIM}{text}{_PLAIN}" if dim else text)

    def _write(self, text: str) -> None:
        try:
            self._write_or_escape(text)
            self._file.flush()
        except BrokenPipeError as error:
            self._open_line = False
            raise stop_after_broken_pipe(self._file) from error

    def _write_or_escape(self, text: str) -> None:
        try:
            self._file.write(text)
        except UnicodeEncodeError as error:  # a terminal that is not UTF-8: print escapes
            self._file.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))


def _check_text_file(file: object) -> None:
    if isinstance(file, RawIOBase | BufferedIOBase) or not hasattr(file, "write"):
        raise wrong_type("file", "a text file that is open for writing", file)


def _markdown_printer(
    file: TextIO, write: Callable[[str], object], *, is_used: bool
) -> "MarkdownPrinter | None":
    """Return what draws Markdown; raises ImportError if rich is missing, also where it would not be used."""
    from ollama_rx.sinks._markdown_printer import MarkdownPrinter  # noqa: PLC0415 - most consoles do not need it

    try:
        printer = MarkdownPrinter(file, write)
    except ImportError as error:
        raise ImportError('Console(markdown=True) needs rich: pip install "ollama-rx[cli]"') from error
    return printer if is_used else None
