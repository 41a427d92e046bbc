"""The values in streams and requests: chunks, messages, tool calls, progress, and the box for a context."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ollama_rx.protocol.json_fields import (
    JsonObject,
    count_of,
    is_last,
    list_of,
    number_of,
    object_of,
    objects_of,
    parse_time,
    text_of,
)
from ollama_rx.protocol.lenient_json import loads
from ollama_rx.stats import Metrics

Role = str
"""Who speaks: "system", "user", "assistant", "tool", or what else a server takes, such as "developer"."""


class Chunk:
    """One item of an answer's stream: an immutable view of the server's JSON object.

    The same class serves ``generate`` and ``chat``, so that a pipeline works with both. It is a view and not
    a dataclass, because building a frozen dataclass for each token costs more than parsing it. A field of a
    wrong type reads as absent, so no attribute ever raises; ``raw`` holds it as it was sent.

    >>> Chunk({"message": {"role": "assistant", "content": "Hi"}, "done": False}).text
    'Hi'
    """

    __slots__ = ("_raw", "_text")

    def __init__(self, raw: JsonObject, /) -> None:
        self._raw = raw
        try:  # noqa: SIM105 - for each token; adding costs least, and refuses what is not a text
            self._text: str = "" + (raw["response"] if "response" in raw else raw["message"]["content"])
        except (KeyError, TypeError):
            pass  # `_text` stays unset: a reader checks such a line, and `text` looks closer

    @property
    def raw(self) -> JsonObject:
        """The object as the server sent it, unknown fields included."""
        return self._raw

    @property
    def text(self) -> str:
        """The answer's text in this chunk; often empty."""
        try:
            return self._text
        except AttributeError:
            return text_of(self._raw.get("response")) or text_of(self._message.get("content"))

    @property
    def thinking(self) -> str:
        """The model's thinking in this chunk; empty for most."""
        return text_of(self._raw.get("thinking")) or text_of(self._message.get("thinking"))

    @property
    def tool_calls(self) -> "tuple[ToolCall, ...]":
        """The complete tool calls in this chunk."""
        return tuple(map(ToolCall.of, calls_in(self._raw)))

    @property
    def message(self) -> "Message":
        """What this chunk says, as a message for a chat's history; put ``whole_answer()`` before it.

        >>> Chunk({"response": "Hi", "done": True}).message.content
        'Hi'
        """
        return Message("assistant", self.text, self.thinking, tool_calls=self.tool_calls)

    @property
    def done(self) -> bool:
        """Whether this is the last chunk: ``done`` is true, or there is a ``done_reason``.

        Some servers omit ``done``; anything but JSON's true, such as the text "false", does not count.
        """
        return is_last(self._raw)

    @property
    def done_reason(self) -> str | None:
        """Why the answer ended: "stop", "length", "load", "unload"; None before that, and on old servers."""
        return text_of(self._raw.get("done_reason")) or None

    @property
    def context(self) -> tuple[int, ...] | None:
        """The tokens of the conversation so far; on the last chunk of a local ``generate`` only."""
        return tuple(list_of(self._raw.get("context"))) or None

    @property
    def metrics(self) -> Metrics | None:
        """The server's metrics; None before the last chunk."""
        return Metrics.of(self._raw) if self.done else None

    @property
    def model(self) -> str:
        """The name of the model that answers."""
        return text_of(self._raw.get("model"))

    @property
    def created_at(self) -> datetime | None:
        """When the server made this chunk, to the microsecond; parsed on access."""
        return parse_time(self._raw.get("created_at"))

    @property
    def logprobs(self) -> Sequence[JsonObject]:
        """The log probabilities of this chunk's tokens, if they were requested."""
        return objects_of(self._raw.get("logprobs"))

    @property
    def _message(self) -> JsonObject:
        return object_of(self._raw.get("message"))

    def replace(self, *, text: str, thinking: str) -> "Chunk":
        """Return a copy with other text and thinking; everything else stays."""
        raw = self._raw
        if "message" not in raw:
            return Chunk({**raw, "response": text, "thinking": thinking})
        message = {**self._message, "content": text, "thinking": thinking}
        beside = {
            "response": text,
            "thinking": thinking,
        }  # would be read instead of the message's, if present
        return Chunk({**raw, **{name: beside[name] for name in beside if name in raw}, "message": message})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chunk) and other._raw == self._raw

    __hash__ = None  # type: ignore[assignment]  # equality compares a dict

    def __repr__(self) -> str:
        return f"Chunk({self._raw!r})"


def calls_in(raw: JsonObject) -> tuple[JsonObject, ...]:
    """Return the tool calls in a line of chat or generate."""
    return objects_of(object_of(raw.get("message")).get("tool_calls")) or objects_of(raw.get("tool_calls"))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One function call that the model requests.

    Ollama sends the arguments as an object, other servers as JSON text. If they are neither, ``arguments`` is
    empty and ``unreadable_arguments`` holds what was sent: check it before you call the function.

    >>> ToolCall.of({"function": {"name": "weather", "arguments": '{"city": "Ul'}})
    ToolCall(name='weather', arguments={}, id=None, index=None, unreadable_arguments='{"city": "Ul')
    """

    name: str
    arguments: JsonObject = field(default_factory=dict[str, Any])
    id: str | None = None
    index: int | None = None
    unreadable_arguments: str | None = None

    @classmethod
    def of(cls, raw: JsonObject) -> "ToolCall":
        """Read one item of ``tool_calls``."""
        function = object_of(raw.get("function"))
        arguments, unreadable = _read_arguments(function.get("arguments"))
        return cls(
            name=text_of(function.get("name")),
            arguments=arguments,
            id=text_of(raw.get("id")) or None,
            index=number_of(function.get("index")),
            unreadable_arguments=unreadable,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object with which the next request sends the call back."""
        arguments = dict(self.arguments) if self.unreadable_arguments is None else self.unreadable_arguments
        function: dict[str, Any] = {"name": self.name, "arguments": arguments}
        if self.index is not None:
            function["index"] = self.index
        return {"function": function} if self.id is None else {"id": self.id, "function": function}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat; ``images`` are bytes, paths or base64 texts.

    ``cut`` marks an answer that was interrupted, so that its text is only the beginning. It is for you, not
    for the model: the server does not see it.
    """

    role: Role
    content: str = ""
    thinking: str = ""
    images: Sequence[Any] = ()
    tool_calls: Sequence[ToolCall] = ()
    tool_name: str | None = None
    tool_call_id: str | None = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a pull, push or create; sizes in bytes. ``raw`` keeps unknown fields.

    ``total`` and ``completed`` are those of one layer, the one with this ``digest``; ``overall_total`` and
    ``overall_completed`` those of all layers so far. A layer counts from its first step on, so the overall
    total grows.
    """

    status: str
    digest: str | None = None
    total: int | None = None
    completed: int | None = None
    overall_total: int | None = None
    overall_completed: int | None = None
    raw: JsonObject = field(default_factory=dict[str, Any], repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "Progress":
        """Read one line of a progress stream; an omitted ``completed`` beside a total is zero."""
        total = count_of(raw.get("total"))
        completed = count_of(raw.get("completed"))
        return cls(
            status=text_of(raw.get("status")),
            digest=text_of(raw.get("digest")) or None,
            total=total,
            completed=0 if completed is None and total is not None else completed,
            raw=raw,
        )

    @property
    def done(self) -> bool:
        """Whether the work is finished."""
        return self.status == "success"


class ContextBox:
    """Holds the tokens of a conversation: an operator fills it, the next request reads it.

    ::

        box = ContextBox()
        client.generate("My name is Ada.", context=box).pipe(op.capture_context(box), ...)
        client.generate("What is my name?", context=box)    # reads the box when subscribed to

    One box may be shared between threads: the value is replaced as a whole, never changed in place.

    >>> box = ContextBox()
    >>> box.value is None
    True
    """

    __slots__ = ("value",)

    def __init__(self, value: tuple[int, ...] | None = None) -> None:
        self.value = value
        """The tokens of the last answer that had a context; None before."""

    def clear(self) -> None:
        """Start a new conversation."""
        self.value = None

    def __repr__(self) -> str:
        held = "empty" if self.value is None else f"{len(self.value)} tokens"
        return f"<ContextBox {held}>"


def _read_arguments(sent: object) -> tuple[JsonObject, str | None]:
    """Return the arguments of a call, and as text what was sent instead if they cannot be read."""
    value = sent
    if isinstance(sent, str):
        try:
            value = loads(sent) if sent.strip() else None
        except ValueError:
            return {}, sent
    arguments = object_of(value)
    if arguments is value or value is None:
        return arguments, None
    return arguments, sent if isinstance(sent, str) else json.dumps(sent)
