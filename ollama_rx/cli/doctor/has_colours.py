"""Whether a report may have colours."""

import os
from typing import TextIO


def has_colours(file: TextIO) -> bool:
    """Tell whether a file is a terminal whose user wants colours. Source: https://no-color.org."""
    return file.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR")
