"""The thread and the loop that a fake server lives in, whatever the test's own loop is doing."""

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future

from ollama_rx.testing.connection import Connection
from ollama_rx.testing.record import Record, Request
from ollama_rx.testing.reply import Reply


class Serving:
    """Serves a listening socket from construction to `stop`."""

    def __init__(self, listening: socket.socket, record: Record, choose: Callable[[Request], Reply]) -> None:
        self._listening = listening
        self._record = record
        self._choose = choose
        self._connections: set[Connection] = set()
        self._stop = asyncio.Event()
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="FakeOllama", daemon=True)
        self._thread.start()
        self._loop = started.result()

    def hang_up(self) -> None:
        """Close the connections that are open now and wait until they are closed."""
        asyncio.run_coroutine_threadsafe(self._shut_all(), self._loop).result()

    def stop(self) -> None:
        """Close everything and wait until the thread has ended."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Connection(self._record, self._choose, self._connections), sock=self._listening
        )
        started.set_result(loop)
        await self._stop.wait()
        loop.remove_reader(self._listening)  # accept no more
        for _ in range(3):  # what was accepted just now becomes a task, a transport, a connection
            await asyncio.sleep(0)
        server.close()  # not before: a closed server drops what is on its way, unclosed
        await self._shut_all()

    async def _shut_all(self) -> None:
        await asyncio.gather(*(connection.shut() for connection in self._connections))
