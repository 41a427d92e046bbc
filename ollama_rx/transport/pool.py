"""The connections of each event loop; taking and returning one costs the same however many there are."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ollama_rx.rx.loop_end import LoopEnd
from ollama_rx.transport.connection import BufferedConnection, Connection

_READ_SIZE = 262_144  # bytes in one read, as in asyncio and uvloop


class Pool:
    """The connections of one loop; ``ended`` is called when the loop ends."""

    def __init__(self, keepalive: float, *, ended: Callable[[], object]) -> None:
        self._keepalive = keepalive
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._all: set[Connection] = set()
        self._idle: dict[object, deque[Connection]] = {}
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._read_buffer: memoryview | None = None
        if isinstance(self._loop, asyncio.SelectorEventLoop):  # uvloop's loop has such a buffer itself
            self._read_buffer = memoryview(bytearray(_READ_SIZE))

    def new_connection(self, origin: object) -> Connection:
        """Return a connection of the kind that reads fastest on this loop; `add` it when it is connected."""
        if self._read_buffer is None:
            return Connection(self, origin)
        return BufferedConnection(self, origin, self._read_buffer)

    def add(self, connection: Connection) -> None:
        """Add a new connection, which is in use."""
        self._all.add(connection)

    def discard(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self._all.discard(connection)

    def take(self, origin: object) -> Connection | None:
        """Return the most recently used idle connection that is still open, if any."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if not connection.closed:
                return connection
        return None

    def put_idle(self, origin: object, connection: Connection) -> None:
        """Keep an idle connection for a while."""
        if self._closed or connection.closed or self._keepalive <= 0:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle.setdefault(origin, deque()).append(connection)
        if self._sweep_timer is None:
            self._sweep_timer = self._loop.call_later(self._keepalive, self._sweep)

    def _sweep(self) -> None:
        """Close the connections that have been idle for too long; the oldest are on the left."""
        before = self._loop.time() - self._keepalive
        for origin, idle in tuple(self._idle.items()):
            while idle and (idle[0].closed or idle[0].idle_since <= before):
                idle.popleft().abort()
            if not idle:
                del self._idle[origin]
        again = self._idle and not self._closed
        self._sweep_timer = self._loop.call_later(self._keepalive, self._sweep) if again else None

    def close_idle(self) -> None:
        """Close all idle connections; those in use are closed when they become idle."""
        self._closed = True
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        for idle in self._idle.values():
            for connection in idle:
                connection.abort()
        self._idle.clear()

    @property
    def is_empty(self) -> bool:
        """Whether there is no connection."""
        return not self._all

    def close_all(self) -> None:
        """Close all connections, also those in use, because their loop ends."""
        self.close_idle()
        for connection in tuple(self._all):
            connection.abort()
        self._ended()


class Pools:
    """The pools of all event loops on which a transport is used; each pool ends with its loop."""

    def __init__(self, keepalive: float) -> None:
        self._keepalive = keepalive
        self._pools: dict[asyncio.AbstractEventLoop, Pool] = {}

    async def for_running_loop(self) -> Pool:
        """Return the pool of the running loop."""
        loop = asyncio.get_running_loop()
        if loop in self._pools:
            return self._pools[loop]
        end = await LoopEnd.of_running_loop()
        pool = self._pools[loop] = Pool(self._keepalive, ended=partial(self._pools.pop, loop, None))
        end.closes(pool)
        return pool

    def close_idle(self) -> None:
        """Close the idle connections of all loops, from any thread."""
        for loop, pool in tuple(self._pools.items()):
            with suppress(RuntimeError):  # that loop has just been closed, and its connections with it
                loop.call_soon_threadsafe(pool.close_idle)
