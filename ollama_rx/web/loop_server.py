"""A web server on an event loop that belongs to other code."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from socket import socket
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

if TYPE_CHECKING:
    import uvicorn


class LoopServer:
    """uvicorn on the running event loop; it leaves signals and the settings of logging alone.

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

    class SignallessUvicorn(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Generator[None]:
            yield

    return SignallessUvicorn(
        uvicorn.Config(app, lifespan="off", ws="none", log_config=None, log_level=None, server_header=False)
    )
