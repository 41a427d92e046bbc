"""What a terminal can do, and its size."""

import os
from typing import TextIO


def is_terminal(file: TextIO) -> bool:
    """Whether a file is a terminal that understands escape sequences."""
    is_tty = getattr(file, "isatty", None)  # some replacements of the standard output have only `write`
    return bool(is_tty and is_tty()) and os.environ.get("TERM") != "dumb"


def terminal_size(file: TextIO) -> os.terminal_size | None:
    """Return the columns and rows of a terminal; None if it does not tell."""
    try:
        size = os.get_terminal_size(file.fileno())
    except (OSError, AttributeError):  # a replacement of the standard output without a descriptor
        return None
    return size if size.columns > 1 and size.lines > 1 else None
