"""Texts in columns that fit the window; where there is none, as in a pipe, lines have any length.

Each cell may hold text of a server: what is not a letter in it is shown as an escape.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO
from unicodedata import east_asian_width

from ollama_rx.cli.terminal import echo

_TAB = 8  # columns


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table; in a window that is too narrow for it, each row as a list below its first cell."""
    table = align_columns([head, *rows])
    columns = window_columns(sys.stdout)
    if columns is None or all(width(line) < columns for line in table.splitlines()):
        echo(table, sys.stdout)
        return
    for first, *cells in rows:
        echo(printable(first), sys.stdout)
        listed = [("  " + name, cell) for name, cell in zip(head[1:], cells, strict=True) if cell]
        echo(format_labelled(listed, columns), sys.stdout)


def print_labelled(rows: Iterable[tuple[str, str]]) -> None:
    """Write rows of a label and a text, which may have several lines; a row without text is left out."""
    echo(format_labelled([row for row in rows if row[1]], window_columns(sys.stdout)), sys.stdout)


def format_labelled(rows: Sequence[tuple[str, str]], columns: int | None) -> str:
    r"""Put texts beside their labels, and the lines of a text below each other.

    >>> print(format_labelled([("model", "llama"), ("system", "You are\nhelpful.")], columns=None))
    model   llama
    system  You are
            helpful.
    """
    indent = max((width(label) for label, _ in rows), default=0) + 2
    lines: list[str] = []
    for label, text in rows:
        shown = [part for line in text.splitlines() for part in wrap(line, columns, indent)]
        lines += [(pad(label, indent) + shown[0]).rstrip()]
        lines += [(" " * indent + line).rstrip() for line in shown[1:]]
    return "\n".join(lines)


def wrap(line: str, columns: int | None, indent: int) -> Iterator[str]:
    """Break a line between words so that its parts fit into the window, ``indent`` columns from the left.

    The last column stays free: some terminals break a line that reaches it. A word that is too long stays
    whole, since it may be an address or a command that someone will copy.
    """
    text = printable(line.expandtabs(_TAB))
    if columns is None or indent + width(text) < columns:
        yield text
        return
    part = text[: len(text) - len(text.lstrip())]
    for word in text.split():
        longer = f"{part} {word}" if part.strip() else part + word
        if part.strip() and indent + width(longer) >= columns:
            yield part
            part = word
        else:
            part = longer
    yield part


def window_columns(file: TextIO) -> int | None:
    """Return how many columns a terminal has; None for a file that is not a terminal, or does not tell."""
    if not file.isatty():
        return None
    try:
        return os.get_terminal_size(file.fileno()).columns or None
    except (OSError, ValueError):
        return None


def align_columns(rows: Iterable[Sequence[str]]) -> str:
    """Align cells into columns, two spaces apart; each row is one line, whatever is in its cells.

    >>> print(align_columns([("model", "size"), ("a", "1 GB")]))
    model  size
    a      1 GB
    """
    table = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(map(pad, row, widths)).rstrip() for row in table)
    return "\n".join(lines)


def printable(text: str) -> str:
    r"""Escape what a terminal does not show as a letter, line breaks included.

    >>> print(printable("two\nlines"))
    two\nlines
    """
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def width(text: str) -> int:
    """Return how many columns a text takes; East Asian letters and emoji take two."""
    return sum(2 if east_asian_width(letter) in {"W", "F"} else 1 for letter in text)


def pad(text: str, columns: int) -> str:
    """Add spaces up to a number of columns."""
    return text + " " * (columns - width(text))
