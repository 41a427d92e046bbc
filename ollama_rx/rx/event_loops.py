"""Which event loop the current thread runs: the user's, or an internal one of this package.

A stream that is subscribed to outside an event loop gets a thread and an internal loop of its own, which end
with the stream. Code that runs on an internal loop (a subscriber's callback) counts as code on a plain
thread.
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
    """Call ``action`` on a loop: now if the caller is on it, else soon. Returns False if it is closed."""
    if user_loop() is loop:
        action()
        return True
    try:
        loop.call_soon_threadsafe(action)
    except RuntimeError:
        return False
    return True


@contextmanager
def marked_as_internal() -> Generator[None]:
    """Mark the loop that this thread runs inside the ``with`` block as an internal one."""
    _thread.internal = True
    try:
        yield
    finally:
        _thread.internal = False


def notify_before_blocking(event: threading.Event) -> None:
    """Make `about_to_block` set ``event`` when it is called in this thread.

    `deliver` waits for this event: a source that sends inside ``subscribe`` may block the thread that
    subscribes, and `deliver` must then return all the same.
    """
    _thread.before_blocking = event


def about_to_block() -> None:
    """Set the event of `notify_before_blocking`, if there is one; call it before waiting for a reader."""
    event: threading.Event | None = getattr(_thread, "before_blocking", None)
    if event is not None:
        event.set()
