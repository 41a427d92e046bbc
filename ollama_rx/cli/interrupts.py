"""Ctrl-C: the first one closes what is open, the second one does not wait for that."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130  # as shells say it: 128 and the number of the signal


@contextmanager
def interrupts() -> Generator[None]:
    """Raise KeyboardInterrupt at the first Ctrl-C and end the process at the second.

    Python's own way is to interrupt the closing too, and then to take down threads that compute: the
    embedded model's library aborts the process over that. Whoever ignores the signal still does.
    """
    before = signal.getsignal(signal.SIGINT)
    ours = before is signal.default_int_handler and threading.current_thread() is threading.main_thread()
    if ours:
        signal.signal(signal.SIGINT, _first)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, before)


def _first(_: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _second)
    signal.default_int_handler(signal.SIGINT, frame)


def _second(_: int, frame: FrameType | None) -> None:
    del frame
    os._exit(INTERRUPTED)
