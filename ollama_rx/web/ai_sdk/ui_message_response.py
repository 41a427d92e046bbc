"""A response in the dialect of the Vercel AI SDK, as its `useChat` reads it."""

from collections.abc import Sequence
from functools import partial

import orjson
from starlette.responses import Response

from ollama_rx.arguments import check_flag, check_instance, check_text
from ollama_rx.web.ai_sdk.ui_message_parts import Part, UiMessageParts
from ollama_rx.web.event_log import LoggedEvent
from ollama_rx.web.event_stream import Dialect, EventStream
from ollama_rx.web.replay import Replay, Stream

_HEADERS = {"x-vercel-ai-ui-message-stream": "v1"}
_DONE = b"data: [DONE]\n\n"
_NO_CONTENT = 204


def ui_message_response(
    stream: Stream | None = None,
    *,
    replay: Replay | None = None,
    message_id: str | None = None,
    reset_steps: bool = False,
    heartbeat: float = 15.0,
) -> Response:
    """Return a response that sends a stream as the AI SDK's UI message stream, version 1.

    ::

        async def chat(request: Request) -> Response:
            return ui_message_response(client.chat(messages_from_ui(await request.json())))

    `useChat` of `ai` 5, 6 and 7 reads it. Text, thinking and tool calls become the parts of one assistant
    message; a round of tools ends a step, if the stream has its results (``tool_results=True``).
    The figures of the answer are in the message's metadata as ``stats``; blocks, progress, your own events
    and other values are ``data-`` parts. docs/web.md lists them all.

    To let a page that was reloaded go on (``resume: true``), give the stream a ``replay``, and answer
    ``GET .../{chat id}/stream`` with the replay alone. The answer is sent again from its beginning, as the
    SDK expects, or the status 204 if there is none or it is over.

    Args:
        stream: chunks, text, or any values that JSON can hold; may be omitted to join a ``replay``.
        replay: keeps the events. Without one the model is stopped at once when the reader leaves. With one,
            the SDK's ``stop()`` only disconnects: let a request of its own call `Replay.stop`.
        message_id: the id of the message; by default one that is the same for all readers of a replay.
        reset_steps: whether an answer whose beginning is no longer kept goes on with a ``reset-step`` part.
            Only `ai` 7 knows it, 5 and 6 refuse the stream; by default the stream ends with an error instead.
        heartbeat: seconds without an event after which a comment is sent, so that proxies keep the
            connection.

    Raises:
        ValueError: the replay has not started, and there is no stream.
        TypeError: an argument of a wrong type.

    Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
    """
    if message_id is not None:
        check_text("message_id", message_id)
    check_flag("reset_steps", reset_steps)
    if replay is not None:
        check_instance("replay", replay, Replay)
    if stream is None and (replay is None or replay.is_over):
        return Response(status_code=_NO_CONTENT)

    def dialect(read: Replay) -> Dialect:
        parts = UiMessageParts(message_id or _message_id(read), reset_steps=reset_steps)
        return Dialect(b"".join(map(_frame, parts.begin())), partial(_encode, parts))

    return EventStream(stream, replay, heartbeat, dialect=dialect, headers=_HEADERS, resumes=False)


def _encode(parts: UiMessageParts, events: Sequence[LoggedEvent]) -> bytes | None:
    frames = [_frame(part) for event in events for part in parts.of(event.event)]
    if not parts.is_over:
        return b"".join(frames)
    # After an error the stream may go on, for other readers; nothing is made of its events.
    return b"".join([*frames, _DONE]) if frames else None


def _message_id(replay: Replay) -> str:
    return "msg-" + replay.last_id.partition("-")[0]


def _frame(part: Part) -> bytes:
    return b"data: " + orjson.dumps(part) + b"\n\n"
