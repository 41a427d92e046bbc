"""Which event loop the current thread runs: the user's, or an internal one of this package.

A stream that is subscribed outside an event loop gets a thread and a loop of its own, which end with it. Code
that runs on such an internal loop (a subscriber's callback) counts as code on a plain thread.
"""

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

_thread = threading.local()


def user_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, unless it is an internal one."""
    return None if getattr(_thread, "internal", False) else running_loop()


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the event loop that runs in this thread, whether internal or the user's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def run_on_loop(loop: asyncio.AbstractEventLoop, action: Callable[[], object]) -> bool:
    """Call ``action`` on that loop: now if this code runs on it, else soon; False if the loop is closed."""
    if user_loop() is loop:
        action()
        return True
    try:
        loop.call_soon_threadsafe(action)
    except RuntimeError:
        return False
    return True


@contextmanager
def internal_loop() -> Generator[None]:
    """Mark the loop that this thread runs meanwhile as an internal one."""
    _thread.internal = True
    try:
        yield
    finally:
        _thread.internal = False


def set_before_blocking(event: threading.Event) -> None:
    """Let `about_to_block` set ``event`` from now on in this thread.

    Lets `deliver` return when the thread that subscribes is about to block, as it is when a source sends
    inside ``subscribe``.
    """
    _thread.before_blocking = event


def about_to_block() -> None:
    """Set the event of `set_before_blocking`, if this thread has one: it now waits for a reader."""
    event: threading.Event | None = getattr(_thread, "before_blocking", None)
    if event is not None:
        event.set()
