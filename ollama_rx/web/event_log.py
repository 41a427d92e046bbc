"""The events of a stream that readers may still ask for, within bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from ollama_rx.protocol.lenient_json import make_whole
from ollama_rx.web.web_event import WebEvent

BATCH_BYTES = 65_536
"""How much JSON a reader is given at once, and so what a connection may hold of it that takes nothing."""

_MOST_DIGITS = 18  # of the number of an event: Python refuses to read very long ones


class LoggedEvent:
    """An event with its place in the log; ``number`` is None for one that is meant for one reader only."""

    __slots__ = ("_sse", "event", "id", "json", "number", "time")

    def __init__(self, event: WebEvent, run: str = "", number: int | None = None, time: float = 0.0) -> None:
        try:
            self.json = orjson.dumps(event.data)
        except TypeError:  # half a character, as in a file name that is not UTF-8, or no JSON at all
            event = WebEvent(event.type, make_whole(event.data))
            self.json = orjson.dumps(event.data)
        self.event = event
        self.number = number
        self.id = None if number is None else f"{run}-{number}"
        self.time = time
        self._sse: bytes | None = None

    @property
    def sse(self) -> bytes:
        """The event as a server-sent event; built once, however many readers there are.

        Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
        """
        if self._sse is None:
            head = f"event: {self.event.type}\ndata: "
            if self.id is not None:
                head = f"id: {self.id}\n{head}"
            self._sse = b"%b%b\n\n" % (head.encode(), self.json)  # JSON has no line breaks
        return self._sse


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a log keeps at most: events, bytes of JSON, and seconds."""

    events: int
    bytes: int
    age: float


class EventLog:
    """Numbers events from 1 and keeps the newest.

    Args:
        run: distinguishes this log from all others.
        bounds: what is kept at most; the newest event is always kept.
    """

    def __init__(self, run: str, bounds: Bounds) -> None:
        self.run = run
        self.last = 0
        """The number of the newest event; 0 before the first."""
        self.missed = 0
        """How many events at the beginning are no longer kept."""
        self._bounds = bounds
        self._events: dict[int, LoggedEvent] = {}
        self._bytes = 0

    def append(self, event: WebEvent, now: float) -> LoggedEvent:
        """Add an event, and drop old ones.

        Raises:
            TypeError: JSON cannot hold its data.
        """
        number = self.last + 1
        logged = LoggedEvent(event, self.run, number, now)
        self.last = number
        self._events[number] = logged
        self._bytes += len(logged.json)
        self.expire(now)
        return logged

    def expire(self, now: float) -> None:
        """Drop what is beyond the bounds."""
        while len(self._events) > 1 and self._is_beyond_bounds(now):
            self.missed += 1
            self._bytes -= len(self._events.pop(self.missed).json)

    def _is_beyond_bounds(self, now: float) -> bool:
        bounds = self._bounds
        return (
            len(self._events) > bounds.events
            or self._bytes > bounds.bytes
            or now - self._events[self.missed + 1].time > bounds.age
        )

    def after(self, number: int) -> Sequence[LoggedEvent]:
        """Return the events after the one with this number that are kept, up to `BATCH_BYTES`."""
        found: list[LoggedEvent] = []
        size = 0
        for following in range(max(number, self.missed) + 1, self.last + 1):
            found.append(event := self._events[following])
            size += len(event.json)
            if size >= BATCH_BYTES:
                break
        return found

    def number_of(self, identifier: str) -> int | None:
        """Return the number in the id of an event; None if it is not of this log."""
        run, _, number = identifier.rpartition("-")
        if run != self.run or not number.isascii() or not number.isdigit() or len(number) > _MOST_DIGITS:
            return None
        return int(number) if int(number) <= self.last else None
