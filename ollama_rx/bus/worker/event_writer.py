"""Store what a host answers in a run log: one event at a time, each right after the one before it.

What arrives while an event is being stored goes into the next one, so that a fast model needs few events and
a slow one waits for nothing. If the bus is slower than the model, the host is made to wait.
"""

import asyncio
from typing import Final

from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.rx.backpressure import PausableScheduler

MAX_WAITING: Final = 1024 * 1024
"""Bytes that wait to be stored before the host has to wait."""

_HEADERS = 1024  # bytes of a message that are left for its headers


class EventWriter:
    """Writes one attempt, whose ``start`` is stored at a position already.

    `put` and `end` are the callbacks of the host's stream, which is subscribed to with ``scheduler``.
    """

    def __init__(self, log: RunLog, start: RunEvent, position: int, *, max_payload: int) -> None:
        self.scheduler = PausableScheduler(asyncio.get_running_loop())
        self.error: Exception | None = None
        """Why the host's answer has broken off."""
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
        """Take a part of the answer."""
        self._waiting.append(data)
        self._size += len(data)
        self._news.set()
        if self._size > MAX_WAITING and not self.scheduler.paused:
            self.scheduler.pause()

    def end(self, error: Exception | None = None) -> None:
        """Take the end of the answer."""
        self.error = error
        self._has_ended = True
        self._news.set()

    def stop(self) -> None:
        """Let `write` return, and drop what waits; an event that is being stored is not given up."""
        self._is_stopped = True
        self._news.set()

    async def write(self) -> bytes:
        """Store all of the answer but its last part, which is returned: it belongs to the event at its end.

        An answer that has broken off is stored completely.

        Raises:
            SupersededError: the run has gone on without this attempt.
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
        """Store the next event; raises what `write` does."""
        event = self._last.then(kind, payload)
        self._position = await self._log.append(event, after=self._position)
        self._last = event

    def _take(self) -> bytes:
        """Return what fits into one event, whole lines if possible."""
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
