"""A web server on an event loop that belongs to other code."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from socket import socket
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

if TYPE_CHECKING:
    import uvicorn


_POLL = 0.02  # seconds


class LoopServer:
    """uvicorn on the running event loop; it leaves alone signals, the settings of logging, and other servers.

    Args:
        app: the application.
        listening: a socket that listens; closed at the end.
    """

    def __init__(self, app: ASGIApp, listening: socket) -> None:
        self._server = _uvicorn_server(app)
        self._serving = asyncio.create_task(self._server.serve([listening]))

    async def close(self, seconds: float) -> None:
        """Close the connections: at once those that are idle, after so many seconds all others."""
        self._server.should_exit = True
        await asyncio.wait({self._serving}, timeout=seconds)
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()  # its client does not read what was sent
        await self._serving


def _uvicorn_server(app: ASGIApp) -> "uvicorn.Server":
    import uvicorn  # noqa: PLC0415 - an extra

    class SharingServer(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

        async def shutdown(self, sockets: list[socket] | None = None) -> None:
            """Do what uvicorn's own does, but end no response of another server on this loop.

            `server_shutdown` lets that one do so.
            """
            del sockets  # the servers close them
            for server in self.servers:
                server.close()
            connections = self.server_state.connections
            for connection in list(connections):
                connection.shutdown()
            while connections:  # noqa: ASYNC110 - uvicorn does not tell when one is closed
                await asyncio.sleep(_POLL)

    return SharingServer(
        uvicorn.Config(app, lifespan="off", ws="none", log_config=None, log_level=None, server_header=False)
    )
