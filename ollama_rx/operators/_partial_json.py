"""Incremental JSON reader: takes JSON in pieces, reads every character once."""

import re
from collections.abc import Callable
from functools import cache
from json import JSONDecoder

JsonValue = dict[str, "JsonValue"] | list["JsonValue"] | str | int | float | bool | None
"""Any value that JSON can represent."""

_Container = dict[str, JsonValue] | list[JsonValue]

# Compiled on first use: that takes longer than loading the rest of this module.
_SPACE = r"[ \t\n\r]*"
_PAIR = r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # the two halves of one character
_HALF = r"u[dD][89a-fA-F][0-9a-fA-F]{2}"
_NO_SECOND_HALF = r"(?=[^\\]|\\[^u]|\\u[^dD]|\\u[dD][^c-fC-F])"
_IN_STRING = (
    r'[^"\\]*(?:\\(?:["\'\\/bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4}|u[dD][c-fC-F][0-9a-fA-F]{2}'
    rf'|{_PAIR}|{_HALF}{_NO_SECOND_HALF})[^"\\]*)*'
)
# Half of a character, which Ollama's grammar for strings allows, and what models write without a grammar.
_TO_TRANSLATE = r"\\(?:'|u[dD][89a-fA-F])"
_ESCAPE = rf"\\(?:{_PAIR}|(?P<half>{_HALF})|(?P<quote>')|.)"
_INCOMPLETE_ESCAPE = r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?))?"
_LONGEST_ESCAPE = 12  # a surrogate pair, such as \ud83d\ude00
_IN_SCALAR = r'[^\s,:"{}\[\]]*'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"

_LITERALS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}
_DECODER = JSONDecoder(strict=False)  # models write line breaks and tabs in strings as they are
_MAX_DEPTH = 200  # nested containers; no schema for an answer is as deep

# What it costs to copy an entry of a container, and a container, as the number of characters of a string that
# are copied in the same time; roughly, measured with CPython 3.11.
_ENTRY_COST = 32
_CONTAINER_COST = 256


class InvalidJsonError(ValueError):
    """The text is not JSON from here on; ``position`` counts from the beginning of the JSON."""

    position = 0


class PartialJson:
    """One JSON value that is being read, with a snapshot of it at any time.

    A state machine over the tokens of JSON. Between tokens, ``_expect`` is the method that takes the next
    character that is not white space; inside a string, number or literal, ``_read_token`` is the method that
    reads on. The containers that are open form a stack. The text of a token is kept in pieces until it is
    needed, because adding to a long text piece by piece takes quadratic time.
    """

    def __init__(
        self, select: Callable[["PartialJson", int], bool] | None = None, *, trusts_numbers: bool = True
    ) -> None:
        self.is_complete = False
        self.is_confirmed = False  # what has been read looks like JSON and not like brackets in prose
        self.has_changed = False  # since the last snapshot
        self.snapshot_cost = 0  # what it takes to copy the open containers and the string, in characters
        self.first_string: int | None = None  # its position, after the quote
        self.selected: list[JsonValue] = []
        """The complete values for which ``select`` was true; the reader's owner empties the list."""
        self._select = select  # called with each complete value's number of containers around it
        self._trusts_numbers = trusts_numbers  # a list of numbers confirms that this is JSON
        self._expect: Callable[[str], None] = self._expect_value
        self._read_token: Callable[[str, int], int] | None = None
        self._containers: list[_Container] = []
        self._keys: list[str] = []  # one per open container; "" for arrays and before the first key
        self._root: JsonValue = None
        self._token: list[str] = []  # a string as far as it is decoded, or a number or literal, in pieces
        self._incomplete_escape = ""  # the end of a string that cannot be decoded yet
        self._is_key = False
        self._follows_string = False  # the last token was a string
        self.length = 0  # of the JSON that has been read

    def feed(self, text: str, position: int = 0) -> int:
        """Read the text from a position on; return the position after the JSON, or the text's length."""
        offset = self.length - position
        try:
            while position < len(text) and not self.is_complete:
                if self._read_token is not None:
                    position = self._read_token(text, position)
                    continue
                position = _end_of(_SPACE, text, position)
                if position < len(text):
                    if self.first_string is None and text[position] == '"':
                        self.first_string = offset + position + 1
                    self._expect(text[position])
                    position += 1
        except InvalidJsonError as error:
            error.position = offset + position
            raise
        self.length = offset + position
        return position

    @property
    def is_array(self) -> bool:
        """Whether the outermost value is an array."""
        return isinstance(self._containers[0] if self._containers else self._root, list)

    @property
    def kind(self) -> str:
        """What the outermost value is, for messages."""
        if self._containers:
            return "array" if self.is_array else "object"
        return "value" if self.first_string is None else "string"

    def is_in_array_at(self, path: list[str]) -> bool:
        """Whether the innermost open container is the array under these keys of the outermost object."""
        return self._keys[:-1] == path and isinstance(self._containers[-1], list)

    def snapshot(self) -> JsonValue:
        """Return the value so far: a new object that shares its finished parts with earlier snapshots."""
        self.has_changed = False
        if self.is_complete:
            return self._root
        has_partial = self._read_token == self._in_string and not self._is_key
        value: JsonValue = None
        if has_partial:
            value = "".join(self._token)
            self._token = [value]
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
            self._token = [character]
            self._read_token = self._in_scalar
        else:
            raise InvalidJsonError(f"a value cannot begin with {character!r}")

    def _expect_value_or_end(self, character: str) -> None:
        if character == "]":
            self._close_container()
        else:
            self._expect_value(character)

    def _expect_key_or_end(self, character: str) -> None:
        if character == "}":
            self._close_container()
        elif character == '"':
            self._begin_string(is_key=True)
        else:
            raise InvalidJsonError(f"expected a key in double quotes, got {character!r}")

    def _expect_colon(self, character: str) -> None:
        if character != ":":
            raise InvalidJsonError(f"expected ':', got {character!r}")
        self.is_confirmed = True
        self._expect = self._expect_value

    def _expect_comma_or_end(self, character: str) -> None:
        in_array = isinstance(self._containers[-1], list)
        end = "]" if in_array else "}"
        if character == ",":
            self.is_confirmed = self.is_confirmed or self._follows_string or self._trusts_numbers
            # The end may follow: models write a comma after the last value too.
            self._expect = self._expect_value_or_end if in_array else self._expect_key_or_end
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
        raw = source[start:stop]
        if raw:
            decoded = _unescape(raw) if "\\" in raw else raw
            self._token.append(decoded)
            self.snapshot_cost += len(decoded)
            self.has_changed = self.has_changed or not self._is_key
        is_closed = source.startswith('"', stop)
        escape = self._incomplete_escape = "" if is_closed else source[stop : stop + _LONGEST_ESCAPE]
        if escape and not _compiled(_INCOMPLETE_ESCAPE).fullmatch(escape):
            raise InvalidJsonError(f"invalid escape {escape[:2]!r}")
        if not is_closed:
            return len(text)
        self._end_string()
        return len(text) - len(source) + stop + 1

    def _in_scalar(self, text: str, position: int) -> int:
        stop = _end_of(_IN_SCALAR, text, position)
        self._token.append(text[position:stop])
        if stop < len(text):
            self.has_changed = True
            self._add_value(_parse_scalar("".join(self._token)))
        return stop

    # Transitions

    def _open_container(self, container: _Container, expect: Callable[[str], None]) -> None:
        if len(self._containers) == _MAX_DEPTH:
            raise InvalidJsonError(f"more than {_MAX_DEPTH} nested objects and arrays")
        self.has_changed = True
        self.snapshot_cost += _CONTAINER_COST
        self._containers.append(container)
        self._keys.append("")
        self._expect = expect

    def _close_container(self) -> None:
        self._keys.pop()
        container = self._containers.pop()
        self.snapshot_cost -= _CONTAINER_COST + _ENTRY_COST * len(container)
        self.is_confirmed = self.is_confirmed or self._follows_string
        self._add_value(container)

    def _begin_string(self, *, is_key: bool) -> None:
        self._token = []
        self._incomplete_escape = ""
        self._is_key = is_key
        self.has_changed = self.has_changed or not is_key
        self._read_token = self._in_string

    def _end_string(self) -> None:
        string = "".join(self._token)
        self.snapshot_cost -= len(string)
        if self._is_key:
            self._keys[-1] = string
            self._read_token = None
            self._expect = self._expect_colon
        else:
            self._add_value(string)
            self._follows_string = True

    def _add_value(self, value: JsonValue) -> None:
        """Add a complete value to the container that is open."""
        self._read_token = None
        self._follows_string = False
        if not self._containers:
            self._root = value
            self.is_complete = True
        if self._select is not None and self._select(self, len(self._containers)):
            self.selected.append(value)
        if self.is_complete:
            return
        container = self._containers[-1]
        if isinstance(container, list):
            container.append(value)
            self.snapshot_cost += _ENTRY_COST
        else:
            key = self._keys[-1]
            if key not in container:
                self.snapshot_cost += _ENTRY_COST
            container[key] = value
        self._expect = self._expect_comma_or_end


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _end_of(pattern: str, text: str, start: int) -> int:
    match = _compiled(pattern).match(text, start)
    return start if match is None else match.end()


def _unescape(raw: str) -> str:
    if _compiled(_TO_TRANSLATE).search(raw):
        raw = _compiled(_ESCAPE).sub(_translate, raw)
    return str(_DECODER.raw_decode(f'"{raw}"')[0])


def _translate(match: re.Match[str]) -> str:
    r"""Return what the decoder can read: U+FFFD for half of a character, a quote alone for ``\'``."""
    if match["half"]:
        return "\ufffd"
    return match["quote"] or match[0]


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
