"""Parse JSON that orjson rejects, into values that every encoder accepts; find JSON that is nested deeply."""

import json
import re
from collections.abc import Mapping
from typing import Any

from ollama_rx.protocol.json_fields import INTEGERS, JsonObject, is_last, object_of, text_of

MAX_NESTING = 500
"""Levels of objects and arrays in one JSON text. Ollama sends fewer than ten; Python's own functions, such as
`repr`, fail at about 1000 levels, and orjson at 1024."""

_MAX_DIGITS = 20  # of an integer of 64 bits, or 19 and a sign; `int` refuses thousands
# Compiled by `re` at its first use: few programs need it. It also matches a string without an end; otherwise
# `re` would look for the end again from each quote in that string, in quadratic time.
_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)'
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_HIGH_SURROGATES = ("\ud800", "\udbff")
# The texts that go on in the next chunk: their name, and whether they are in the message.
_CONTINUED = (("response", False), ("thinking", False), ("content", True), ("thinking", True))

HeldSurrogates = dict[tuple[str, bool], str]
"""The first halves of characters at the end of a chunk's texts, held for the next chunk."""


def is_nested_deeply(text: bytes) -> bool:
    """Check whether a JSON text is nested more than `MAX_NESTING` levels deep, without parsing it."""
    # with few brackets this takes half the time of `count`
    if 2 * len(text) - len(text.replace(b"[", b"")) - len(text.replace(b"{", b"")) <= MAX_NESTING:
        return False
    depth = 0
    for bracket in re.sub(_STRING, b"", text, flags=re.DOTALL).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_NESTING:
            return True
    return False


def loads(text: bytes | str, held: HeldSurrogates | None = None) -> Any:
    r"""Parse JSON as orjson does, but accept what other servers and proxies send, unlike Ollama itself.

    That is: raw control characters, NaN and infinity, a byte order mark, bytes that are not UTF-8 (they
    become U+FFFD), and lone surrogates such as the escape `\ud83d` (see `make_whole`, and `join_surrogates`
    for what ``held`` is). Integers of more than 64 bits become floats, as in orjson.

    >>> loads(r'{"one half": "\ud83d"}')
    {'one half': '�'}

    Raises:
        ValueError: the text is not JSON, or is nested too deeply.
    """
    if isinstance(text, str):
        text = text.encode("utf-8", "surrogatepass")
    if is_nested_deeply(text):
        raise ValueError("nested too deeply")
    try:
        value = json.loads(_decode(text), strict=False, parse_int=_parse_int)
        if held is not None and isinstance(value, dict):
            return join_surrogates(value, held)  # pyright: ignore[reportUnknownArgumentType]
        return make_whole(value)
    except RecursionError as error:  # the caller's own calls are nested deeply too
        raise ValueError("nested too deeply") from error


def _decode(text: bytes) -> str:
    try:
        return text.decode("utf-8-sig", "surrogatepass")  # some encoders write the halves of a character
    except UnicodeDecodeError:
        return text.decode("utf-8-sig", "replace")


def _parse_int(digits: str) -> float:
    if len(digits) <= _MAX_DIGITS and (number := int(digits)) in INTEGERS:
        return number
    return float(digits)


def make_whole(value: Any) -> Any:
    r"""Return a JSON value in which every text and every key can be encoded.

    Two surrogates that are the halves of a character become that character; any other becomes U+FFFD.

    >>> make_whole({"both halves": "\ud83d\ude00", "one half": ["\ud83d!"]})
    {'both halves': '😀', 'one half': ['�!']}
    """
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [make_whole(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return {make_whole(key): make_whole(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def join_surrogates(raw: JsonObject, held: HeldSurrogates) -> JsonObject:
    r"""Return the object of a chunk made whole; join characters of which two chunks hold one half each.

    A first half at the end of a text is moved to ``held``. The next chunk that continues this text gets it:
    as the whole character, or as U+FFFD if the second half does not follow. The last chunk gets what is left.

    >>> held = {}
    >>> join_surrogates({"response": "Hi \ud83d"}, held), join_surrogates({"response": "\ude00!"}, held)
    ({'response': 'Hi '}, {'response': '😀!'})
    """
    chunk, message = dict(raw), dict(object_of(raw.get("message")))
    first, last = _HIGH_SURROGATES
    for place in _CONTINUED:
        name, in_message = place
        texts = message if in_message else chunk
        sent = text_of(texts.get(name))
        text = held.pop(place, "") + sent
        if first <= text[-1:] <= last and not is_last(raw):
            held[place] = text[-1]
            text = text[:-1]
        if text != sent:
            texts[name] = text
    if message:
        chunk["message"] = message
    whole: JsonObject = make_whole(chunk)
    return whole
