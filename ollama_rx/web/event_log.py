"""The events of a stream that readers may still ask for, within bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from ollama_rx.web.web_event import WebEvent

_MOST_DIGITS = 18  # of the number of an event: Python refuses to read very long ones
_TRIM_EVENTS = 256  # events that were dropped are removed from the list together: deleting moves the others


class LoggedEvent:
    """An event with its place in the log; ``number`` is None for one that is meant for one reader only."""

    __slots__ = ("_sse", "event", "id", "json", "number", "time")

    def __init__(self, event: WebEvent, run: str = "", number: int | None = None, time: float = 0.0) -> None:
        self.event = event
        self.number = number
        self.id = None if number is None else f"{run}-{number}"
        self.json = orjson.dumps(event.data)
        self.time = time
        self._sse: bytes | None = None

    @property
    def sse(self) -> bytes:
        """The event as a server-sent event; built once, however many readers there are.

        Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
        """
        if self._sse is None:
            head = (
                f"event: {self.event.type}\ndata: "
                if self.id is None
                else (f"id: {self.id}\nevent: {self.event.type}\ndata: ")
            )
            self._sse = head.encode() + self.json + b"\n\n"  # JSON has no line breaks
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
        self._bounds = bounds
        self._events: list[LoggedEvent] = []
        self._dropped = 0  # at the beginning of the list
        self._first = 1  # the number of the oldest event in the list, dropped ones included
        self._bytes = 0

    @property
    def last(self) -> int:
        """The number of the newest event; 0 before the first."""
        return self._first + len(self._events) - 1

    @property
    def missed(self) -> int:
        """How many events at the beginning are no longer kept."""
        return self._first + self._dropped - 1

    def append(self, event: WebEvent, now: float) -> LoggedEvent:
        """Add an event, and drop old ones."""
        logged = LoggedEvent(event, self.run, self.last + 1, now)
        self._events.append(logged)
        self._bytes += len(logged.json)
        self.expire(now)
        return logged

    def expire(self, now: float) -> None:
        """Drop what is beyond the bounds."""
        events, bounds = self._events, self._bounds
        newest = len(events) - 1
        while self._dropped < newest and (
            newest - self._dropped >= bounds.events
            or self._bytes > bounds.bytes
            or now - events[self._dropped].time > bounds.age
        ):
            self._bytes -= len(events[self._dropped].json)
            self._dropped += 1
        if self._dropped >= _TRIM_EVENTS:
            del events[: self._dropped]
            self._first += self._dropped
            self._dropped = 0

    def after(self, number: int) -> Sequence[LoggedEvent]:
        """Return the events that follow the one with this number, as far as they are kept."""
        return self._events[max(number + 1 - self._first, self._dropped) :]

    def number_of(self, identifier: str) -> int | None:
        """Return the number in the id of an event; None if it is not of this log."""
        run, _, number = identifier.rpartition("-")
        if run != self.run or not number.isascii() or not number.isdigit() or len(number) > _MOST_DIGITS:
            return None
        return int(number) if int(number) <= self.last else None
