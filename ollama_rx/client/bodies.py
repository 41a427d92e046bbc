"""Build request bodies: check the arguments of `Client`'s methods and convert them to JSON fields.

Source: https://github.com/ollama/ollama/blob/main/api/types.go
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from inspect import isclass
from typing import Any, Literal, Protocol

import orjson

from ollama_rx.arguments import (
    SupportsModelDump,
    as_dict,
    as_items,
    is_type_expression,
    optional_flags,
    optional_whole,
    type_adapter,
    wrong_type,
    wrong_value,
)
from ollama_rx.client.tool_schema import tool_schema

Think = bool | Literal["low", "medium", "high", "max"]
KeepAlive = float | str
"""Seconds, or a Go duration such as "5m"; 0 unloads at once, a negative value never unloads."""

Tool = Mapping[str, Any] | Callable[..., object] | SupportsModelDump
"""A JSON schema in Ollama's form, or a Python function whose signature becomes one."""

Options = Mapping[str, Any] | SupportsModelDump
"""The model's options by their names in Ollama's API, such as ``temperature``."""

_THINK_LEVELS = ("low", "medium", "high", "max")
_DURATION_PART = "(\\d+(\\.\\d*)?|\\.\\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_DURATION = f"(?a)[-+]?(0|({_DURATION_PART})+)"  # compiled by `re` at its first use: few programs need it
_MAX_TOP_LOGPROBS = 20
_BUFFER = 4096  # bytes that orjson 3.13 allocates at least for its result, and does not give back
_ARGUMENT_NAMES = {"input": "text", "from": "from_"}  # of the fields that are not called like their argument
_IGNORED_OPTIONS = {"think", "format", "keep_alive", "logprobs", "top_logprobs"}


class HasSchema(Protocol):
    """An object that can give its JSON schema, such as pydantic's ``TypeAdapter``."""

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema."""
        ...


Format = Literal["json", ""] | Mapping[str, Any] | type[object] | HasSchema
"""What the answer must look like: any JSON, a JSON schema, or a type that has one: a pydantic model,
``list[City]``, a dataclass, a ``TypedDict``, an enumeration (all with pydantic), or a ``TypeAdapter``."""

_ANY_CONTENTS = (object, dict, list, tuple, set, frozenset)  # types that do not say what the answer contains


def encode_body(body: Mapping[str, Any]) -> bytes:
    """Encode a request body as JSON; fields that are None are left out, so that the server's defaults apply.

    Raises:
        TypeError: an argument that JSON cannot hold, by name.
    """
    fields = {name: value for name, value in body.items() if value is not None}
    try:
        encoded = orjson.dumps(fields)
    except TypeError as error:
        name, value = next((field for field in fields.items() if not _is_json(field[1])), ("request", fields))
        name = _ARGUMENT_NAMES.get(name, name)
        raise TypeError(f"{name}: expected JSON values, got {type(value).__name__} ({error})") from error
    if len(encoded) < _BUFFER:
        return bytes(memoryview(encoded))  # otherwise its whole buffer is kept as long as the stream lives
    return encoded


def _is_json(value: object) -> bool:
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def format_field(value: Format | None) -> Any:
    """Return the JSON value of ``format``; "" stands for none, as in Ollama's own client."""
    if value is None or value == "json":
        return value
    if value == "":
        return None
    if isinstance(value, Mapping):
        return dict(value)
    expected = '"json", a JSON schema, or a type that has one, such as list[City]'
    if isinstance(value, str):
        raise wrong_value("format", expected, value)
    schema = getattr(value, "model_json_schema", None) or getattr(value, "json_schema", None)
    if not callable(schema):
        if not (isclass(value) or is_type_expression(value)) or value in _ANY_CONTENTS:
            raise wrong_type("format", expected, value)
        schema = type_adapter("format", value).json_schema
    try:
        return schema()
    except RuntimeError as error:  # pydantic's
        reason = str(error).partition("\n")[0]
        raise TypeError(f"format: expected a type with a JSON schema, got {value} ({reason})") from error


def think_field(value: Think | None) -> Think | None:
    """Return the JSON value of ``think``."""
    if value is None or isinstance(value, bool) or value in _THINK_LEVELS:
        return value
    raise wrong_value("think", f"True, False or one of {', '.join(_THINK_LEVELS)}", value)


def keep_alive_field(value: KeepAlive | None) -> KeepAlive | None:
    """Return the JSON value of ``keep_alive``."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise wrong_type("keep_alive", "a number of seconds, or a duration such as '5m'", value)
    if isinstance(value, str) and not re.fullmatch(_DURATION, value):
        raise wrong_value("keep_alive", "a duration with units, such as '5m' or '1h30m'", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong_value("keep_alive", "a finite number of seconds, or -1 to never unload the model", value)
    return value


def logprobs_fields(*, logprobs: bool | None, top_logprobs: int | None) -> dict[str, Any]:
    """Return the JSON fields of the log probability arguments."""
    top = optional_whole("top_logprobs", top_logprobs, least=0, most=_MAX_TOP_LOGPROBS)
    return {**optional_flags(logprobs=logprobs), "top_logprobs": top}


def options_field(value: Options | None) -> dict[str, Any] | None:
    """Return the JSON value of ``options``; refuse options that the server would ignore or cannot parse."""
    options = None if value is None else as_dict("options", value)
    for name, option in (options or {}).items():
        if name in _IGNORED_OPTIONS:
            expected = f"no {name!r}, which is an argument of its own and is ignored here"
            raise wrong_value("options", expected, option)
        if isinstance(option, float) and not math.isfinite(option):
            raise wrong_value("options", f"a finite number for {name!r}", option)
        if name == "stop" and isinstance(option, str):
            raise wrong_type("options", "a list of texts for 'stop', even for a single one", option)
    return options


def context_field(value: Sequence[int] | None) -> list[int] | None:
    """Return the JSON value of ``context``."""
    if value is None:
        return None
    expected = "the list of whole numbers of an earlier answer"
    tokens = list(as_items("context", value, expected))
    for token in tokens:
        if type(token) is not int:
            raise wrong_type("context", expected, token)
    return tokens


def tools_field(value: Sequence[Tool] | None) -> list[dict[str, Any]] | None:
    """Return the JSON value of ``tools``."""
    if value is None:
        return None
    return [
        tool_schema(tool) if callable(tool) else as_dict("tools", tool, "a JSON schema or a function")
        for tool in as_items("tools", value)
    ]
