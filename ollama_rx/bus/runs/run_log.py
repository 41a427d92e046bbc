"""A run log: the one record of what became of a prompt, which clients and workers agree on.

A worker stores an event only right after the last one it knows. Another worker, or a client that cancels,
ends the attempt by storing something in between.
"""

from contextlib import suppress
from typing import Final

import orjson
from nats.errors import ConnectionClosedError
from nats.js.errors import APIError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.direct_get import last_message
from ollama_rx.bus.connection.store_message import WRONG_POSITION, store_message
from ollama_rx.bus.connection.until_answered import UNANSWERED, until_answered
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.subjects import Subjects

NOTHING_STORED: Final = 0
"""The position after which the first event of a run is stored."""


class SupersededError(Exception):
    """An event was refused because the run has gone on without its writer; ``last`` is its last event."""

    def __init__(self, last: RunEvent | None) -> None:
        super().__init__("the run has gone on without this attempt")
        self.last = last


class RunLog:
    """The log of one run."""

    def __init__(self, connection: BusConnection, subjects: Subjects, run: str) -> None:
        self.run = run
        self._connection = connection
        self._stream = subjects.events_stream
        self._subject = subjects.events(run)
        self._control = subjects.control(run)

    async def last(self) -> RunEvent | None:
        """Return the last event, or None if there is none.

        Raises:
            UnreachableError: the server does not answer for half a minute.
        """
        return await until_answered(self._connection, self._look_up)

    async def append(self, event: RunEvent, *, after: int) -> int:
        """Store an event right after a position, `NOTHING_STORED` for the first one; return its own position.

        It is tried until there is an answer. If an earlier answer was lost with the connection, the server
        refuses the event although it is stored; then its position is looked up.

        Raises:
            SupersededError: another event is stored after that position.
            UnreachableError: the server does not answer for half a minute.
        """
        headers = event.headers(after)

        async def store() -> int:
            try:
                stored = await store_message(self._connection, self._subject, event.payload, headers)
            except APIError as error:
                if error.err_code != WRONG_POSITION:
                    raise
            else:
                return stored.position
            last = await self._look_up()
            if last is not None and last.id == event.id:
                return last.position
            raise SupersededError(last)

        return await until_answered(self._connection, store)

    async def cancel(self, reason: str) -> None:
        """Store that nobody wants the answer, which ends every attempt, and tell workers at once.

        It is sent and not awaited: the connection sends what is published before it is closed. The server
        tells the workers, because its acknowledgement goes to them, as soon as the event is in the log.
        """
        payload = orjson.dumps({"reason": reason})
        event = RunEvent(self.run, 0, 0, EventKind.CANCELLED, payload)
        with suppress(ConnectionClosedError, *UNANSWERED):
            await self._connection.nats.publish(
                self._subject, event.payload, reply=self._control, headers=event.headers()
            )

    async def _look_up(self) -> RunEvent | None:
        found = await last_message(self._connection, self._stream, self._subject)
        return None if found is None else RunEvent.read(found.headers, found.data, found.position)
