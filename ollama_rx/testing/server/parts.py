"""The parts of a scripted answer: what one line carries, raw bytes, endless text."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from ollama_rx.arguments import check_seconds
from ollama_rx.protocol.go_json import encode


@dataclass(frozen=True, slots=True)
class Part:
    """The content of one line, for generate and chat alike."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[Mapping[str, object], ...] = ()
    #: further fields of the line, such as logprobs, or fields no client knows yet
    fields: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Endless:
    """The same text again and again, until the client disconnects."""

    text: str
    every: float


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that are sent as they are; if `ends`, the answer ends with them."""

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

    The default id is a hash of name and arguments; "" leaves the id out, as servers before 0.12.10 do. An
    index of None leaves the index out, as those servers do for the first call. For several calls in one line:
    `tool_calls(a, b)`.
    """
    values = dict(arguments or {})
    digest = hashlib.sha256(encode([name, values])).hexdigest()[:8]
    function = {} if index is None else {"index": index}
    call: dict[str, object] = {} if id == "" else {"id": id or f"call_{digest}"}
    return Part(tool_calls=({**call, "function": {**function, "name": name, "arguments": values}},))


def tool_calls(*calls: Part) -> Part:
    """Put several tool calls into one line; for the last line: `answer(final=tool_calls(a, b))`."""
    return Part(tool_calls=tuple(call for part in calls for call in part.tool_calls))


def line(value: Mapping[str, object] | str | bytes) -> Raw:
    """Send this object, or this text unchanged, as one line: unknown fields, broken JSON, anything."""
    data = value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else encode(value)
    return Raw(data + b"\n")


def raw(data: bytes) -> Raw:
    """Send exactly these bytes."""
    return Raw(data)


def endless(text: str = "and on ", *, every: float = 0.0) -> Endless:
    """Send `text` until the client disconnects, every `every` seconds.

    Without `every` it comes at the pace of the `answer`, or as fast as the client reads.
    """
    check_seconds("every", every, zero=True)
    return Endless(text, every)


def midstream_error(
    message: str = "an error was encountered while running the model: unexpected EOF",
    *,
    newline: bool = True,
    shape: Literal["line", "remote", "signin"] = "line",
    status: int = 429,
) -> Raw:
    """Fail inside the stream, after a status of 200; before any text if it is the first part of an answer.

    `shape` is the form of the error line: `"line"` is `{"error": message}`; `"remote"` is the form for a
    remote model, with `StatusCode` and `Status`; `"signin"` is the form for a missing sign-in, with
    `signin_url`. After the last two Ollama sends no newline.
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
