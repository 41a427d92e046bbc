"""A connection that a test can cut: what a router, a tunnel or a sleeping laptop does to it."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Self


class Relay:
    """Passes TCP connections on to another port of this machine, until they are cut.

    Args:
        url: of the server that it passes connections on to.
    """

    def __init__(self, url: str) -> None:
        self._target = int(url.rpartition(":")[2])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="tests: relay")
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._port = 0

    @property
    def url(self) -> str:
        """Its own address."""
        return f"http://127.0.0.1:{self._port}"

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        self._call(self._cut())

    def mend(self) -> None:
        """Accept connections again, at the same address."""
        self._call(self._listen())

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _cut(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.transport.abort()

    async def _end(self) -> None:
        await self._cut()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        both = {writer, server_writer}
        self._connections |= both
        await asyncio.gather(_pass_on(reader, server_writer), _pass_on(server_reader, writer))
        self._connections -= both


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()
