"""From meaning to bytes: what our arguments look like in a request, checked before anything is sent.

Source: https://github.com/ollama/ollama/blob/main/api/types.go
"""

import base64
import binascii
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, cast, runtime_checkable

import orjson

from ollama_rx.chunks import Message
from ollama_rx.tools import tool_schema

Image = bytes | str | os.PathLike[str]
"""Bytes, the path of a file, or base64 text."""

Think = bool | Literal["low", "medium", "high", "max"]
KeepAlive = float | str
"""Seconds, or a Go duration such as "5m"; 0 unloads at once, anything negative keeps for ever."""

Tool = Mapping[str, Any] | Callable[..., object]
"""A JSON schema as Ollama takes it, or a Python function that has one in its signature."""

MessageLike = Message | Mapping[str, Any]

_LEVELS = ("low", "medium", "high", "max")
_DURATION = re.compile(
    r"[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*"
)
_PATH_MAX = 1024  # characters; longer texts are not tried as a path
_TOP_LOGPROBS = range(21)
_ROLES = {"system", "user", "assistant", "tool"}


@runtime_checkable
class HasSchema(Protocol):
    """A class that can give its JSON schema, such as a pydantic model."""

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """Return the JSON schema."""
        ...


Format = Literal["json"] | Mapping[str, Any] | type[HasSchema]
"""What the answer must look like: any JSON, a JSON schema, or a class that has one."""


def encode(body: Mapping[str, Any]) -> bytes:
    """Serialise a request; what is None is left out, so that the server's default holds."""
    try:
        return orjson.dumps({name: value for name, value in body.items() if value is not None})
    except TypeError as error:
        raise TypeError(f"the request can't be written as JSON: {error}") from error


def check_text(name: str, text: object) -> None:
    """Refuse what is no text, naming the argument."""
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected text, got {type(text).__name__}")


def format_field(given: Format | None) -> Any:
    """Return the wire form of ``format``."""
    if given is None or given == "json":
        return given
    if isinstance(given, Mapping):
        return dict(given)
    schema = getattr(given, "model_json_schema", None)
    if not callable(schema):
        raise TypeError('format: give "json", a JSON schema, or a class with model_json_schema()')
    return schema()


def think_field(given: Think | None) -> Think | None:
    """Return the wire form of ``think``."""
    if given is None or isinstance(given, bool) or given in _LEVELS:
        return given
    raise ValueError(f"think: {given!r} is none of True, False, {', '.join(_LEVELS)}")


def keep_alive_field(given: KeepAlive | None) -> KeepAlive | None:
    """Return the wire form of ``keep_alive``."""
    if isinstance(given, bool):
        raise TypeError("keep_alive: give seconds or a duration such as '5m', no truth value")
    if isinstance(given, str) and not _DURATION.fullmatch(given):
        raise ValueError(f"keep_alive: {given!r} is no duration; write a unit, as in '5m' or '1h30m'")
    return given


def logprobs_fields(*, logprobs: bool | None, top_logprobs: int | None) -> dict[str, Any]:
    """Return the wire form of the log probability arguments."""
    if top_logprobs is not None and top_logprobs not in _TOP_LOGPROBS:
        raise ValueError(f"top_logprobs: {top_logprobs} is not between 0 and 20")
    return {"logprobs": logprobs, "top_logprobs": top_logprobs}


def options_field(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the wire form of ``options``."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise TypeError("options: give a mapping such as {'temperature': 0}")
    for name in ("think", "format", "keep_alive", "logprobs"):
        if name in given:
            raise ValueError(f"options: {name} is an argument of its own; the server ignores it in here")
    return dict(given)


def context_field(given: Sequence[int] | None) -> list[int] | None:
    """Return the wire form of ``context``."""
    if given is None:
        return None
    if isinstance(given, str | bytes) or not all(type(token) is int for token in given):
        raise TypeError("context: give the list of ints of an earlier answer")
    return list(given)


def images_field(given: Sequence[Image] | None) -> list[str] | None:
    """Return images as base64, reading files now so that a missing one fails here."""
    if not given:
        return None
    if isinstance(given, str | bytes | os.PathLike):
        raise TypeError("images: give a list, even of one image")
    return [_image(image) for image in given]


def _image(image: Image) -> str:
    if isinstance(image, bytes | bytearray | memoryview):
        return base64.b64encode(image).decode()
    if isinstance(image, os.PathLike):
        return base64.b64encode(Path(image).read_bytes()).decode()
    check_text("images", image)
    if len(image) < _PATH_MAX and "\0" not in image and Path(image).is_file():
        return base64.b64encode(Path(image).read_bytes()).decode()
    text = image.partition(";base64,")[2] if image.startswith("data:") else image
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"images: {image[:80]!r} is neither a file nor base64") from error
    return text


def tools_field(given: Sequence[Tool] | None) -> list[dict[str, Any]] | None:
    """Return the wire form of ``tools``."""
    if given is None:
        return None
    return [tool_schema(tool) if callable(tool) else dict(tool) for tool in given]


def messages_field(given: Sequence[MessageLike]) -> list[dict[str, Any]]:
    """Return the wire form of ``messages``."""
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Sequence):
        raise TypeError("messages: give a list of Message or of dicts with role and content")
    return [_message(message) for message in given]


def _message(message: MessageLike) -> dict[str, Any]:
    if isinstance(message, Message):
        found = {
            "role": message.role,
            "content": message.content,
            "thinking": message.thinking or None,
            "images": images_field(message.images),
            "tool_calls": [call.to_json() for call in message.tool_calls] or None,
            "tool_name": message.tool_name,
            "tool_call_id": message.tool_call_id,
        }
    elif isinstance(message, Mapping):
        found = dict(message)
        found["images"] = images_field(cast("Sequence[Image] | None", found.get("images")))
    else:
        raise TypeError(f"messages: {type(message).__name__} is neither a Message nor a dict")
    if str(found.get("role")).lower() not in _ROLES:
        raise ValueError(f"messages: role {found.get('role')!r} is none of {', '.join(sorted(_ROLES))}")
    return {name: value for name, value in found.items() if value is not None}
