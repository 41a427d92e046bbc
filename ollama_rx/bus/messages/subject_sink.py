"""Send the items of a stream to a subject of NATS, for other programs."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import count
from typing import Final, Self
from urllib.parse import parse_qsl

from ollama_rx.arguments import check_callable, check_flag, check_seconds, check_whole
from ollama_rx.bus.connection.bus_connection import BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.connection.credentials import Credentials
from ollama_rx.bus.messages.check_subject import check_subject
from ollama_rx.bus.messages.encode_item import encode_item
from ollama_rx.bus.messages.subject_outbox import Outgoing, SubjectOutbox
from ollama_rx.bus.subjects import MESSAGE_ID, SUBJECT_END, new_run
from ollama_rx.errors import OllamaError
from ollama_rx.sinks import Sink

_CLOSING_SECONDS = 1.0  # for which a cancelled delivery waits for the messages in flight
_YES_OR_NO: Final = {"yes": True, "no": False}


def to_subject(
    subject: str,
    servers: str | Sequence[str] | None = None,
    *,
    credentials: Credentials | None = None,
    acknowledge: bool = True,
    max_unacknowledged: int = 256,
    max_outage: float | None = 60.0,
    mark_end: bool = True,
    encode: Callable[[object], bytes] = encode_item,
) -> "SubjectSink":
    """Return a sink that sends each item to a NATS subject, as a message of its own.

    A JetStream stream stores the messages and acknowledges them: in order, each once, even if the connection
    or the server is lost meanwhile. (The stream recognises a repeated message within its duplicate window,
    two minutes by default.) While too many messages are not acknowledged, the stream of items is paused. If
    no stream of the server stores the subject, the sink fails with a `SubjectError`.

    With ``acknowledge=False`` no stream is needed: each message goes to the programs that listen at that
    moment. It is lost if none listens, or if the connection breaks just then.

    The last message is empty and has the header ``Ollama-Rx-End``: ``completed``, ``cancelled``, or the name
    of the error with which the stream ended, such as ``IncompleteStreamError``.

    Args:
        subject: words between dots, such as ``answers.kitchen``.
        servers: as in `jetstream`: one URL or several; NATS_URL or the server on this machine if None.
        credentials: as in `jetstream`.
        acknowledge: whether a stream has to store the messages.
        max_unacknowledged: how many messages may be unacknowledged before the stream is paused, at least 1.
        max_outage: seconds for which the server may acknowledge nothing before the sink fails; None for no
            limit. A failure is reported with the next item, or at the end.
        mark_end: whether the last message, which marks the end, is sent.
        encode: returns the payload for an item; see `encode_item`.

    On the command line: ``--to nats:answers``, ``--to "nats:answers?acknowledge=no"``, and with a server
    ``--to nats://bus.example:4222/answers``.
    """
    return SubjectSink(
        subject,
        servers,
        credentials=credentials,
        acknowledge=acknowledge,
        max_unacknowledged=max_unacknowledged,
        max_outage=max_outage,
        mark_end=mark_end,
        encode=encode,
    )


class SubjectSink(Sink[object]):
    """Sends each item as a message; see `to_subject`, which makes it."""

    def __init__(
        self,
        subject: str,
        servers: str | Sequence[str] | None = None,
        *,
        credentials: Credentials | None = None,
        acknowledge: bool = True,
        max_unacknowledged: int = 256,
        max_outage: float | None = 60.0,
        mark_end: bool = True,
        encode: Callable[[object], bytes] = encode_item,
    ) -> None:
        check_subject(subject)
        check_flag("acknowledge", acknowledge)
        check_whole("max_unacknowledged", max_unacknowledged, least=1)
        if max_outage is not None:
            check_seconds("max_outage", max_outage)
        check_flag("mark_end", mark_end)
        check_callable("encode", encode)
        self._subject = subject
        self._options = ConnectionOptions.of(servers, credentials)
        self._acknowledge = acknowledge
        self._max_unacknowledged = max_unacknowledged
        self._max_outage = max_outage
        self._mark_end = mark_end
        self._encode = encode
        self._outbox: SubjectOutbox | None = None
        self._stream_id = new_run()
        self._numbers = count(1)

    @classmethod
    def from_uri(cls, argument: str) -> Self:
        """Return the sink for ``--to nats:subject``, ``nats:subject?acknowledge=no`` or ``nats://host/subject``.

        ``acknowledge`` and ``mark_end`` are ``yes`` or ``no``.
        """
        subject, _, query = argument.partition("?")
        servers = None
        if subject.startswith("//"):
            host, _, subject = subject.removeprefix("//").partition("/")
            servers = f"nats://{host}"
        flags = {"acknowledge": True, "mark_end": True}
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name not in flags or value not in _YES_OR_NO:
                raise ValueError(  # without the value: it may be the rest of a password that contains a "?"
                    "nats: expected acknowledge=yes|no or mark_end=yes|no after the question mark"
                )
            flags[name] = _YES_OR_NO[value]
        return cls(subject, servers, acknowledge=flags["acknowledge"], mark_end=flags["mark_end"])

    async def open(self) -> None:
        """Connect.

        Raises:
            UnreachableError: there is no server.
        """
        self._has_ended = False
        self._outbox = SubjectOutbox(
            BusConnections(self._options, name="ollama-rx to_subject"),
            self._subject,
            acknowledge=self._acknowledge,
            max_waiting=self._max_unacknowledged,
            max_outage=self._max_outage,
        )
        await self._outbox.connected()

    async def on_next(self, value: object) -> None:  # type: ignore[override]
        """Send an item; wait while too many items are not acknowledged."""
        await self._send(self._encode(value))

    async def on_completed(self) -> None:  # type: ignore[override]
        """Send the end, and wait until the server has confirmed all messages."""
        await self._end("completed")

    async def on_error(self, error: Exception) -> None:  # type: ignore[override]
        """Send the name of the error, and wait until the server has confirmed all messages."""
        await self._end(type(error).__name__)

    async def close(self) -> None:
        """Close the connection; a cancelled delivery first waits briefly for the messages in flight."""
        outbox = self._outbox
        if outbox is None:
            return
        try:
            if not self._has_ended:
                with suppress(OllamaError, TimeoutError):
                    async with asyncio.timeout(_CLOSING_SECONDS):
                        await self._end("cancelled")
        finally:
            self._outbox = None
            await outbox.close()

    async def _end(self, how: str) -> None:
        self._has_ended = True
        if self._mark_end:
            await self._send(b"", {SUBJECT_END: how})
        await self._open_outbox.flush()

    async def _send(self, payload: bytes, headers: dict[str, str] | None = None) -> None:
        if self._acknowledge:
            headers = {**(headers or {}), MESSAGE_ID: f"{self._stream_id}:{next(self._numbers)}"}
        await self._open_outbox.put(Outgoing(payload, headers))

    @property
    def _open_outbox(self) -> SubjectOutbox:
        if self._outbox is None:
            raise RuntimeError("this sink is not open; `deliver` opens it")
        return self._outbox
