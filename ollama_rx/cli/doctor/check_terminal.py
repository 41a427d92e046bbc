"""The terminal: its size, its colours, its encoding."""

import os
import shutil
import sys
from collections.abc import Iterator

from ollama_rx.cli.doctor.finding import Finding, Status, Target
from ollama_rx.cli.doctor.has_colours import has_colours

TITLE = "Terminal"
POSITION = 8


def check(_: Target) -> Iterator[Finding]:
    """Ask standard output."""
    is_terminal = sys.stdout.isatty()
    if is_terminal:
        size = shutil.get_terminal_size()
        text = f"{size.columns} columns, {size.lines} lines"
        yield Finding(
            name="window", status="ok", text=text, fields={"columns": size.columns, "lines": size.lines}
        )
    else:
        yield Finding(name="window", status="ok", text="none: standard output is a file or a pipe")
    yield Finding(name="colours", status="ok", text=_colours(is_terminal=is_terminal))
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    is_utf_8 = encoding.lower().replace("_", "-") in {"utf-8", "utf8"}
    if is_utf_8:
        text = encoding
    else:
        text = f"{encoding}: other characters are shown as escapes; set the variable PYTHONUTF8=1"
    status: Status = "ok" if is_utf_8 else "problem"
    yield Finding(name="encoding", status=status, text=text, fields={"encoding": encoding})


def _colours(*, is_terminal: bool) -> str:
    if has_colours(sys.stdout):
        return "yes"
    if os.environ.get("NO_COLOR"):
        return "no, because of NO_COLOR"
    return "no, because TERM is dumb" if is_terminal else "no: it is not a terminal"
