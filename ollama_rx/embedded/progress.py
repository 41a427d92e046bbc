"""A progress bar on standard error: rich where it is installed, plain text otherwise."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TextIO

_MEGABYTE = 1_000_000
_PERCENT_STEP = 10


@contextmanager
def progress_bar(title: str, *, out: TextIO | None = None) -> Generator[Callable[[int, int], None]]:
    """Show how far a download is; yields ``report(bytes there, bytes in all)``.

    Nothing is shown before the first report. In a terminal one line is redrawn; elsewhere (a log, a pipe)
    a line is written every ten per cent.
    """
    stream = out if out is not None else sys.stderr
    if not stream.isatty():
        yield _Lines(title, stream)
        return
    try:
        from rich.console import Console  # noqa: PLC0415 - optional
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn  # noqa: PLC0415
    except ImportError:
        yield from _redrawn(title, stream)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, console=Console(file=stream))
    task = bar.add_task(title, total=None)

    def report(there: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=there, total=total)

    try:
        yield report
    finally:
        bar.stop()


def _redrawn(title: str, stream: TextIO) -> Generator[Callable[[int, int], None]]:
    shown = False

    def report(there: int, total: int) -> None:
        nonlocal shown
        shown = True
        stream.write(f"\r{_line(title, there, total)}")
        stream.flush()

    try:
        yield report
    finally:
        if shown:
            stream.write("\n")


class _Lines:
    def __init__(self, title: str, stream: TextIO) -> None:
        self._title = title
        self._stream = stream
        self._next = 0

    def __call__(self, there: int, total: int) -> None:
        percent = 100 * there // total
        if percent < self._next:
            return
        self._next = percent - percent % _PERCENT_STEP + _PERCENT_STEP
        self._stream.write(f"{_line(self._title, there, total)}\n")
        self._stream.flush()


def _line(title: str, there: int, total: int) -> str:
    return f"{title}: {there / _MEGABYTE:.1f} of {total / _MEGABYTE:.1f} MB ({100 * there // total} %)"
