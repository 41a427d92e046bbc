"""Which event loop the code runs on: the user's, or one of ours that nobody should build on.

A stream without a loop of the user's gets a thread and a loop of its own, which end with it. Code on
such a loop (a subscriber's callback) counts as code on a plain thread.
"""

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

_thread = threading.local()


def users_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, unless it is one of ours."""
    return None if getattr(_thread, "ours", False) else running_loop()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread, whosever it is."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def on_loop(loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> bool:
    """Do something on that loop: now if we are on it, else soon; False if the loop is closed."""
    if users_loop() is loop:
        action()
        return True
    try:
        loop.call_soon_threadsafe(action)
    except RuntimeError:
        return False
    return True


@contextmanager
def ours() -> Generator[None]:
    """Say that the loop run in this thread meanwhile is one of ours."""
    _thread.ours = True
    try:
        yield
    finally:
        _thread.ours = False
