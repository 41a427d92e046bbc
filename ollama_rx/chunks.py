"""What flows: chunks, messages, tool calls, progress."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from ollama_rx.metrics import Metrics

JsonObject = Mapping[str, Any]
"""A parsed JSON object, as the server sent it."""

Role = Literal["system", "user", "assistant", "tool"]

_NOTHING: JsonObject = {}


class Chunk:
    """One piece of an answer: an immutable view of the server's JSON object.

    The same class for ``generate`` and ``chat``, so that pipelines don't care. A view and not a
    dataclass, because building a frozen dataclass for each token costs more than parsing it.

    >>> Chunk({"message": {"role": "assistant", "content": "Hi"}, "done": False}).text
    'Hi'
    """

    __slots__ = ("_raw", "_text")

    def __init__(self, raw: JsonObject, /) -> None:
        text = raw.get("response")
        if text is None:
            message = raw.get("message")
            text = message.get("content") if message else None
        self._raw = raw
        self._text: str = text or ""

    @property
    def raw(self) -> JsonObject:
        """The object as the server sent it, unknown fields included."""
        return self._raw

    @property
    def text(self) -> str:
        """The answer's text in this chunk; often empty."""
        return self._text

    @property
    def thinking(self) -> str:
        """The model's thinking in this chunk; empty for most."""
        raw = self._raw
        return raw.get("thinking") or self._message.get("thinking") or ""

    @property
    def tool_calls(self) -> "tuple[ToolCall, ...]":
        """The complete tool calls in this chunk."""
        found = self._message.get("tool_calls") or self._raw.get("tool_calls") or ()
        return tuple(ToolCall.of(call) for call in found)

    @property
    def done(self) -> bool:
        """Whether this is the last chunk. ``done_reason`` alone counts, some servers omit ``done``."""
        return bool(self._raw.get("done") or self._raw.get("done_reason"))

    @property
    def done_reason(self) -> str | None:
        """Why the answer ended: "stop", "length", "load", "unload"; None before, and on old servers."""
        return self._raw.get("done_reason") or None

    @property
    def context(self) -> tuple[int, ...] | None:
        """The tokens of the conversation so far; on the last chunk of a local ``generate`` only."""
        found = self._raw.get("context")
        return None if found is None else tuple(found)

    @property
    def metrics(self) -> Metrics | None:
        """The server's own figures; None before the last chunk."""
        return Metrics.of(self._raw) if self.done else None

    @property
    def model(self) -> str:
        """The model that answers."""
        return self._raw.get("model") or ""

    @property
    def created_at(self) -> datetime | None:
        """When the server made this chunk, to the microsecond; parsed on access."""
        stamp = self._raw.get("created_at")
        return parse_time(stamp) if stamp else None

    @property
    def logprobs(self) -> Sequence[JsonObject]:
        """The log probabilities of this chunk's tokens, when they were asked for."""
        return self._raw.get("logprobs") or ()

    @property
    def _message(self) -> JsonObject:
        return self._raw.get("message") or _NOTHING

    def replace(self, *, text: str, thinking: str) -> "Chunk":
        """Return a copy with other text and thinking; everything else stays."""
        if "message" in self._raw:
            message = {**self._message, "content": text, "thinking": thinking}
            return Chunk({**self._raw, "message": message})
        return Chunk({**self._raw, "response": text, "thinking": thinking})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chunk) and other._raw == self._raw

    __hash__ = None  # type: ignore[assignment]  # equality compares a dict

    def __repr__(self) -> str:
        return f"Chunk({self._raw!r})"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One function the model wants to be called."""

    name: str
    arguments: JsonObject = field(default_factory=dict[str, Any])
    id: str | None = None
    index: int | None = None

    @classmethod
    def of(cls, raw: JsonObject) -> "ToolCall":
        """Read one item of ``tool_calls``."""
        function = raw.get("function") or _NOTHING
        return cls(
            name=function.get("name") or "",
            arguments=function.get("arguments") or {},
            id=raw.get("id") or None,
            index=function.get("index"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object as the next request sends it back."""
        function: dict[str, Any] = {"name": self.name, "arguments": dict(self.arguments)}
        if self.index is not None:
            function["index"] = self.index
        return {"function": function} if self.id is None else {"id": self.id, "function": function}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat; ``images`` are bytes, paths or base64 texts."""

    role: Role
    content: str = ""
    thinking: str = ""
    images: Sequence[Any] = ()
    tool_calls: Sequence[ToolCall] = ()
    tool_name: str | None = None
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a pull, push or create; sizes in bytes. ``raw`` keeps unknown fields."""

    status: str
    digest: str | None = None
    total: int | None = None
    completed: int | None = None
    raw: JsonObject = field(default_factory=dict[str, Any], repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "Progress":
        """Read one line of a progress stream; an omitted ``completed`` beside a total is zero."""
        total = raw.get("total")
        completed = raw.get("completed")
        return cls(
            status=raw.get("status") or "",
            digest=raw.get("digest"),
            total=total,
            completed=0 if completed is None and total is not None else completed,
            raw=raw,
        )

    @property
    def done(self) -> bool:
        """Whether the work is finished."""
        return self.status == "success"


_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def parse_time(stamp: str) -> datetime | None:
    """Read an RFC 3339 time; Go writes up to nine fraction digits, Python keeps six.

    >>> parse_time("2025-06-09T17:58:55.337823123Z").isoformat()
    '2025-06-09T17:58:55.337823+00:00'
    """
    try:
        found = datetime.fromisoformat(_FRACTION.sub(lambda match: "." + match[1], stamp))
    except ValueError:  # e.g. a year above 9999: `expires_at` of a model that is kept for ever
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
