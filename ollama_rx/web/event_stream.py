"""A response that sends the events of a `Replay` while they are made."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from reactivex import Observable
from starlette.background import BackgroundTask
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ollama_rx.arguments import check_instance, check_seconds
from ollama_rx.web.client_connection import ClientConnection
from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.replay import Replay, ReplayReader, Stream


class Dialect(NamedTuple):
    """How one connection is spoken to; ``encode`` may have a state."""

    opening: bytes
    """What is sent first."""
    encode: Callable[[Sequence[LoggedEvent]], bytes | None]
    """Makes the bytes for the next events; None ends the response."""


_HEADERS = {
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",  # nginx would collect events before it passes them on
}
_COMMENT = b":\n\n"
_NOTHING_FOLLOWS = Response(status_code=204)


class EventStream(Response):
    """Sends events to one reader; the stream begins on the server's event loop, when the response is sent.

    A reader that leaves is noticed at once, also while nothing is sent. While nothing happens, a comment is
    sent every ``heartbeat`` seconds, so that proxies keep the connection. A reader that has all events
    already, or comes back to a stream that has not begun, gets the status 204, with which the browser's
    `EventSource` stops to reconnect. A request for the head only begins nothing.

    Args:
        stream: begins now, unless the replay has started.
        replay: keeps the events; None makes one that ends with its only reader.
        heartbeat: seconds.
        dialect: called for each connection, with the replay that it reads.
        headers: further headers.
        resumes: whether a reader's ``Last-Event-ID`` counts; otherwise it receives everything.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        stream: Stream | None,
        replay: Replay | None,
        heartbeat: float,
        *,
        dialect: Callable[[Replay], Dialect],
        headers: Mapping[str, str] | None = None,
        resumes: bool = True,
    ) -> None:
        check_seconds("heartbeat", heartbeat)
        if replay is not None:
            check_instance("replay", replay, Replay)
        if stream is not None:
            check_instance("stream", stream, Observable)
        elif replay is None or not replay.has_started:
            raise ValueError("stream: expected an Observable, or a replay that has started, got neither")
        self._stream = stream
        self._replay = replay
        self._heartbeat = heartbeat
        self._dialect = dialect
        self._resumes = resumes
        self.status_code = 200
        self.background: BackgroundTask | None = None
        self.init_headers({**_HEADERS, **(headers or {})})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events to the client of one ASGI connection."""
        if scope["type"] != "http":
            raise RuntimeError(f"events are sent to HTTP requests only, not to {scope['type']}")
        replay = Replay(grace=0) if self._replay is None else self._replay
        after = Headers(scope=scope).get("last-event-id") if self._resumes else None
        if scope["method"] == "HEAD":
            await self._send_nothing(send)
        elif after and not replay.has_started:
            await _NOTHING_FOLLOWS(scope, receive, send)
        else:
            async with replay.join(after) as reader:
                if self._stream is not None and not replay.has_started:
                    replay.start(self._stream)
                if reader.is_at_end:
                    await _NOTHING_FOLLOWS(scope, receive, send)
                else:
                    with ClientConnection(receive, send, reader.leave) as connection:
                        await self._send_events(reader, self._dialect(replay), connection.send)
        if self.background is not None:
            await self.background()

    async def _send_events(self, reader: ReplayReader, dialect: Dialect, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        body: bytes | None = dialect.opening or _COMMENT
        while body is not None:
            await send({"type": "http.response.body", "body": body, "more_body": True})
            events = await reader.read(self._heartbeat)
            if events == ():
                break
            body = _COMMENT if events is None else dialect.encode(events)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_nothing(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
