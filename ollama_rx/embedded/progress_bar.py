"""A progress bar on standard error: rich where it is installed, plain text otherwise."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from ollama_rx.embedded.weights import Report

_MEGABYTE = 1_000_000
_PERCENT_STEP = 10


@contextmanager
def progress_bar(title: str, *, out: TextIO | None = None) -> Generator[Report]:
    """Show the progress of a download; yields ``report(bytes done, bytes in total)``.

    Nothing is shown before the first report. In a terminal one line is redrawn; elsewhere (in a log or a
    pipe) a line is written every ten per cent.
    """
    stream = out if out is not None else sys.stderr
    if not stream.isatty():
        yield _ProgressLog(title, stream)
        return
    try:
        from rich.console import Console  # noqa: PLC0415 - optional
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415
    except ImportError:
        yield from _redrawn_line(title, stream)
        return
    # A line as wide as the window would be wrapped by the ^C of the terminal, and then be shown twice.
    bar_column = BarColumn(bar_width=20)
    columns = (TextColumn("{task.description}"), bar_column, DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=Console(file=stream))
    task = bar.add_task(title, total=None)

    def report(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield report
    finally:
        bar.stop()


def _redrawn_line(title: str, stream: TextIO) -> Generator[Report]:
    shown = False

    def report(done: int, total: int) -> None:
        nonlocal shown
        shown = True
        stream.write(f"\r{_line(title, done, total)}")
        stream.flush()

    try:
        yield report
    finally:
        if shown:
            stream.write("\n")


class _ProgressLog:
    def __init__(self, title: str, stream: TextIO) -> None:
        self._title = title
        self._stream = stream
        self._next_percent = 0

    def __call__(self, done: int, total: int) -> None:
        percent = 100 * done // total
        if percent < self._next_percent:
            return
        self._next_percent = percent - percent % _PERCENT_STEP + _PERCENT_STEP
        self._stream.write(f"{_line(self._title, done, total)}\n")
        self._stream.flush()


def _line(title: str, done: int, total: int) -> str:
    return f"{title}: {done / _MEGABYTE:.1f} of {total / _MEGABYTE:.1f} MB ({100 * done // total} %)"
