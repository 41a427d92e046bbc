"""What goes out through a WebSocket: one task sends it."""

import asyncio
from typing import TypeAlias

from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from ollama_rx.web.client_connection import STALLED_SECONDS
from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.web_event import WebEvent

Outgoing: TypeAlias = LoggedEvent | WebEvent | bytes

_MOST_WAITING = 4  # frames: audio that waits here cannot be called back


class SocketOutbox:
    """Sends events and audio to a client, in a task of its own.

    Events are text frames: ``{"id": "RUN-N", "event": "text", "data": {...}}``, without ``id`` if they are
    not of a `Replay`. Bytes are binary frames. A client that takes nothing for `STALLED_SECONDS` is
    given up.

    Args:
        socket: a WebSocket that is accepted; nothing else may send to it.
    """

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._waiting = asyncio.Queue[Message]()
        self._room = asyncio.Semaphore(_MOST_WAITING)
        self._is_closed = False
        self.is_too_slow = False
        """Whether the client was given up."""
        self.sending = asyncio.create_task(self._send_all())
        """Ends when nothing more can be sent."""

    async def send(self, item: Outgoing) -> None:
        """Send something; wait while a few frames wait already. After the end this does nothing."""
        await self._room.acquire()
        if self._is_closed:
            self._room.release()  # for the next one that waits
        else:
            self._waiting.put_nowait(_message(item))

    async def close(self) -> None:
        """End the task."""
        self.sending.cancel()
        await asyncio.wait([self.sending])

    async def _send_all(self) -> None:
        try:
            while True:
                message = await self._waiting.get()
                self._room.release()
                async with asyncio.timeout(STALLED_SECONDS):
                    await self._socket.send(message)
        except TimeoutError:
            self.is_too_slow = True
        except (WebSocketDisconnect, RuntimeError):  # the latter while the server closes the connection
            pass
        finally:
            self._is_closed = True
            self._room.release()  # wakes one that waits, and that the next


def _message(item: Outgoing) -> Message:
    if isinstance(item, bytes):
        return {"type": "websocket.send", "bytes": item}
    logged = LoggedEvent(item) if isinstance(item, WebEvent) else item
    head = "{" if logged.id is None else f'{{"id":"{logged.id}",'
    text = f'{head}"event":"{logged.event.type}","data":{logged.json.decode()}}}'
    return {"type": "websocket.send", "text": text}
