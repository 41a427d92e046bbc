"""The parts of the AI SDK's UI message stream, made from the events of a stream."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any, ClassVar, Literal

from ollama_rx.protocol.json_fields import JsonObject, text_of
from ollama_rx.web.web_event import WebEvent

Part = dict[str, Any]
"""One part of the stream, as a JSON object."""

_NOT_CONTINUED = "the beginning of this answer is no longer available; ask again"


class UiMessageParts:
    """Turns events into the parts of one assistant message.

    A part has no keys but those that the first releases of `ai` 5 and 6 know: they refuse the whole stream
    for one key more, so there is no ``finishReason`` and no ``reason``. The figures are in the metadata.

    Args:
        message_id: the message's id.
        reset_steps: whether a "reset" event becomes a ``reset-step`` part, which only `ai` 7 knows; otherwise
            the stream ends there with an error.

    Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
    """

    def __init__(self, message_id: str, *, reset_steps: bool = False) -> None:
        self._message_id = message_id
        self._resets_steps = reset_steps
        self._parts: list[Part] = []  # of the event at hand
        self._open: _OpenPart | None = None
        self._opened = 0  # texts and reasonings so far
        self._calls = _CallIds()
        self._step = 1
        self._step_has_results = False
        self._is_over = False

    @property
    def is_over(self) -> bool:
        """Whether the last part has been made; all further events are ignored."""
        return self._is_over

    def begin(self) -> Sequence[Part]:
        """Return the parts before the first event."""
        return [{"type": "start", "messageId": self._message_id}, {"type": "start-step"}]

    def of(self, event: WebEvent, /) -> Sequence[Part]:
        """Return the parts for the next event, often none."""
        if self._is_over:
            return ()
        self._parts = []
        make = self._MAKERS.get(event.type)
        if make is None:
            self._own_data(event)
        else:
            make(self, event.data)
        return self._parts

    def _text(self, data: JsonObject) -> None:
        text = text_of(data.get("text"))
        follows_tools = self._step > 1 or self._step_has_results
        if follows_tools and (self._open is None or self._open.kind != "text"):
            text = text.lstrip("\n")  # a conversation sends a blank line between the texts of two answers
        self._delta("text", text)

    def _thinking(self, data: JsonObject) -> None:
        self._delta("reasoning", text_of(data.get("text")))

    def _delta(self, kind: Literal["text", "reasoning"], text: str) -> None:
        if not text:
            return
        self._begin_answer()
        growing = self._open
        if growing is None or growing.kind != kind:
            self._close()
            self._opened += 1
            self._open = growing = _OpenPart(kind, f"{kind}-{self._opened}")
            self._add(f"{kind}-start", id=growing.id)
        self._add(f"{kind}-delta", id=growing.id, delta=text)

    def _tool_call(self, data: JsonObject) -> None:
        self._begin_answer()
        self._close()
        name = text_of(data.get("name"))
        part_id = self._calls.begin(text_of(data.get("id")), name)
        self._add("tool-input-available", toolCallId=part_id, toolName=name, input=data.get("arguments"))

    def _tool_result(self, data: JsonObject) -> None:
        self._close()
        call = text_of(data.get("id")), text_of(data.get("name"))
        part_id = self._calls.end(*call)
        if part_id is None:  # a result without its call ends the stream in all versions
            self._tool_call({**data, "arguments": {}})
            part_id = self._calls.end(*call)
        content = text_of(data.get("content"))
        if data.get("error"):
            self._add("tool-output-error", toolCallId=part_id, errorText=content)
        else:
            self._add("tool-output-available", toolCallId=part_id, output=content)
        self._step_has_results = True

    def _stats(self, data: JsonObject) -> None:
        self._add("message-metadata", messageMetadata={"stats": data})

    def _block(self, data: JsonObject) -> None:
        self._add("data-block", id=f"block-{data.get('number')}", data=data)

    def _progress(self, data: JsonObject) -> None:
        self._add("data-progress", id="progress", data=data)

    def _item(self, data: JsonObject) -> None:
        self._add("data-item", data=data.get("value"))

    def _own_data(self, event: WebEvent) -> None:
        identifier = text_of(event.data.get("id"))
        self._add(f"data-{event.type}", **({"id": identifier} if identifier else {}), data=event.data)

    def _reset(self, _: JsonObject) -> None:
        if self._resets_steps:
            self._open = None  # it is removed, so it must not be ended
            self._calls.forget_unanswered()
            self._step_has_results = False
            self._add("reset-step")
        else:
            self._end({"type": "error", "errorText": _NOT_CONTINUED})

    def _error(self, data: JsonObject) -> None:
        self._end({"type": "error", "errorText": text_of(data.get("message"))})

    def _done(self, data: JsonObject) -> None:
        self._end({"type": "abort" if data.get("reason") == "stopped" else "finish"})

    _MAKERS: ClassVar[Mapping[str, Callable[..., None]]] = {
        "text": _text,
        "thinking": _thinking,
        "tool_call": _tool_call,
        "tool_result": _tool_result,
        "stats": _stats,
        "block": _block,
        "progress": _progress,
        "item": _item,
        "reset": _reset,
        "error": _error,
        "done": _done,
    }

    def _begin_answer(self) -> None:
        """Begin a step if this is the answer to the results of tools."""
        if self._step_has_results:
            self._step_has_results = False
            self._step += 1
            self._add("finish-step")
            self._add("start-step")

    def _close(self) -> None:
        if self._open is not None:
            self._add(f"{self._open.kind}-end", id=self._open.id)
            self._open = None

    def _end(self, last: Part) -> None:
        self._close()
        self._add("finish-step")
        self._parts.append(last)
        self._is_over = True

    def _add(self, kind: str, **fields: object) -> None:
        self._parts.append({"type": kind, **fields})


@dataclass(frozen=True, slots=True)
class _OpenPart:
    """The text or reasoning that grows."""

    kind: Literal["text", "reasoning"]
    id: str


class _CallIds:
    """Gives each call of a message an id of its own: some models send none, or the same one again."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._unanswered: list[tuple[str, str, str]] = []  # id and name as sent, id of the part

    def begin(self, sent_id: str, name: str) -> str:
        """Note a call, and return the id of its part."""
        numbered = (f"{sent_id or 'call'}-{number}" for number in count(1))
        part_id = next(one for one in chain([sent_id], numbered) if one and one not in self._used)
        self._used.add(part_id)
        self._unanswered.append((sent_id, name, part_id))
        return part_id

    def end(self, sent_id: str, name: str) -> str | None:
        """Return the id of the part whose result has arrived; None if there is no such call."""
        for call in self._unanswered:
            if call[:2] == (sent_id, name):
                self._unanswered.remove(call)
                return call[2]
        return None

    def forget_unanswered(self) -> None:
        """Forget the calls without a result: their parts are no longer there."""
        self._unanswered.clear()
