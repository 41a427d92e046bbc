"""The events that a browser receives, and what becomes of the items of a stream."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from ollama_rx.arguments import wrong_type, wrong_value
from ollama_rx.blocks import Block
from ollama_rx.chunks import Chunk, Progress, ToolCall
from ollama_rx.conversation import ToolResult
from ollama_rx.errors import OllamaError
from ollama_rx.protocol.json_fields import JsonObject

_BYTES: tuple[type, ...] = (bytes, bytearray, memoryview)
_LAST = ("done", "error")  # a stream has one of them, and nothing follows it


@dataclass(frozen=True, slots=True)
class WebEvent:
    """One event of a stream, as a browser receives it; a stream may carry events of your own too.

    ``type`` is the event's name, such as "text", and ``data`` a JSON object. docs/web.md lists ours.
    """

    type: str
    data: JsonObject

    def __post_init__(self) -> None:
        if not self.type.isidentifier():  # also keeps line breaks out of the headers of an event
            raise wrong_value("type", "a name of letters, digits and underscores", self.type)


class StreamEvents:
    """Turns the items of one stream into events, and measures its answers.

    Args:
        now: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._start = now()
        self._first_text: float | None = None

    def of(self, item: object, /) -> Sequence[WebEvent]:
        """Return the events of an item: none for a chunk that says nothing.

        Raises:
            TypeError: the item is bytes; only text and JSON can be sent.
            ValueError: the item is an event that only the end of a stream may send.
        """
        if isinstance(item, Chunk):
            return self._of_chunk(item)
        if isinstance(item, str):
            return (WebEvent("text", {"text": item}),) if item else ()
        return (_event_of(item),)

    def _of_chunk(self, chunk: Chunk) -> Sequence[WebEvent]:
        events: list[WebEvent] = []
        if thinking := chunk.thinking:
            events.append(WebEvent("thinking", {"text": thinking}))
        if text := chunk.text:
            if self._first_text is None:
                self._first_text = self._now() - self._start
            events.append(WebEvent("text", {"text": text}))
        events.extend(map(_tool_call, chunk.tool_calls))
        if chunk.done:
            events.append(self._stats(chunk))
        return events

    def _stats(self, last: Chunk) -> WebEvent:
        metrics = last.metrics
        tokens = metrics.eval_count if metrics else None
        seconds = metrics.eval_duration if metrics else None
        return WebEvent(
            "stats",
            {
                "model": last.model,
                "done_reason": last.done_reason,
                "prompt_tokens": metrics.prompt_eval_count if metrics else None,
                "tokens": tokens,
                "tokens_per_second": tokens / seconds if tokens and seconds else None,
                "time_to_first_text": self._first_text,
                "seconds": self._now() - self._start,
            },
        )


def done_event(reason: str) -> WebEvent:
    """Return the last event of a stream that has not failed; the reason is "completed" or "stopped"."""
    return WebEvent("done", {"reason": reason})


def reset_event(missed: int) -> WebEvent:
    """Return the event which says that what follows does not continue what the reader has."""
    return WebEvent("reset", {"missed": missed})


def error_event(error: Exception) -> WebEvent:
    """Return the last event of a stream that has failed.

    Only an `OllamaError` is written to be read by users; of another error the browser learns nothing, since
    its text may hold anything.
    """
    if isinstance(error, OllamaError):
        shown = {"type": type(error).__name__, "message": str(error), "retryable": error.retryable}
    else:
        message = "the server could not go on with this answer; its log says why"
        shown = {"type": "InternalError", "message": message, "retryable": False}
    return WebEvent("error", shown)


def _event_of(item: object) -> WebEvent:
    if isinstance(item, WebEvent):
        if item.type in _LAST:
            raise wrong_value("an event in a stream", f"another type than {' or '.join(_LAST)}", item.type)
        return item
    if isinstance(item, Block):
        return WebEvent("block", asdict(item))
    if isinstance(item, ToolResult):
        return _tool_result(item)
    if isinstance(item, Progress):
        return WebEvent("progress", _without_raw(item))
    if isinstance(item, _BYTES):
        raise wrong_type("an item of a stream for a browser", "a chunk, text or what JSON can hold", item)
    return WebEvent("item", {"value": item})


def _tool_call(call: ToolCall) -> WebEvent:
    arguments = call.to_json()["function"]["arguments"]
    return WebEvent("tool_call", {"id": call.id, "name": call.name, "arguments": arguments})


def _tool_result(result: ToolResult) -> WebEvent:
    return WebEvent(
        "tool_result",
        {
            "id": result.call.id,
            "name": result.call.name,
            "content": result.content,
            "error": result.error is not None,
        },
    )


def _without_raw(progress: Progress) -> JsonObject:
    fields = asdict(progress)
    del fields["raw"]
    return fields
