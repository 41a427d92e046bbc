"""SIGTERM and a closed terminal (SIGHUP) end a chat, but let it clean up first."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from ollama_rx.cli.terminal import EXIT_BY_SIGNAL, HANG_UP


@contextmanager
def ended_by_signals() -> Generator[None]:
    """Raise SystemExit at SIGTERM and SIGHUP; a signal that is ignored, as with ``nohup``, stays ignored."""
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
