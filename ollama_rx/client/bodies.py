"""From meaning to bytes: what our arguments look like in a request, checked before anything is sent.

Source: https://github.com/ollama/ollama/blob/main/api/types.go
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import orjson

from ollama_rx.arguments import (
    as_dict,
    as_items,
    optional_flags,
    optional_mapping,
    optional_whole,
    wrong_type,
    wrong_value,
)
from ollama_rx.client.tool_schema import tool_schema

Think = bool | Literal["low", "medium", "high", "max"]
KeepAlive = float | str
"""Seconds, or a Go duration such as "5m"; 0 unloads at once, anything negative keeps for ever."""

Tool = Mapping[str, Any] | Callable[..., object]
"""A JSON schema as Ollama takes it, or a Python function that has one in its signature."""

_LEVELS = ("low", "medium", "high", "max")
_PART = "(\\d+(\\.\\d*)?|\\.\\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_DURATION = re.compile(f"[-+]?(0|({_PART})+)", re.ASCII)
_TOP_LOGPROBS = 20
_BUFFER = 4096  # bytes that orjson 3.13 allocates at least for its result, and does not give back
_ARGUMENTS = {"input": "text", "from": "from_"}  # the fields whose arguments are called otherwise
_NOT_OPTIONS = {"think", "format", "keep_alive", "logprobs", "top_logprobs"}


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
    fields = {name: value for name, value in body.items() if value is not None}
    try:
        encoded = orjson.dumps(fields)
    except TypeError as error:
        at_fault = next((name for name, value in fields.items() if not _writable(value)), "the request")
        raise TypeError(f"{_ARGUMENTS.get(at_fault, at_fault)}: can't be written as JSON: {error}") from error
    if len(encoded) < _BUFFER:
        return bytes(memoryview(encoded))  # else its whole buffer is kept while the stream lives
    return encoded


def _writable(value: object) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def format_field(given: Format | None) -> Any:
    """Return the wire form of ``format``."""
    if given is None or given == "json":
        return given
    if isinstance(given, Mapping):
        return dict(given)
    schema = getattr(given, "model_json_schema", None)
    if not callable(schema):
        raise wrong_type("format", '"json", a JSON schema, or a class with model_json_schema()', given)
    return schema()


def think_field(given: Think | None) -> Think | None:
    """Return the wire form of ``think``."""
    if given is None or isinstance(given, bool) or given in _LEVELS:
        return given
    raise wrong_value("think", f"True, False or one of {', '.join(_LEVELS)}", given)


def keep_alive_field(given: KeepAlive | None) -> KeepAlive | None:
    """Return the wire form of ``keep_alive``."""
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise wrong_type("keep_alive", "a number of seconds, or a duration such as '5m'", given)
    if isinstance(given, str) and not _DURATION.fullmatch(given):
        raise wrong_value("keep_alive", "a duration with units, such as '5m' or '1h30m'", given)
    if isinstance(given, float) and not math.isfinite(given):
        raise wrong_value("keep_alive", "a finite number of seconds; -1 keeps the model for ever", given)
    return given


def logprobs_fields(*, logprobs: bool | None, top_logprobs: int | None) -> dict[str, Any]:
    """Return the wire form of the log probability arguments."""
    top = optional_whole("top_logprobs", top_logprobs, least=0, most=_TOP_LOGPROBS)
    return {**optional_flags(logprobs=logprobs), "top_logprobs": top}


def options_field(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return the wire form of ``options``."""
    options = optional_mapping("options", given)
    for name, value in (options or {}).items():
        if name in _NOT_OPTIONS:
            raise ValueError(f"options: {name} is an argument of its own; the server ignores it here")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"options: expected a finite number for {name}, got {value}")
        if name == "stop" and isinstance(value, str):
            raise TypeError("options: expected a list of texts for stop, even for a single one, got str")
    return options


def context_field(given: Sequence[int] | None) -> list[int] | None:
    """Return the wire form of ``context``."""
    if given is None:
        return None
    tokens = list(as_items("context", given))
    if not all(type(token) is int for token in tokens):
        raise TypeError("context: expected the list of ints of an earlier answer")
    return tokens


def tools_field(given: Sequence[Tool] | None) -> list[dict[str, Any]] | None:
    """Return the wire form of ``tools``."""
    if given is None:
        return None
    tools = as_items("tools", given)
    return [tool_schema(tool) if callable(tool) else as_dict("tools", tool) for tool in tools]
