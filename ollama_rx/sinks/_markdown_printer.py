"""Print Markdown on a terminal while it arrives."""

import os
import re
from collections.abc import Callable
from time import monotonic
from typing import TextIO

from ollama_rx.block_splitter import BlockSplitter
from ollama_rx.sinks._live_rows import LiveRows
from ollama_rx.sinks._markdown_rows import MarkdownRows
from ollama_rx.sinks._tty import terminal_size

_EVERY = 0.1  # seconds between two drawings of the open block
_PAUSE = 20  # times as long as a drawing has taken: a text that is hard to draw is drawn less often
_UNCLEAR = re.compile(r"[ \t]*+(?:[-=*+#>|:`~_]++|\d++[.)]?)?[ \t]*")  # a line that may become anything
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_RULER = re.compile(r"[ \t]*[|:-][-:| \t]*\Z")
_ITEM = re.compile(r" {0,3}(?:[-+*]|\d{1,9}[.)])[ \t]")


class MarkdownPrinter:
    """Prints each block once when it is complete, and the open one below, again and again while it grows.

    The open block is never taller than the window, since rows that have left the window can't be replaced.
    Only the end of its text is drawn, so the cost does not grow with the block.
    """

    def __init__(
        self, file: TextIO, write: Callable[[str], object], now: Callable[[], float] = monotonic
    ) -> None:
        self._file = file
        self._now = now
        self._splitter = BlockSplitter()
        self._draw = MarkdownRows(file).draw
        self._live = LiveRows(write)
        self._is_first = True  # no block has been printed
        self._due = now()  # when to draw the open block again

    def feed(self, text: str) -> None:
        """Print a piece of text."""
        blocks = self._splitter.feed(text)
        if blocks:
            self._print(blocks)
        began = self._now()
        if began >= self._due:
            self._draw_open()
            ended = self._now()
            self._due = ended + max(_EVERY, _PAUSE * (ended - began))

    def finish(self) -> None:
        """Print what is left, and begin a new text."""
        self._print(self._splitter.flush())
        self._is_first = True

    def _print(self, blocks: list[str]) -> None:
        columns, _ = self._size()
        rows: list[str] = []
        for block in blocks:
            rows += self._separated(self._draw(block, columns - 1))
            self._is_first = self._is_first and not rows
        self._live.replace([*rows, ""], final=len(rows), columns=columns)

    def _draw_open(self) -> None:
        columns, height = self._size()
        lines = self._splitter.open_lines
        if _UNCLEAR.fullmatch(lines[-1]):
            lines.pop()
        begin = next((number for number, line in enumerate(lines) if line.strip()), None)
        if begin is not None:
            text = _tail(lines[begin:], columns, height)
            rows = self._separated(self._draw(text, columns - 1))
            self._live.replace(rows[1 - height :] or [""], columns=columns)

    def _separated(self, rows: list[str]) -> list[str]:
        """Put an empty row before a block that is not the first."""
        return rows if self._is_first or not rows else ["", *rows]

    def _size(self) -> os.terminal_size:
        """Return the columns, of which the last one stays empty as in `WordWrap`, and the rows."""
        return terminal_size(self._file) or os.terminal_size((80, 24))


def _tail(lines: list[str], columns: int, height: int) -> str:
    """Return Markdown that looks at its end like a block, but is not much more than the window can show."""
    head = _count_head(lines)
    start, room = len(lines), 2 * columns * height
    while start > head and len(lines) - start < 2 * height and room > 0:
        start -= 1
        room -= len(lines[start])
    if start > head == 0 and _ITEM.match(lines[0]):
        before = range(start, max(start - height, -1), -1)
        start = next((number for number in before if _ITEM.match(lines[number])), start)
    return "".join(lines[:head]) + "".join(lines[start:])[-4 * columns * height :]


def _count_head(lines: list[str]) -> int:
    """Return how many lines a block's other lines depend on: a fence, or the header of a table."""
    if _FENCE.match(lines[0]):
        return 1
    return 2 if len(lines) > 1 and "|" in lines[0] and _RULER.match(lines[1].rstrip()) else 0
