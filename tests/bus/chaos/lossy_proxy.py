"""A TCP proxy in front of a NATS server that loses what is sent, or holds it up, as a broken network does."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from random import Random
from typing import Self

_PUBLICATIONS = (b".events.", b".prompt.")
_BLOCK = 65536
_MOST_BETWEEN = 25  # publications between two losses on a connection


class LossyProxy:
    """Loses answers on its connections so many times, and is transparent afterwards.

    A loss begins right after a publication has been passed on: nothing that the server says arrives any more,
    and a moment later the connection is cut. If it ``stalls`` instead, both directions stand still for longer
    than a worker may be silent, and then go on.
    """

    def __init__(self, random: Random, *, losses: int, stalls: bool = False) -> None:
        self.stalls = stalls
        self.losses = 0
        """How many there have been."""
        self._random = random
        self._most = losses
        self._loop = asyncio.new_event_loop()
        self._server: asyncio.Server
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy")
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def through(self, port: int) -> int:
        """Begin to listen for a server; return the port."""

        async def listen() -> int:
            self._server = await asyncio.start_server(
                lambda reader, writer: self._connected(port, reader, writer), "127.0.0.1", 0
            )
            found: int = self._server.sockets[0].getsockname()[1]
            return found

        return asyncio.run_coroutine_threadsafe(listen(), self._loop).result()

    async def _close(self) -> None:
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            self._tasks.discard(task)
            return
        connection = _Connection(self, self._random)
        parts = [
            asyncio.create_task(_copy(reader, server_writer, connection.sent)),
            asyncio.create_task(_copy(server_reader, writer, connection.answered)),
            asyncio.create_task(connection.cut.wait()),
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in parts:
                part.cancel()
            for end in (writer, server_writer):
                end.transport.abort()
            self._tasks.discard(task)

    @property
    def is_over(self) -> bool:
        """Whether there will be no more losses."""
        return self.losses >= self._most


class _Connection:
    def __init__(self, proxy: LossyProxy, random: Random) -> None:
        self.cut = asyncio.Event()
        self._proxy = proxy
        self._random = random
        self._left = random.randint(1, _MOST_BETWEEN)
        self._is_losing = False
        self._flows = asyncio.Event()
        self._flows.set()

    async def sent(self, block: bytes) -> bytes:
        """Look at what a client sends."""
        await self._flows.wait()
        if not self._is_losing and any(word in block for word in _PUBLICATIONS):
            self._left -= 1
            if self._left == 0 and not self._proxy.is_over:
                self._proxy.losses += 1
                self._lose()
        return block

    def _lose(self) -> None:
        later = asyncio.get_running_loop().call_later
        if self._proxy.stalls:
            self._flows.clear()
            later(self._random.uniform(3.5, 6.0), self._flows.set)
            self._left = self._random.randint(1, _MOST_BETWEEN)
        else:
            self._is_losing = True
            later(self._random.uniform(0.01, 0.3), self.cut.set)

    async def answered(self, block: bytes) -> bytes:
        """Return what arrives of what the server answers."""
        await self._flows.wait()
        return b"" if self._is_losing else block


async def _copy(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, look: Callable[[bytes], Awaitable[bytes]]
) -> bool:
    try:
        while block := await reader.read(_BLOCK):
            writer.write(await look(block))
            await writer.drain()
    except OSError:
        pass
    return True
