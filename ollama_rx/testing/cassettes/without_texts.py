"""Leave prompts and answers out of what is recorded: each of their letters becomes an x."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

import orjson

from ollama_rx.testing.cassettes.recorded_exchange import RecordedRequest

_LETTERS: Final = re.compile(r"[^\s!-/:-@\[-`{-~]")  # all but spaces and the punctuation of ASCII
_QUOTED: Final = re.compile(r"""['"`].*['"`]""", re.DOTALL)

# Fields whose text is a setting, a name or a figure and never a part of a prompt or an answer.
_KEPT: Final = frozenset(
    {
        "created_at",
        "digest",
        "done_reason",
        "expires_at",
        "keep_alive",
        "model",
        "modified_at",
        "name",
        "remote_host",
        "remote_model",
        "role",
        "status",
        "think",
        "type",
        "version",
    }
)
_TOKENS: Final = frozenset({"bytes", "context", "embedding", "embeddings"})
"""Lists of numbers from which texts can be read or guessed."""


def without_texts(value: object) -> object:
    """Return JSON values without the texts of prompts and answers; their lengths and the structure stay.

    >>> without_texts({"model": "llama3.2", "prompt": "Hi, you!", "context": [7, 9], "done": True})
    {'model': 'llama3.2', 'prompt': 'xx, xxx!', 'context': [0, 0], 'done': True}
    """
    if isinstance(value, str):
        return _LETTERS.sub("x", value)
    if isinstance(value, list):
        return [without_texts(item) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        return {name: _field(name, item) for name, item in cast("Mapping[str, object]", value).items()}
    return value


def _field(name: str, value: object) -> object:
    if name in _KEPT and isinstance(value, str):
        return value
    if name == "error" and isinstance(value, str):  # it may quote a tool call that cannot be parsed
        return _QUOTED.sub(lambda quoted: _LETTERS.sub("x", quoted[0]), value)
    if name == "arguments":  # of a tool call: the model has written all of it
        return _arguments(value)
    if name in _TOKENS and isinstance(value, list):
        return _zeros(cast("list[object]", value))
    return without_texts(value)


def _arguments(value: object) -> object:
    if isinstance(value, dict):
        return {name: _arguments(item) for name, item in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_arguments(item) for item in cast("list[object]", value)]
    return 0 if isinstance(value, int | float) and not isinstance(value, bool) else without_texts(value)


def _zeros(values: list[object]) -> list[object]:
    return [_zeros(cast("list[object]", value)) if isinstance(value, list) else 0 for value in values]


def request_without_texts(request: RecordedRequest) -> RecordedRequest:
    """Return a request without its texts."""
    return replace(request, body=without_texts(request.body))


def line_without_texts(line: bytes) -> bytes:
    r"""Return a line of a response without its texts.

    >>> line_without_texts(b'{"response":"Hello","done":false}\n')
    b'{"response":"xxxxx","done":false}\n'
    >>> line_without_texts(b"<html>")
    b'<xxxx>'
    """
    ending = line[len(line.rstrip()) :]
    try:
        return orjson.dumps(without_texts(orjson.loads(line))) + ending
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return _LETTERS.sub("x", line.decode(errors="replace")).encode()
