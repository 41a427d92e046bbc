"""The web application of a `LivePage`: its files, and the events of the answer."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.event_stream import Dialect, EventStream
from ollama_rx.web.live.live_answer import LiveAnswer
from ollama_rx.web.page.guard import Guard

_FOLDER: Final = Path(__file__).parent
_FILES: Final = {
    "/": ("live.html", "text/html"),
    "/live.css": ("live.css", "text/css"),
    "/live.js": ("live.js", "text/javascript"),
}
_EVENTS: Final = "/api/events"
_RETRY: Final = b"retry: 1000\n\n"  # milliseconds until a tab whose connection is cut reconnects
_HEARTBEAT: Final = 15.0


class LiveApp:
    """An ASGI application that shows one answer to the tabs of this machine's browsers."""

    def __init__(self, answer: LiveAnswer) -> None:
        self.received = asyncio.Event()
        """Set when a tab has received the whole answer."""
        self._answer = answer
        self._readers = 0
        self._guarded = Guard(self._respond)

    @property
    def has_reader(self) -> bool:
        """Whether a tab receives the answer."""
        return self._readers > 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self._guarded(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != _EVENTS:
            await _file(scope["path"])(scope, receive, send)
            return
        self._readers += 1
        try:
            await self._send_events(scope, receive, send)
        finally:
            self._readers -= 1

    async def _send_events(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a new tab what the others show, and then, as to one that reconnects, what follows."""
        replay, so_far = self._answer.replay, self._answer.so_far
        opening = _RETRY
        if "last-event-id" not in Headers(scope=scope):
            opening += so_far.sse()
            if so_far.id is not None:
                scope = {**scope, "headers": [*scope["headers"], (b"last-event-id", so_far.id.encode())]}

        async def send_and_notice_end(message: Message) -> None:
            await send(message)
            if replay.is_over and message["type"] == "http.response.body" and not message.get("more_body"):
                self.received.set()

        dialect = Dialect(opening, _encode)
        response = EventStream(None, replay, _HEARTBEAT, dialect=lambda _: dialect)
        await response(scope, receive, send_and_notice_end)


def _encode(events: Sequence[LoggedEvent]) -> bytes:
    return b"".join([event.sse for event in events])


def _file(path: str) -> Response:
    if path not in _FILES:
        return PlainTextResponse("There is no such page.", 404)
    name, media_type = _FILES[path]
    return Response(
        (_FOLDER / name).read_bytes(), media_type=media_type, headers={"cache-control": "no-store"}
    )
