"""A Wyoming server, made of the package's own classes, which does what a test wants."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from wyoming.event import Event
from wyoming.server import AsyncEventHandler, AsyncServer, AsyncTcpServer


@dataclass
class WyomingServer:
    url: str
    replies: "list[Callable[[Connection], Awaitable[None]]]"
    """What the next requests get; the last one stays."""
    requests: "list[Event]" = field(default_factory=list[Event])
    received: threading.Event = field(default_factory=threading.Event)
    """A request has arrived."""
    left: threading.Event = field(default_factory=threading.Event)
    """A client has closed its connection."""


class Connection(AsyncEventHandler):
    """Answers each event of a client; `server` is set by a subclass."""

    server: WyomingServer

    async def handle_event(self, event: Event) -> bool:
        server = self.server
        server.requests.append(event)
        server.received.set()
        reply = server.replies.pop(0) if len(server.replies) > 1 else server.replies[0]
        await reply(self)
        return True

    async def disconnect(self) -> None:
        self.server.left.set()

    async def send(self, data: bytes) -> None:
        """Send bytes that may be no event."""
        self.writer.write(data)
        await self.writer.drain()


@contextmanager
def wyoming_server(
    *replies: Callable[[Connection], Awaitable[None]], socket_path: str | None = None
) -> Generator[WyomingServer, None, None]:
    server = WyomingServer("", list(replies))
    loop = asyncio.new_event_loop()
    url = "tcp://127.0.0.1:0" if socket_path is None else f"unix://{socket_path}"
    running = AsyncServer.from_uri(url)

    class Handler(Connection):
        pass

    Handler.server = server
    loop.run_until_complete(running.start(Handler))
    if isinstance(running, AsyncTcpServer):
        assert isinstance(running._server, asyncio.Server)
        url = f"tcp://127.0.0.1:{running._server.sockets[0].getsockname()[1]}"
    server.url = url

    async def end() -> None:
        await running.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        loop.call_soon(loop.stop)

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop)
        thread.join(10)
        loop.close()
