"""Server-sent events."""

from collections.abc import Sequence

from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.event_stream import Dialect, EventStream
from ollama_rx.web.replay import Replay, Stream

_RETRY = b"retry: 1000\n\n"  # milliseconds until a browser reconnects


def sse_response(
    stream: Stream | None = None, *, replay: Replay | None = None, heartbeat: float = 15.0
) -> EventStream:
    """Return a response that sends a stream as server-sent events, as the browser's `EventSource` reads them.

    ::

        async def answer(request: Request) -> Response:
            return sse_response(client.generate(request.query_params["prompt"]))

    The events are typed: "text", "thinking", "tool_call", "stats", and more; docs/web.md lists them. The last
    one is "done" or "error". It is a Starlette response, and an ASGI application: any framework can send it.

    Without a ``replay`` the model is stopped at once when the reader leaves. With one, other requests can
    join, and the reader can come back within its grace time: it receives what it has missed. A reader that
    comes back (it sends ``Last-Event-ID``) never begins a stream: it gets the status 204, and the browser
    stops to reconnect. A reader whose connection takes nothing for 30 seconds is dropped.

    Args:
        stream: chunks, text, or any values that JSON can hold; may be omitted to join a ``replay`` that has
            started, and is not requested then.
        replay: keeps the events.
        heartbeat: seconds without an event after which a comment is sent, so that proxies keep the
            connection.

    Raises:
        ValueError: neither a stream nor a replay that has started is given.
        TypeError: an argument of a wrong type.

    Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
    """
    return EventStream(stream, replay, heartbeat, dialect=lambda _: _DIALECT)


def _encode(events: Sequence[LoggedEvent]) -> bytes:
    return b"".join([event.sse for event in events])


_DIALECT = Dialect(_RETRY, _encode)
