"""Print what a check has found, for people."""

import sys
from collections.abc import Iterator, Sequence

from ollama_rx.cli.doctor.finding import Finding, Status
from ollama_rx.cli.doctor.has_colours import has_colours
from ollama_rx.cli.output.layout import printable, window_columns, wrap
from ollama_rx.cli.terminal import echo, one_line

_INDENT = 9  # columns: the longest status and two spaces
_COLOURS: dict[Status, str] = {"ok": "\x1b[32m", "missing": "\x1b[33m", "problem": "\x1b[31m"}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def print_section(title: str, findings: Sequence[Finding]) -> None:
    """Print a title and the findings below it; nothing if there are none."""
    if not findings:
        return
    columns = window_columns(sys.stdout)
    lines = [title, *(line for finding in findings for line in _lines(finding, columns)), "", ""]
    text = "\n".join(lines)
    if columns is None:
        echo(text, sys.stdout)
    else:
        _print_on_terminal(text)


def _lines(finding: Finding, columns: int | None) -> Iterator[str]:
    mark: str = finding.status
    for line in wrap(one_line(f"{finding.name}: {finding.text}"), columns, _INDENT):
        yield mark.ljust(_INDENT) + line
        mark = ""
    if finding.command:
        yield " " * _INDENT + printable(finding.command)  # in one piece, so that it can be copied


def _print_on_terminal(text: str) -> None:
    """Print lines that fit, or that the terminal itself shall break."""
    if has_colours(sys.stdout):
        text = "\n".join(map(_coloured, text.split("\n")))
    encoding = sys.stdout.encoding
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _coloured(line: str) -> str:
    mark = line[:_INDENT].rstrip()
    if mark in _COLOURS:
        return f"{_COLOURS[mark]}{mark}{_PLAIN}{line[len(mark) :]}"
    return f"{_BOLD}{line}{_PLAIN}" if line and not line.startswith(" ") else line
