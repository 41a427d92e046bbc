"""What a reply is made of on its way out: bytes, silences, gates and cuts."""

import asyncio
import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is sent for `seconds`."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Until:
    """Nothing is sent before `seconds` after the reply began: a pace that does not drift."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends here without the end of the body, with a TCP reset if `reset`."""

    reset: bool = False


_Place = tuple[asyncio.AbstractEventLoop, asyncio.Event]


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
    _waiting: list[_Place] = field(default_factory=list[_Place], repr=False)

    def open(self) -> None:
        """Let everything through that waits here and everything that will come."""
        with self._lock:
            self.is_open = True
            for loop, event in self._waiting:
                loop.call_soon_threadsafe(event.set)

    async def passed(self) -> None:
        """Wait until the gate is open; called by the server."""
        event = asyncio.Event()
        place = (asyncio.get_running_loop(), event)
        with self._lock:
            if self.is_open:
                return
            self._waiting.append(place)
        try:
            await event.wait()
        finally:
            with self._lock:
                self._waiting.remove(place)


Step = bytes | Pause | Until | Gate | Cut


def pause(seconds: float) -> Pause:
    """Send nothing for `seconds`; before the first byte this is a prefill stall, headers held back."""
    if seconds < 0:
        raise ValueError(f"seconds must not be negative, got {seconds}")
    return Pause(seconds)


def cut(*, reset: bool = False) -> Cut:
    """End the connection in the middle of the body.

    The client sees the end of the stream without the end of the body. With `reset` it sees a TCP reset,
    which may also destroy bytes that it has received but not read yet.
    """
    return Cut(reset)
