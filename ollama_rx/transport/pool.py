"""Connections, idle ones in one list a loop: taking and giving back cost the same however many there are."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from ollama_rx.transport.connection import Connection


class Pool:
    """The connections of one loop."""

    def __init__(self, keepalive: float) -> None:
        self._keepalive = keepalive
        self._loop = asyncio.get_running_loop()
        self._all: set[Connection] = set()
        self._idle: dict[object, deque[Connection]] = {}
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    def add(self, connection: Connection) -> None:
        """Take note of a new connection, which is in use."""
        self._all.add(connection)

    def forget(self, connection: Connection) -> None:
        """Take note that a connection is closed."""
        self._all.discard(connection)

    def take(self, origin: object) -> Connection | None:
        """Return the connection that was used last, if one is idle and alive."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if not connection.closed:
                return connection
        return None

    def put(self, origin: object, connection: Connection) -> None:
        """Keep an idle connection for a while."""
        if self._closed or connection.closed or self._keepalive <= 0:
            connection.abort()
            return
        connection.idle_since = self._loop.time()
        self._idle.setdefault(origin, deque()).append(connection)
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self._keepalive, self._sweep)

    def _sweep(self) -> None:
        """Close what has been idle for too long; the oldest are on the left."""
        before = self._loop.time() - self._keepalive
        for origin, idle in tuple(self._idle.items()):
            while idle and (idle[0].closed or idle[0].idle_since <= before):
                idle.popleft().abort()
            if not idle:
                del self._idle[origin]
        again = self._idle and not self._closed
        self._sweeping = self._loop.call_later(self._keepalive, self._sweep) if again else None

    def close(self) -> None:
        """Close all idle connections; those in use close when they become idle."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for idle in self._idle.values():
            for connection in idle:
                connection.abort()
        self._idle.clear()

    def shut(self) -> None:
        """Close all connections, those in use too: their loop ends."""
        self.close()
        for connection in tuple(self._all):
            connection.abort()


class Pools:
    """The pools of all loops a transport is used on.

    A loop that ends shuts its asynchronous generators down; the one each pool lives in closes its
    connections then, so that nothing is left even if nobody closes the client.
    """

    def __init__(self, keepalive: float) -> None:
        self._keepalive = keepalive
        self._lives: dict[asyncio.AbstractEventLoop, tuple[Pool, AsyncGenerator[Pool, None]]] = {}

    async def here(self) -> Pool:
        """Return the running loop's pool."""
        loop = asyncio.get_running_loop()
        if loop in self._lives:
            return self._lives[loop][0]
        life = self._live(loop)
        pool = await anext(life)
        self._lives[loop] = pool, life
        return pool

    async def _live(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[Pool, None]:
        pool = Pool(self._keepalive)
        try:
            yield pool
        finally:
            pool.shut()
            self._lives.pop(loop, None)

    def close(self) -> None:
        """Close the idle connections of all loops, from any thread."""
        for loop, (pool, _) in tuple(self._lives.items()):
            try:
                loop.call_soon_threadsafe(pool.close)
            except RuntimeError:  # that loop is closed, and its connections with it
                self._lives.pop(loop, None)
