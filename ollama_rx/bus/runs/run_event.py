"""The events of a run log: everything that happened to one prompt, in order."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from nats.aio.msg import Msg

from ollama_rx.bus.subjects import EVENT_KIND, EXPECTED_POSITION, MESSAGE_ID


class EventKind(StrEnum):
    """What an event reports; a final event ends the run."""

    START = "start"
    """A worker has begun an attempt."""
    LINES = "lines"
    """Whole lines of the answer, or a piece of a line that is too long for one message."""
    END = "end"
    """The last lines, if any: the host has completed the answer. Final."""
    CUT = "cut"
    """The attempt has failed after it began; another may follow. The payload is {"reason"}."""
    FAILED = "failed"
    """The prompt was refused, or no attempt is left. Final; {"status", "reason", "signin_url"}."""
    CANCELLED = "cancelled"
    """The answer is no longer wanted. Final; {"reason"}."""


_NOT_AN_EVENT = b'{"status": 500, "reason": "the log of this run has a message that is not an event of it"}'
_FINAL = frozenset({EventKind.END, EventKind.FAILED, EventKind.CANCELLED})


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One event: number ``seq`` of an attempt, counted from 0.

    An event outside of all attempts has attempt 0: a cancellation, or a failure before the first attempt.

    Two workers may begin the same attempt. Their events differ in ``writer``, so neither of them mistakes an
    event of the other for its own.
    """

    run: str
    attempt: int
    seq: int
    kind: EventKind
    payload: bytes = b""
    position: int = 0
    """The sequence number of the event in the stream; 0 while it is not stored."""
    writer: str = ""
    """Identifies the worker that has begun the attempt; unique among all attempts of all workers."""

    @property
    def id(self) -> str:
        """The unique id of the event."""
        id_in_log = f"{self.run}:{self.attempt}:{self.seq}"
        return f"{id_in_log}:{self.writer}" if self.writer else id_in_log

    @property
    def is_final(self) -> bool:
        """Whether the event ends the run."""
        return self.kind in _FINAL

    def then(self, kind: EventKind, payload: bytes = b"") -> Self:
        """Return the event that follows in the same attempt."""
        return type(self)(self.run, self.attempt, self.seq + 1, kind, payload, writer=self.writer)

    def headers(self, after: int | None = None) -> dict[str, str]:
        """Return the headers for storing the event; ``after`` is the only position that may precede it."""
        headers = {MESSAGE_ID: self.id}
        if self.kind is not EventKind.LINES:
            headers[EVENT_KIND] = self.kind
        if after is not None:
            headers[EXPECTED_POSITION] = str(after)
        return headers

    @classmethod
    def of(cls, message: Msg) -> Self:
        """Read a message of a consumer.

        Raises:
            ValueError: the message does not come from a consumer.
        """
        return cls.read(message.headers, message.data, places_in(message.reply)[0])

    @classmethod
    def read(cls, headers: Mapping[str, str] | None, payload: bytes, position: int) -> Self:
        """Read a stored message.

        A message that is not an event, because a stranger has stored it, is read as a failure of the whole
        run. So all readers and workers agree on how the run ended: no attempt can continue after it.
        """
        fields = headers or {}
        run, *numbers = fields.get(MESSAGE_ID, "").split(":")
        kind = fields.get(EVENT_KIND)
        try:
            attempt, seq, *writer = numbers
            found = EventKind.LINES if kind is None else EventKind(kind)
            return cls(run, int(attempt), int(seq), found, payload, position, ":".join(writer))
        except ValueError:
            return cls(run, 0, 0, EventKind.FAILED, _NOT_AN_EVENT, position)


def places_in(reply: str) -> tuple[int, int]:
    """Return the sequence numbers of a message in the stream and in the consumer, from its reply subject.

    This is `$JS.ACK.<stream>.<consumer>.<delivered>.<in stream>.<in consumer>...`. If the server uses a
    domain, two more words precede the name of the stream.
    Source: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-15.md
    """
    words = reply.split(".")
    first = 5 if len(words) < 11 else 7  # noqa: PLR2004 - as described
    return int(words[first]), int(words[first + 1])
