"""The words a script is written in: what one line of an answer carries."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from ollama_rx.protocol.go_json import encode


@dataclass(frozen=True, slots=True)
class Part:
    """What one line says, for generate and chat alike."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[Mapping[str, object], ...] = ()
    #: further fields of the line, such as logprobs, or fields no client knows yet
    fields: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Endless:
    """The same text again and again, until the client leaves."""

    text: str
    every: float


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that are sent as they are; nothing follows them if they are an error."""

    data: bytes
    ends: bool = False


def piece(
    text: str = "",
    *,
    thinking: str = "",
    tool_calls: tuple[Mapping[str, object], ...] = (),
    **fields: object,
) -> Part:
    """Put several things into one line: text, thinking, tool calls and any other field."""
    return Part(text, thinking, tool_calls, fields)


def thinking(text: str) -> Part:
    """Put this into the `thinking` field of one line."""
    return Part(thinking=text)


def tool_call(
    name: str,
    arguments: Mapping[str, object] | None = None,
    *,
    index: int | None = 0,
    id: str | None = None,  # noqa: A002
) -> Part:
    """Put one tool call into one line.

    The id is made of name and arguments unless it is given; "" leaves it out, as servers before 0.12.10 do.
    None leaves out the index, as they do for the first call. Calls in one line: `tool_calls(a, b)`.
    """
    values = dict(arguments or {})
    digest = hashlib.sha256(encode([name, values])).hexdigest()[:8]
    function = {} if index is None else {"index": index}
    call: dict[str, object] = {} if id == "" else {"id": id or f"call_{digest}"}
    return Part(tool_calls=({**call, "function": {**function, "name": name, "arguments": values}},))


def tool_calls(*calls: Part) -> Part:
    """Put several tool calls into one line; also for the last line: `answer(final=tool_calls(a, b))`."""
    return Part(tool_calls=tuple(call for part in calls for call in part.tool_calls))


def line(value: Mapping[str, object] | str | bytes) -> Raw:
    """Send this object, or this text as it is, as one line: unknown fields, broken JSON, anything."""
    data = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else encode(value)
    return Raw(data + b"\n")


def raw(data: bytes) -> Raw:
    """Send exactly these bytes."""
    return Raw(data)


def endless(text: str = "and on ", *, every: float = 0.0) -> Endless:
    """Say `text` until the client leaves, every so many seconds or as fast as the client reads."""
    if every < 0:
        raise ValueError(f"every must not be negative, got {every}")
    return Endless(text, every)


def midstream_error(
    message: str = "an error was encountered while running the model: unexpected EOF",
    *,
    newline: bool = True,
    shape: Literal["line", "remote", "signin"] = "line",
    status: int = 429,
) -> Raw:
    """Fail inside the stream, after a status of 200; as the first part of an answer, before any text.

    `shape` is how Ollama words it: `"line"` is `{"error": message}`; `"remote"` is what comes of a remote
    model, with `StatusCode` and `Status`, and `"signin"` the same for a missing sign-in, with `signin_url`.
    Ollama leaves out the newline after the last two.
    """
    value: dict[str, object]
    match shape:
        case "line":
            value = {"error": message}
        case "remote":
            value = {
                "StatusCode": status,
                "Status": f"{status} {HTTPStatus(status).phrase}",
                "error": message,
            }
        case _:
            value = {"error": "unauthorized", "signin_url": "https://ollama.com/connect?name=fake&key=fake"}
    return Raw(encode(value) + (b"\n" if newline else b""), ends=True)
