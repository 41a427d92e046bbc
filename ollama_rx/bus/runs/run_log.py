"""A run log: the only record of what happened to a prompt; clients and workers all rely on it.

A worker stores an event only if the last event it knows is still the last one of the log. Another worker, or
a client that cancels the run, ends the attempt by storing an event first.
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
"""The position that precedes the first event of a run."""


class SupersededError(Exception):
    """An event was refused because the run went on without its writer; ``last`` is the run's last event."""

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
        """Store an event right after a position, `NOTHING_STORED` for the first one; return the new position.

        The request is repeated until the server answers. If an earlier answer was lost with the connection,
        the server refuses the event although it is stored; then its position is looked up.

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
        """Store a ``cancelled`` event, which ends every attempt, and notify the workers at once.

        The acknowledgement is not awaited: the connection sends all published messages before it is closed.
        The acknowledgement goes to the workers instead, so they learn of the event once it is in the log.
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
