"""Check whether anybody reads the answer of a run: each reader subscribes to a subject of the run.

The check is a request to that subject, which the server itself refuses at once if there is no subscriber. A
reader that is too busy to answer still counts; one that has died does not, because its connection is gone.
"""

import asyncio
from typing import Final

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from ollama_rx.bus.connection.bus_connection import BusConnection

PROBE_EVERY: Final = 2.0
"""Seconds between two checks."""

_ANSWER = 1.0  # seconds to wait for a reader that may be busy


class ReaderWatch:
    """Checks whether one run has readers; ``subject`` is the subject to which they subscribe."""

    def __init__(self, connection: BusConnection, subject: str, *, grace: float) -> None:
        self._connection = connection
        self._subject = subject
        self._grace = grace

    async def is_read(self) -> bool:
        """Check whether there is a reader; if the bus does not answer, assume that there is."""
        if self._connection.is_connected:
            try:
                await self._connection.request(self._subject, b"", seconds=_ANSWER)
            except NoRespondersError:
                return False
            except (NatsError, TimeoutError):
                pass
        return True

    async def read_again(self) -> bool:
        """Wait until there is a reader; return False if there is none within ``grace`` seconds."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._grace
        while not await self.is_read():
            left = deadline - clock()
            if not left > 0:
                return False
            await asyncio.sleep(min(left, PROBE_EVERY))
        return True
