"""Store a host's answer in a run log: one event at a time, each directly after the previous one.

Data that arrives while an event is being stored goes into the next event, so a fast model needs few events
and a slow one is never delayed. If the bus is slower than the model, reading from the host is paused.
"""

import asyncio
from typing import Final

from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.rx.backpressure import PausableScheduler

MAX_WAITING: Final = 1024 * 1024
"""How many bytes may wait to be stored before reading from the host is paused."""

_HEADERS = 1024  # bytes of a message that are reserved for its headers


class EventWriter:
    """Writes the events of one attempt, whose ``start`` event is already stored at ``position``.

    `put` and `end` are the callbacks for the host's stream, which is subscribed to with ``scheduler``.
    """

    def __init__(self, log: RunLog, start: RunEvent, position: int, *, max_payload: int) -> None:
        self.scheduler = PausableScheduler(asyncio.get_running_loop())
        self.error: Exception | None = None
        """The error with which the host's answer ended early; None if it did not."""
        self._log = log
        self._last = start
        self._position = position
        self._most = max(max_payload - _HEADERS, max_payload // 2)
        self._waiting: list[bytes] = []
        self._size = 0
        self._has_ended = False
        self._is_stopped = False
        self._news = asyncio.Event()

    def put(self, data: bytes) -> None:
        """Receive a part of the answer."""
        self._waiting.append(data)
        self._size += len(data)
        self._news.set()
        if self._size > MAX_WAITING and not self.scheduler.paused:
            self.scheduler.pause()

    def end(self, error: Exception | None = None) -> None:
        """Receive the end of the answer."""
        self.error = error
        self._has_ended = True
        self._news.set()

    def stop(self) -> None:
        """Let `write` return, and drop the data that waits; an event being stored is still completed."""
        self._is_stopped = True
        self._news.set()

    async def write(self) -> bytes:
        """Store the answer except its last part, and return that part: it belongs in the final event.

        An answer that ended with an error is stored completely.

        Raises:
            SupersededError: another writer has ended this attempt.
            UnreachableError: the bus does not answer.
        """
        while not self._is_stopped:
            if not (self._waiting or self._has_ended):
                self._news.clear()
                await self._news.wait()
                continue
            if self._has_ended and self._size <= self._most and (self.error is None or not self._size):
                return b"".join(self._waiting)
            await self.store(EventKind.LINES, self._take())
        return b""

    async def store(self, kind: EventKind, payload: bytes) -> None:
        """Store the next event; raises the errors of `write`."""
        event = self._last.then(kind, payload)
        self._position = await self._log.append(event, after=self._position)
        self._last = event

    def _take(self) -> bytes:
        """Return as much waiting data as fits into one event, cut at the end of a line if possible."""
        block = b"".join(self._waiting)
        self._waiting.clear()
        if len(block) > self._most:
            end = block.rfind(b"\n", 0, self._most) + 1 or self._most
            self._waiting.append(block[end:])
            block = block[:end]
        self._size -= len(block)
        if self.scheduler.paused and self._size <= MAX_WAITING:
            self.scheduler.resume()
        return block
