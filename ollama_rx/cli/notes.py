"""Lines for the person in front: notes and errors on standard error, the text of lists on standard output."""

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TextIO

from ollama_rx.sinks import Console, StopSink


def say(text: str, file: TextIO | None = None) -> None:
    """Write lines; control characters of a server's text can't steer the terminal, a gone reader is fine."""
    with suppress(StopSink), Console(sys.stderr if file is None else file) as console:
        console.on_next(text)


def columns(rows: Iterable[Sequence[str]]) -> str:
    """Align cells into columns, two spaces apart.

    >>> print(columns([("model", "size"), ("a", "1 GB")]))
    model  size
    a      1 GB
    """
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)
    return "\n".join(lines)
