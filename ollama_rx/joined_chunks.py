"""The chunks of an answer, joined one by one as they arrive."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ollama_rx.chunks import Chunk, Message, calls_in
from ollama_rx.protocol.json_fields import JsonObject, object_of


class JoinedChunks:
    """Joins text, thinking, tool calls and log probabilities in the order in which they come.

    Of all other fields, such as ``done_reason``, ``context`` and the metrics, the last value counts.

    >>> joined = JoinedChunks()
    >>> joined.add(Chunk({"message": {"content": "Hel"}}))
    >>> joined.add(Chunk({"message": {"content": "lo"}, "done": True}))
    >>> joined.chunk.text, joined.chunk.done
    ('Hello', True)
    """

    def __init__(self) -> None:
        self.is_empty = True
        """Whether no chunk has been added."""
        self._fields: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[JsonObject] = []
        self._logprobs: list[JsonObject] = []

    def add(self, chunk: Chunk) -> None:
        """Add the next chunk."""
        raw = chunk.raw
        self.is_empty = False
        self._fields.update(raw)
        self._message.update(object_of(raw.get("message")))
        self._text.append(chunk.text)
        self._thinking.append(chunk.thinking)
        self._calls.extend(calls_in(raw))
        self._logprobs.extend(chunk.logprobs)

    @property
    def chunk(self) -> Chunk:
        """The chunks so far as one chunk, in the form of the endpoint that they come from."""
        said = {"thinking": "".join(self._thinking), "tool_calls": self._calls}
        message = _without(self._message, said) | {name: value for name, value in said.items() if value}
        text = "".join(self._text)
        whole = _without(self._fields, ("response", "logprobs", *said))
        if "message" in whole:
            whole["message"] = {"role": "assistant", **message, "content": text}
        else:
            whole |= {"response": text, **message}
        if self._logprobs:
            whole["logprobs"] = list(self._logprobs)
        return Chunk(whole)

    @property
    def is_silent(self) -> bool:
        """Whether nothing has been said: no text, no thinking, no tool call."""
        return not (self._calls or any(self._text) or any(self._thinking))

    def message(self, *, cut: bool = False) -> Message:
        """Return what has been said so far, as a message for a chat's history.

        The message of an answer that was ``cut`` has no tool calls: nobody has called the tools, and a chat
        in which a call has no result cannot go on.
        """
        message = self.chunk.message
        return replace(message, tool_calls=(), cut=True) if cut else message


def _without(fields: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
