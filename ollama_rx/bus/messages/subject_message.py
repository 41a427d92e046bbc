"""A message that was received from a subject."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import orjson

from ollama_rx.arguments import check_seconds
from ollama_rx.bus.messages.encode_item import encode_item

ACKNOWLEDGED: Final = b"+ACK"
"""The verdict on a message that need not be delivered again."""
_GIVEN_BACK = b"-NAK"


class MessageOrigin(Protocol):
    """The subscription that received a message; its methods may be called from any thread."""

    def settle(self, position: int, verdict: bytes, /) -> None:
        """Send the verdict on the message at a position to the stream."""
        ...

    def send(self, subject: str, payload: bytes, /) -> None:
        """Send a message."""
        ...


@dataclass(frozen=True, slots=True)
class SubjectMessage:
    """One message; its methods may be called from any thread while the subscription lasts.

    Afterwards, those that would send something raise a RuntimeError: a message that was not acknowledged by
    then has gone back to its stream.
    """

    subject: str
    """The subject to which it was sent."""
    data: bytes
    headers: Mapping[str, str]
    attempt: int = 1
    """How often the stream has delivered it: 2 if the first subscriber did not acknowledge it."""
    reply: str = ""
    """The subject on which its sender waits for a response; "" if the sender does not wait."""
    position: int = 0
    """Its sequence number in the stream; 0 if the message does not come from a stream."""
    _origin: MessageOrigin | None = field(default=None, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The payload as text."""
        return self.data.decode("utf-8", "replace")

    def json(self) -> object:
        """Return the payload as JSON.

        Raises:
            ValueError: the payload is not JSON.
        """
        return orjson.loads(self.data)

    def ack(self) -> None:
        """Acknowledge the message: the stream does not deliver it again, and may deliver the next one.

        Without a stream, that is without ``durable``, this does nothing.
        """
        self._settle(ACKNOWLEDGED)

    def nak(self, delay: float = 0.0) -> None:
        """Give the message back: the stream delivers it again, to any subscriber, after ``delay`` seconds."""
        check_seconds("delay", delay, zero=True)
        options = b' {"delay": %d}' % round(delay * 1e9) if delay else b""
        self._settle(_GIVEN_BACK + options)

    def respond(self, item: object) -> None:
        """Send an item to the sender of this message; may be called again if the sender waits for several.

        Raises:
            ValueError: the sender does not wait for a response.
        """
        if not self.reply or self._origin is None:
            raise ValueError(f"the sender of this message to {self.subject!r} does not wait for a response")
        self._origin.send(self.reply, encode_item(item))

    def _settle(self, verdict: bytes) -> None:
        if self.position and self._origin is not None:
            self._origin.settle(self.position, verdict)
