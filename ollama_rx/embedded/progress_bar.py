"""A progress bar on standard error: rich where it is installed, plain text otherwise."""

import os
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TextIO

_MEGABYTE = 1e6
_GIGABYTE = 1e9
_PERCENT_STEP = 10
_BAR = range(8, 21)  # columns
# A line as wide as the window would be wrapped by the ^C of the terminal, and then be shown twice.
_FREE_COLUMNS = 5
_LEAST_TITLE = 8  # columns; a shorter one says nothing
_LATEST_SECONDS = 10.0  # over which the speed is measured
_LEAST_SECONDS = 1.0
_LONGEST_SECONDS = 100 * 3600  # a longer estimate means that nothing arrives


class ProgressBar(ABC):
    """Shows how far a download is; may be called from any thread, but one at a time."""

    def __init__(self, title: str, clock: Callable[[], float]) -> None:
        self._title = title
        self._speed = _Speed(clock)

    def __call__(self, done: int, total: int, *, found: int = 0) -> None:
        """Show the bytes that are there, and the bytes in total.

        ``found`` of those that are there were so before: they do not count for the speed.
        """
        self._speed.add(done - found)
        self.show_bytes(done, total)

    @abstractmethod
    def show_bytes(self, done: int, total: int) -> None:
        """Show the bytes."""

    @abstractmethod
    def show_step(self, text: str) -> None:
        """Show a step whose length is not known."""

    @abstractmethod
    def close(self, *, erase: bool) -> None:
        """End the line, or remove it."""

    def _figures(self, done: int, total: int) -> tuple[str, str]:
        """Return the speed and the time that is left, as far as they are known."""
        speed = self._speed.per_second
        if speed is None:
            return "", ""
        seconds = (total - done) / speed if speed else _LONGEST_SECONDS
        left = f"{_clock_time(round(seconds))} left" if seconds < _LONGEST_SECONDS else ""
        return f"{speed / _MEGABYTE:.1f} MB/s", left


@contextmanager
def progress_bar(title: str, *, out: TextIO | None = None, erase: bool = False) -> Generator[ProgressBar]:
    """Show the progress of a download: call what this yields with (bytes done, bytes in total).

    Nothing is shown before the first call. In a terminal one line is redrawn, and with ``erase`` it is gone
    in the end; elsewhere (in a log, a pipe, or a terminal that cannot redraw) a line is written every ten
    per cent.
    """
    stream = out if out is not None else sys.stderr
    bar = _new_bar(title, stream)
    try:
        yield bar
    finally:
        bar.close(erase=erase)


def _new_bar(title: str, stream: TextIO) -> ProgressBar:
    if not stream.isatty() or os.environ.get("TERM") == "dumb":  # which cannot redraw a line
        return _ProgressLog(title, stream)
    try:
        return _RichBar(title, stream)
    except ImportError:
        return _RedrawnLine(title, stream)


class _RichBar(ProgressBar):
    def __init__(self, title: str, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(title, clock)
        from rich.console import Console  # noqa: PLC0415 - an extra
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

        self._stream = stream
        self._bar_column = BarColumn(bar_width=_BAR.start)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            self._bar_column,
            TextColumn("{task.fields[figures]}", markup=False),
            console=Console(file=stream),
        )
        self._task = self._bar.add_task(title, total=None, figures="")

    def show_bytes(self, done: int, total: int) -> None:
        amount = _amount(done, total, "/")
        speed, left = self._figures(done, total)
        self._draw(self._title, done, total, [[amount, speed, left], [amount, left], [amount]])

    def show_step(self, text: str) -> None:
        self._draw(text, 0, None, [[]])

    def _draw(self, title: str, done: int, total: int | None, choices: list[list[str]]) -> None:
        """Draw as much as fits into the window."""
        room = _columns(self._stream) - _FREE_COLUMNS
        texts = [" ".join(filter(None, choice)) for choice in choices]
        shown = next((text for text in texts if len(text) + 1 + _BAR.start <= room), texts[-1])
        for_title = room - len(shown) - _BAR.start - 2
        title = title if len(title) <= for_title else _cut(title, for_title)
        free = room - len(title) - len(shown) - 2
        self._bar_column.bar_width = min(max(free, _BAR.start), _BAR[-1])
        if not self._bar.live.is_started:
            self._bar.start()
            self._bar.console.show_cursor()  # which a process that is killed could not bring back
        self._bar.update(self._task, description=title, completed=done, total=total, figures=shown)

    def close(self, *, erase: bool) -> None:
        self._bar.live.transient = erase
        self._bar.stop()


class _RedrawnLine(ProgressBar):
    def __init__(self, title: str, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(title, clock)
        self._stream = stream
        self._shown = ""

    def show_bytes(self, done: int, total: int) -> None:
        amount = f"{_amount(done, total, ' of ')} ({_percent(done, total)} %)"
        speed, left = self._figures(done, total)
        whole = ", ".join(filter(None, [f"{self._title}: {amount}", speed, left]))
        self._draw([whole, f"{self._title}: {amount}", amount])

    def show_step(self, text: str) -> None:
        self._draw([text])

    def _draw(self, choices: list[str]) -> None:
        room = _columns(self._stream) - _FREE_COLUMNS
        line = next((choice for choice in choices if len(choice) <= room), _cut(choices[-1], room))
        _write(self._stream, f"\r{line.ljust(len(self._shown))}")
        self._shown = line

    def close(self, *, erase: bool) -> None:
        if self._shown:
            _write(self._stream, f"\r{' ' * len(self._shown)}\r" if erase else "\n")


class _ProgressLog(ProgressBar):
    def __init__(self, title: str, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(title, clock)
        self._stream = stream
        self._next_percent = 0
        self._total = 0

    def show_bytes(self, done: int, total: int) -> None:
        percent = _percent(done, total)
        if total != self._total:  # of which a smaller share is there
            self._total = total
            self._next_percent = min(self._next_percent, _next_step(percent))
        if percent >= self._next_percent:
            self._next_percent = _next_step(percent)
            self.show_step(f"{self._title}: {_amount(done, total, ' of ')} ({percent} %)")

    def show_step(self, text: str) -> None:
        _write(self._stream, f"{text}\n")

    def close(self, *, erase: bool) -> None:
        """Do nothing: all lines are written."""


class _Speed:
    """Measures bytes a second over the last seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._samples = deque[tuple[float, int]]()

    def add(self, done: int) -> None:
        now = self._clock()
        self._samples.append((now, done))
        while self._samples[0][0] < now - _LATEST_SECONDS:
            self._samples.popleft()

    @property
    def per_second(self) -> float | None:
        """None if it is not known yet."""
        (began, first), (now, last) = self._samples[0], self._samples[-1]
        return max(last - first, 0) / (now - began) if now - began >= _LEAST_SECONDS else None


def _write(stream: TextIO, text: str) -> None:
    with suppress(OSError):  # a full disk or a closed pipe: there is nowhere left to report it
        stream.write(text)
        stream.flush()


def _amount(done: int, total: int, between: str) -> str:
    unit, name, decimals = (_GIGABYTE, "GB", 2) if total >= _GIGABYTE else (_MEGABYTE, "MB", 1)
    return f"{done / unit:.{decimals}f}{between}{total / unit:.{decimals}f} {name}"


def _percent(done: int, total: int) -> int:
    return 100 * done // total if total else 100


def _next_step(percent: int) -> int:
    return percent - percent % _PERCENT_STEP + _PERCENT_STEP


def _clock_time(seconds: int) -> str:
    """Write a duration as a clock would.

    >>> _clock_time(17), _clock_time(3723)
    ('0:17', '1:02:03')
    """
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _cut(text: str, columns: int) -> str:
    return f"{text[: columns - 3]}..." if columns >= _LEAST_TITLE else ""


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
