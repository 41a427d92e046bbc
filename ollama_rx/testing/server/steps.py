"""The steps of a reply's body: bytes, pauses, gates, and where the connection is cut."""

import asyncio
import threading
from dataclasses import dataclass, field

from ollama_rx.arguments import check_seconds


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Until:
    """Nothing is sent until `seconds` after the start of the reply: a pace that does not drift."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends here, before the end of the body; with a TCP reset if `reset`."""

    reset: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """The status of the reply, if nothing of it has been sent yet."""

    status: int


@dataclass(eq=False, slots=True)
class Gate:
    """Holds replies back until the test opens it, from any thread: a pause without a duration.

    >>> gate = Gate()
    >>> gate.is_open
    False
    >>> gate.open()
    >>> gate.is_open
    True
    """

    is_open: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = field(
        default_factory=list[tuple[asyncio.AbstractEventLoop, asyncio.Event]], repr=False
    )

    def open(self) -> None:
        """Release all replies that are waiting here, and hold none back from now on."""
        with self._lock:
            self.is_open = True
            for loop, event in self._waiters:
                loop.call_soon_threadsafe(event.set)

    async def wait(self) -> None:
        """Wait until the gate is open; called by the server."""
        event = asyncio.Event()
        waiter = (asyncio.get_running_loop(), event)
        with self._lock:
            if self.is_open:
                return
            self._waiters.append(waiter)
        try:
            await event.wait()
        finally:
            with self._lock:
                self._waiters.remove(waiter)


#: one step of a body; bytes are one write
Step = bytes | Pause | Until | Gate | Cut | Status


def pause(seconds: float) -> Pause:
    """Send nothing for `seconds`; before the first byte this is a prefill stall, headers held back."""
    check_seconds("seconds", seconds, zero=True)
    return Pause(seconds)


def cut(*, reset: bool = False) -> Cut:
    """End the connection in the middle of the body.

    The client sees the end of the stream without the end of the body. With `reset` it sees a TCP reset,
    which may also destroy bytes that it has received but not read yet.
    """
    return Cut(reset)
