"""The WebSocket of one client, which may send anything, read nothing, or vanish."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from ollama_rx.web.server_transport import server_transport
from ollama_rx.web.sockets.client_frames import FrameLimit
from ollama_rx.web.sockets.socket_outbox import SocketOutbox
from ollama_rx.web.web_event import WebEvent

_MOST_REFUSED = 1_000  # frames beyond the limit, after which the client is no longer listened to
_CLOSING_SECONDS = 5.0  # for the last frame
_POLICY_VIOLATION, _TRY_AGAIN_LATER = 1008, 1013


class ClientSocket:
    """Takes frames from a client and sends to it, until it has gone or is dropped.

    Args:
        socket: is accepted; nothing else may send to it or receive from it.
    """

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._outbox = SocketOutbox(socket)
        self._limit = FrameLimit(asyncio.get_running_loop().time)
        self.send = self._outbox.send
        """Sends an event or bytes, from any task; waits for room."""

    async def refuse(self, message: str, kind: str = "InvalidFrame") -> None:
        """Tell the client what is wrong with what it has sent."""
        await self.send(WebEvent("error", {"type": kind, "message": message, "retryable": False}))

    async def serve(
        self,
        take: Callable[[str | None], Awaitable[object]],
        end: Callable[[], Awaitable[object]],
        *,
        start: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        """Hand each frame to ``take``, one after the other, while there is a client.

        Args:
            take: is called with the text, or None for a binary frame.
            end: is called once at the end, when nothing is sent any more; `send` does nothing then.
            start: is called once at the beginning.
        """
        receiving = asyncio.create_task(self._receive(take, start))
        try:
            await asyncio.wait([receiving, self._outbox.sending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            receiving.cancel()
            await asyncio.wait([receiving])
            await self._outbox.close()
            await end()
        if self._outbox.is_too_slow:
            await self._close(_TRY_AGAIN_LATER, "too slow: it has taken nothing for a while")
        elif self._limit.refused > _MOST_REFUSED:
            await self._close(_POLICY_VIOLATION, "too many frames")
        else:
            self._drop_what_was_not_taken()
        if not receiving.cancelled():
            receiving.result()

    async def _receive(
        self,
        take: Callable[[str | None], Awaitable[object]],
        start: Callable[[], Awaitable[object]] | None,
    ) -> None:
        if start is not None:
            await start()
        while (message := await self._socket.receive())["type"] != "websocket.disconnect":
            if self._limit.allows_one():
                await take(message.get("text"))
            elif self._limit.refused == 1:
                await self.refuse("too many frames; some are ignored", "TooManyFrames")
            elif self._limit.refused > _MOST_REFUSED:
                return

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(_CLOSING_SECONDS):
                await self._socket.close(code, reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):  # it takes nothing, or has gone
            self._drop_what_was_not_taken()

    def _drop_what_was_not_taken(self) -> None:
        """End the connection, for which the server would wait until the client has taken everything."""
        transport = server_transport(self._socket.receive)
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()
