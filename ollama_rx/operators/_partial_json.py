"""Read JSON that arrives in pieces; every character is looked at once."""

import re
from collections.abc import Callable

from orjson import JSONDecodeError, loads

JsonValue = dict[str, "JsonValue"] | list["JsonValue"] | str | int | float | bool | None
"""What JSON can say."""

_SPACE = re.compile(r"[ \t\n\r]*")
_IN_STRING = re.compile(  # a surrogate pair is one thing: its first half alone cannot be decoded
    r'[^"\\]*(?:\\(?:[^u]|u(?![dD][89abAB])[0-9a-fA-F]{4}'
    r'|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})[^"\\]*)*',
    re.DOTALL,
)
_IN_SCALAR = re.compile(r'[^\s,:"{}\[\]]*')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: dict[str, JsonValue] = {"true": True, "false": False, "null": None}
_CUT_ESCAPE = re.compile(
    r"\\(?:u(?:[0-9a-fA-F]{0,3}|[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?))?"
)
_DEEPEST = 200  # containers in containers: deeper text is no answer to anybody's schema


Container = dict[str, JsonValue] | list[JsonValue]


class BrokenError(ValueError):
    """The text is no JSON from here on."""


class Growing:
    """One JSON object or array that grows; ``done`` when it is complete."""

    def __init__(self, closed: Callable[[JsonValue, int], object] | None = None) -> None:
        self.done = False
        self.changes = 0  # a number that grows with the value
        self.certain = False  # it holds something, so it is no bracket in a sentence
        self._closed = closed  # told of each complete value and the number of containers it is in
        self._open: list[Container] = []
        self._keys: list[str] = []  # of the open containers; "" for arrays and before the first key
        self._root: JsonValue = None
        self._step: Callable[[str, int], int] = self._value
        self._text = ""  # of a string as far as it is decoded, or of a number or word
        self._escape = ""  # what follows it, but cannot be decoded yet
        self._is_key = False

    def feed(self, text: str, start: int = 0) -> int:
        """Take text from a place on; return where the JSON ends in it, or its length."""
        while start < len(text) and not self.done:
            start = self._step(text, start)
        return start

    @property
    def is_array(self) -> bool:
        """Whether the outermost value is an array."""
        return isinstance(self._open[0] if self._open else self._root, list)

    def snapshot(self) -> JsonValue:
        """Return the value so far: a new object, whose finished parts are those of earlier ones."""
        if self.done:
            return self._root
        partial = self._step == self._string and not self._is_key
        value: JsonValue = self._text
        for container, key in zip(reversed(self._open), reversed(self._keys), strict=True):
            if isinstance(container, list):
                value = [*container, value] if partial else container.copy()
            else:
                value = {**container, key: value} if partial else container.copy()
            partial = True
        return value

    # steps: take the text from a place on, return where they stopped

    def _value(self, text: str, start: int) -> int:
        start = _after_space(text, start)
        character = text[start : start + 1]
        if character == "{":
            self._begin({}, self._key_or_end)
        elif character == "[":
            self._begin([], self._value_or_end)
        elif character == '"':
            self._begin_string(is_key=False)
        elif character and character in "-0123456789tfn":
            self._text = ""
            self._step = self._scalar
            return start
        elif character:
            raise BrokenError(f"no value can begin with {character!r}")
        return start + len(character)

    def _value_or_end(self, text: str, start: int) -> int:
        return self._or_end("]", self._value, text, start)

    def _key_or_end(self, text: str, start: int) -> int:
        return self._or_end("}", self._key, text, start)

    def _key(self, text: str, start: int) -> int:
        return self._expect('"', text, start, lambda: self._begin_string(is_key=True))

    def _colon(self, text: str, start: int) -> int:
        def then() -> None:
            self._step = self._value

        return self._expect(":", text, start, then)

    def _comma_or_end(self, text: str, start: int) -> int:
        start = _after_space(text, start)
        character = text[start : start + 1]
        in_array = isinstance(self._open[-1], list)
        if character == ",":
            self._step = self._value if in_array else self._key
            return start + 1
        if character == ("]" if in_array else "}"):
            return self._end(start)
        if character:
            raise BrokenError(f"a comma or an end is missing before {character!r}")
        return start

    def _string(self, text: str, start: int) -> int:
        begin, whole = start, text
        if self._escape:
            begin, whole = 0, self._escape + text[start:]
        stop = _end_of(_IN_STRING, whole, begin)
        closed = whole.startswith('"', stop)
        self._escape = "" if closed else whole[stop:]
        if self._escape and not _CUT_ESCAPE.fullmatch(self._escape):
            raise BrokenError(f"no escape: {self._escape[:6]!r}")
        raw = whole[begin:stop]
        if raw:
            self._text += raw if raw.isprintable() and "\\" not in raw else _decoded(raw)
            self.changes += not self._is_key
        if not closed:
            return len(text)
        self._close_string()
        return len(text) - len(whole) + stop + 1

    def _scalar(self, text: str, start: int) -> int:
        stop = _end_of(_IN_SCALAR, text, start)
        self._text += text[start:stop]
        if stop < len(text):
            self.changes += 1
            self._finish(_scalar(self._text))
        return stop

    # what the steps share

    def _or_end(self, end: str, step: Callable[[str, int], int], text: str, start: int) -> int:
        start = _after_space(text, start)
        if text.startswith(end, start):
            return self._end(start)
        if start < len(text):
            self._step = step
        return start

    def _expect(self, wanted: str, text: str, start: int, then: Callable[[], object]) -> int:
        start = _after_space(text, start)
        if start == len(text):
            return start
        if text[start] != wanted:
            raise BrokenError(f"{wanted!r} is missing before {text[start]!r}")
        then()
        return start + 1

    def _begin(self, container: Container, step: Callable[[str, int], int]) -> None:
        if len(self._open) == _DEEPEST:
            raise BrokenError(f"more than {_DEEPEST} objects and arrays in one another")
        self.changes += 1
        self._open.append(container)
        self._keys.append("")
        self._step = step

    def _begin_string(self, *, is_key: bool) -> None:
        self._text = self._escape = ""
        self._is_key = is_key
        self.certain = True
        self.changes += not is_key
        self._step = self._string

    def _close_string(self) -> None:
        if self._is_key:
            self._keys[-1] = self._text
            self._step = self._colon
        else:
            self._finish(self._text)

    def _end(self, start: int) -> int:
        self._keys.pop()
        self._finish(self._open.pop())
        return start + 1

    def _finish(self, value: JsonValue) -> None:
        """Put a complete value where it belongs."""
        self.certain = True
        if self._closed is not None:
            self._closed(value, len(self._open))
        if not self._open:
            self._root = value
            self.done = True
            return
        container = self._open[-1]
        if isinstance(container, list):
            container.append(value)
        else:
            container[self._keys[-1]] = value
        self._step = self._comma_or_end


def _after_space(text: str, start: int) -> int:
    return _end_of(_SPACE, text, start)


def _end_of(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return start if match is None else match.end()


def _decoded(raw: str) -> str:
    try:
        return str(loads(f'"{raw}"'))
    except JSONDecodeError as error:
        raise BrokenError(f"a text that JSON does not allow: {error}") from error


def _scalar(text: str) -> JsonValue:
    if text in _WORDS:
        return _WORDS[text]
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise BrokenError(f"no value: {text[:20]!r}")
    try:
        return float(text) if match[1] or match[2] else int(text)
    except ValueError as error:  # Python's limit is 4300 digits
        raise BrokenError(f"a number of {len(text)} digits") from error
