"""Incremental JSON reader: takes JSON in pieces, reads every character once."""

import re
from collections.abc import Callable
from functools import cache

from orjson import JSONDecodeError, loads

JsonValue = dict[str, "JsonValue"] | list["JsonValue"] | str | int | float | bool | None
"""Any value that JSON can represent."""

_Container = dict[str, JsonValue] | list[JsonValue]

# Compiled on first use: that takes longer than loading the rest of this module.
_SPACE = r"[ \t\n\r]*"
_IN_STRING = (  # a surrogate pair counts as one escape: its first half cannot be decoded alone
    r'[^"\\]*(?:\\(?:[^u]|u(?![dD][89abAB])[0-9a-fA-F]{4}'
    r'|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})[^"\\]*)*'
)
_INCOMPLETE_ESCAPE = r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?))?"
_IN_SCALAR = r'[^\s,:"{}\[\]]*'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"

_LITERALS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}
_MAX_DEPTH = 200  # nested containers; no schema for an answer is as deep


class InvalidJsonError(ValueError):
    """The text is not JSON from here on."""


class PartialJson:
    """One JSON value that is being read, with a snapshot of it at any time.

    A state machine over the tokens of JSON. Between tokens, ``_expect`` is the method that takes the next
    character that is not white space; inside a string, number or literal, ``_read_token`` is the method that
    reads on. The containers that are open form a stack.
    """

    def __init__(self, on_value: Callable[[JsonValue, int], object] | None = None) -> None:
        self.is_complete = False
        self.is_confirmed = False  # a key or a value has been read, so the first bracket did start JSON
        self.version = 0  # increases whenever the value changes
        self._on_value = on_value  # called with each complete value and the number of containers around it
        self._expect: Callable[[str], None] = self._expect_value
        self._read_token: Callable[[str, int], int] | None = None
        self._containers: list[_Container] = []
        self._keys: list[str] = []  # one per open container; "" for arrays and before the first key
        self._root: JsonValue = None
        self._token = ""  # a string as far as it is decoded, or the text of a number or literal
        self._incomplete_escape = ""  # the end of a string that cannot be decoded yet
        self._is_key = False

    def feed(self, text: str) -> int:
        """Read the text; return the position after the end of the JSON, or the length of the text."""
        position = 0
        while position < len(text) and not self.is_complete:
            if self._read_token is not None:
                position = self._read_token(text, position)
                continue
            position = _end_of(_SPACE, text, position)
            if position < len(text):
                self._expect(text[position])
                position += 1
        return position

    @property
    def is_array(self) -> bool:
        """Whether the outermost value is an array."""
        return isinstance(self._containers[0] if self._containers else self._root, list)

    def snapshot(self) -> JsonValue:
        """Return the value so far: a new object that shares its finished parts with earlier snapshots."""
        if self.is_complete:
            return self._root
        has_partial = self._read_token == self._in_string and not self._is_key
        value: JsonValue = self._token
        for container, key in zip(reversed(self._containers), reversed(self._keys), strict=True):
            if isinstance(container, list):
                value = [*container, value] if has_partial else container.copy()
            else:
                value = {**container, key: value} if has_partial else container.copy()
            has_partial = True
        return value

    # States between tokens: each takes the next character that is not white space.

    def _expect_value(self, character: str) -> None:
        if character == "{":
            self._open_container({}, self._expect_key_or_end)
        elif character == "[":
            self._open_container([], self._expect_value_or_end)
        elif character == '"':
            self._begin_string(is_key=False)
        elif character in "-0123456789tfn":
            self._token = character
            self._read_token = self._in_scalar
        else:
            raise InvalidJsonError(f"a value cannot begin with {character!r}")

    def _expect_value_or_end(self, character: str) -> None:
        if character == "]":
            self._close_container()
        else:
            self._expect_value(character)

    def _expect_key(self, character: str) -> None:
        if character != '"':
            raise InvalidJsonError(f"expected a key in double quotes, got {character!r}")
        self._begin_string(is_key=True)

    def _expect_key_or_end(self, character: str) -> None:
        if character == "}":
            self._close_container()
        else:
            self._expect_key(character)

    def _expect_colon(self, character: str) -> None:
        if character != ":":
            raise InvalidJsonError(f"expected ':', got {character!r}")
        self._expect = self._expect_value

    def _expect_comma_or_end(self, character: str) -> None:
        in_array = isinstance(self._containers[-1], list)
        end = "]" if in_array else "}"
        if character == ",":
            self._expect = self._expect_value if in_array else self._expect_key
        elif character == end:
            self._close_container()
        else:
            raise InvalidJsonError(f"expected ',' or {end!r}, got {character!r}")

    # States inside a token: each reads the text from a position on and returns where it stopped.

    def _in_string(self, text: str, position: int) -> int:
        start, source = position, text
        if self._incomplete_escape:
            start, source = 0, self._incomplete_escape + text[position:]
        stop = _end_of(_IN_STRING, source, start)
        is_closed = source.startswith('"', stop)
        escape = self._incomplete_escape = "" if is_closed else source[stop:]
        if escape and not _compiled(_INCOMPLETE_ESCAPE).fullmatch(escape):
            raise InvalidJsonError(f"invalid escape {escape[:6]!r}")
        raw = source[start:stop]
        if raw:
            self._token += raw if raw.isprintable() and "\\" not in raw else _decode(raw)
            self.version += not self._is_key
        if not is_closed:
            return len(text)
        self._end_string()
        return len(text) - len(source) + stop + 1

    def _in_scalar(self, text: str, position: int) -> int:
        stop = _end_of(_IN_SCALAR, text, position)
        self._token += text[position:stop]
        if stop < len(text):
            self.version += 1
            self._add_value(_parse_scalar(self._token))
        return stop

    # Transitions

    def _open_container(self, container: _Container, expect: Callable[[str], None]) -> None:
        if len(self._containers) == _MAX_DEPTH:
            raise InvalidJsonError(f"more than {_MAX_DEPTH} nested objects and arrays")
        self.version += 1
        self._containers.append(container)
        self._keys.append("")
        self._expect = expect

    def _close_container(self) -> None:
        self._keys.pop()
        self._add_value(self._containers.pop())

    def _begin_string(self, *, is_key: bool) -> None:
        self._token = self._incomplete_escape = ""
        self._is_key = is_key
        self.is_confirmed = True
        self.version += not is_key
        self._read_token = self._in_string

    def _end_string(self) -> None:
        if self._is_key:
            self._keys[-1] = self._token
            self._read_token = None
            self._expect = self._expect_colon
        else:
            self._add_value(self._token)

    def _add_value(self, value: JsonValue) -> None:
        """Add a complete value to the container that is open."""
        self.is_confirmed = True
        self._read_token = None
        if self._on_value is not None:
            self._on_value(value, len(self._containers))
        if not self._containers:
            self._root = value
            self.is_complete = True
            return
        container = self._containers[-1]
        if isinstance(container, list):
            container.append(value)
        else:
            container[self._keys[-1]] = value
        self._expect = self._expect_comma_or_end


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _end_of(pattern: str, text: str, start: int) -> int:
    match = _compiled(pattern).match(text, start)
    return start if match is None else match.end()


def _decode(raw: str) -> str:
    try:
        return str(loads(f'"{raw}"'))
    except JSONDecodeError as error:
        raise InvalidJsonError(f"invalid string: {error}") from error


def _parse_scalar(text: str) -> JsonValue:
    if text in _LITERALS:
        return _LITERALS[text]
    match = _compiled(_NUMBER).fullmatch(text)
    if match is None:
        raise InvalidJsonError(f"invalid value {text[:20]!r}")
    try:
        return float(text) if match[1] or match[2] else int(text)
    except ValueError as error:  # Python's limit is 4300 digits
        raise InvalidJsonError(f"a number of {len(text)} digits") from error
