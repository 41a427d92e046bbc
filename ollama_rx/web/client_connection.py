"""The connection of one client, which may leave, or take nothing any more."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final, Self

from starlette.types import Message, Receive, Send

from ollama_rx.web.server_shutdown import ended_by_shutdown
from ollama_rx.web.server_transport import server_transport

_log = logging.getLogger(__name__)

STALLED_SECONDS: Final = 30.0
"""How long a connection may take nothing, while there is something for it, until it is dropped."""


class ClientConnection:
    """Sends to one client, for the length of a ``with`` block, and notices when there is no point in it.

    Args:
        on_end: called when the client leaves, has taken nothing for `STALLED_SECONDS`, or the server shuts
            down; perhaps more than once.
    """

    def __init__(self, receive: Receive, send: Send, on_end: Callable[[], object]) -> None:
        self._receive = receive
        self._send = send
        self._transport = server_transport(receive)
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._sending_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        self._closing.enter_context(ended_by_shutdown(self._transport, self._end_with_server))
        self._closing.callback(self._loop.create_task(self._wait_for_disconnect()).cancel)
        self._check_later(self._loop.time())
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()
        if self._timer is not None:
            self._timer.cancel()

    async def send(self, message: Message) -> None:
        """Send a message; waits while the connection takes nothing."""
        self._sending_since = self._loop.time()
        try:
            await self._send(message)
        except OSError:  # servers may raise it when the client has left
            self._on_end()
        self._sending_since = None

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._on_end()

    def _check_later(self, since: float) -> None:
        self._timer = self._loop.call_at(since + STALLED_SECONDS, self._check)

    def _check(self) -> None:
        since, now = self._sending_since, self._loop.time()
        if since is None or now - since < STALLED_SECONDS:
            self._check_later(now if since is None else since)
            return
        _log.warning("a client has taken nothing for %g s, its connection is dropped", STALLED_SECONDS)
        self._timer = None
        self._on_end()
        if self._transport is not None:
            self._transport.abort()

    def _end_with_server(self) -> None:
        self._on_end()
        if self._transport is not None and self._transport.get_write_buffer_size():
            self._transport.abort()  # the server would wait until the client has taken everything
