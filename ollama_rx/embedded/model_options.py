"""Ollama's `options`, `format` and `keep_alive`, checked and translated into llama.cpp's names."""

import re
from collections.abc import Callable, Mapping
from typing import cast

import orjson

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.engine import CONTEXT_TOKENS

INVALID_SCHEMA = "invalid JSON schema in format"
"""Ollama's words for a schema that its grammar cannot use."""

_INT_MAX = 2**31 - 1
_SEED_MASK = 0xFFFF_FFFF  # llama.cpp's seeds have 32 bits; all bits set means random, as -1 does in Ollama
_JSON_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)([a-zµ]*)")


def _integer(value: object, *, least: int = -_INT_MAX) -> int | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return min(max(int(value), least), _INT_MAX)


def _count(value: object) -> int | None:
    return _integer(value, least=-1)


def _window(value: object) -> int | None:
    tokens = _count(value)
    return CONTEXT_TOKENS if tokens == -1 else tokens  # -1 means the whole context


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _seed(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number) & _SEED_MASK


def _strings(value: object) -> list[object] | None:
    if isinstance(value, list) and all(isinstance(text, str) for text in cast("list[object]", value)):
        return [text for text in cast("list[object]", value) if text]
    return None


# Ollama's name: (llama.cpp's name, Ollama's default, the reader, the type as named in Ollama's error)
_OPTIONS: dict[str, tuple[str, object, Callable[[object], object | None], str]] = {
    "num_predict": ("max_tokens", -1, _count, "integer"),
    "num_keep": ("n_keep", 4, _count, "integer"),
    "seed": ("seed", _SEED_MASK, _seed, "integer"),
    "temperature": ("temperature", 0.8, _number, "float32"),
    "top_k": ("top_k", 40, _integer, "integer"),
    "top_p": ("top_p", 0.9, _number, "float32"),
    "min_p": ("min_p", 0.0, _number, "float32"),
    "typical_p": ("typical_p", 1.0, _number, "float32"),
    "repeat_last_n": ("repeat_last_n", 64, _window, "integer"),
    "repeat_penalty": ("repeat_penalty", 1.0, _number, "float32"),
    "presence_penalty": ("presence_penalty", 0.0, _number, "float32"),
    "frequency_penalty": ("frequency_penalty", 0.0, _number, "float32"),
    "stop": ("stop", [], _strings, "array"),
}


def read_options(options: Mapping[str, object], parameters: Mapping[str, object]) -> dict[str, object]:
    """Translate `options`; absent ones come from the model's ``parameters``, else from Ollama's defaults.

    Names that Ollama ignores are ignored, and so are those that configure how a model is loaded (`num_ctx`,
    `num_thread`, `num_gpu`, ...): the embedded model is loaded once, for all requests.
    """
    settings: dict[str, object] = {}
    for name, (field, default, read, kind) in _OPTIONS.items():
        given = parameters.get(name) if options.get(name) is None else options[name]
        value = default if given is None else read(given)
        if value is None:
            expected = (
                "an array of strings" if kind == "array" and isinstance(given, list) else f"type {kind}"
            )
            raise ApiError(500, f'option "{name}" must be of {expected}')
        settings[field] = value
    return settings


def read_format(value: object) -> dict[str, object]:
    """Translate `format`: "json", a JSON schema, or nothing."""
    if value in (None, ""):
        return {}
    if value == "json":
        return {"json_schema": {"type": "object"}}
    if not isinstance(value, dict):
        shown = orjson.dumps(orjson.dumps(value).decode()).decode()  # Ollama quotes the JSON once more
        raise ApiError(500, f'invalid format: {shown}; expected "json" or a valid JSON Schema object')
    if not _known_types(cast("dict[str, object]", value)):
        raise ApiError(500, INVALID_SCHEMA)
    # Like Ollama, skip keywords that the grammar does not support instead of rejecting the schema.
    return {"json_schema": {**cast("dict[str, object]", value), "x-guidance": {"lenient": True}}}


def _known_types(schema: object) -> bool:
    """Whether every `type` in a schema exists; llama.cpp silently drops a schema with an unknown type."""
    if isinstance(schema, list):
        return all(map(_known_types, cast("list[object]", schema)))
    if not isinstance(schema, dict):
        return True
    for key, value in cast("dict[str, object]", schema).items():
        if key == "type" and isinstance(value, str) and value not in _JSON_TYPES:
            return False
        if key not in {"enum", "const", "default", "examples"} and not _known_types(value):
            return False
    return True


def read_keep_alive(value: object) -> float | None:
    """Translate `keep_alive` (a number of seconds or a Go duration such as "1h30m") into seconds."""
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        raise ApiError(400, f"Unsupported type: '{type(value).__name__}'")
    sign = -1.0 if value.startswith("-") else 1.0
    digits = value.lstrip("+-")
    if digits == "0":
        return 0.0
    parts = _DURATION_PART.findall(digits)
    if not parts or "".join(map("".join, parts)) != digits:
        raise ApiError(400, f'time: invalid duration "{value}"')
    for _, unit in parts:
        if unit not in _UNITS:
            text = f'unknown unit "{unit}"' if unit else "missing unit"
            raise ApiError(400, f'time: {text} in duration "{value}"')
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)
