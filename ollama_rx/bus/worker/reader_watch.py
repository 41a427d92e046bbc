"""Does anybody read the answer of a run? The bus knows, because a reader subscribes to a subject of the run.

A request to that subject tells: without a subscriber the server itself answers at once. A reader that is busy
and does not answer is still there; one that has died is not, since its connection is gone.
"""

import asyncio
from typing import Final

from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from ollama_rx.bus.connection.bus_connection import BusConnection

PROBE_EVERY: Final = 2.0
"""Seconds between two looks."""

_ANSWER = 1.0  # seconds to wait for a reader that may be busy


class ReaderWatch:
    """Looks for the readers of one run; ``subject`` is the one to which they subscribe."""

    def __init__(self, connection: BusConnection, subject: str, *, grace: float) -> None:
        self._connection = connection
        self._subject = subject
        self._grace = grace

    async def is_read(self) -> bool:
        """Check whether there is a reader; a bus that does not answer counts as one."""
        if self._connection.is_connected:
            try:
                await self._connection.request(self._subject, b"", seconds=_ANSWER)
            except NoRespondersError:
                return False
            except (NatsError, TimeoutError):
                pass
        return True

    async def read_again(self) -> bool:
        """Wait until there is a reader; False if there is none for as long as the grace."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._grace
        while not await self.is_read():
            left = deadline - clock()
            if not left > 0:
                return False
            await asyncio.sleep(min(left, PROBE_EVERY))
        return True
