"""SIGTERM and a terminal that is closed: both end a chat, after what has to be put in order."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from ollama_rx.cli.terminal import EXIT_BY_SIGNAL, HANG_UP


@contextmanager
def ended_by_signals() -> Generator[None]:
    """Raise SystemExit at such a signal; one that the process ignores stays ignored, as with ``nohup``."""
    numbers = [number for number in (signal.SIGTERM, HANG_UP) if number is not None]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is signal.SIG_DFL:
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(EXIT_BY_SIGNAL + number)
