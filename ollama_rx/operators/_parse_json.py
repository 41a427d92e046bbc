"""Make a JSON answer an object while it is still being written."""

import re
from collections.abc import Callable
from dataclasses import is_dataclass
from inspect import isclass
from typing import Protocol, TypeVar, overload

from reactivex import Observable

from ollama_rx.arguments import wrong_type
from ollama_rx.errors import BadJsonError
from ollama_rx.operators._partial_json import BrokenError, Growing, JsonValue
from ollama_rx.rx import Emitter, through

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Validating(Protocol[T_co]):
    """A class that makes an instance of parsed JSON, such as any pydantic model."""

    def model_validate(self, obj: object, /) -> T_co:
        """Return an instance, or raise what tells why it can't be one."""
        ...


@overload
def parse_json() -> Callable[[Observable[str]], Observable[JsonValue]]: ...
@overload
def parse_json(
    *, into: Validating[T] | Callable[[JsonValue], T]
) -> Callable[[Observable[str]], Observable[T]]: ...
def parse_json(
    *, into: Validating[object] | Callable[[JsonValue], object] | None = None
) -> Callable[[Observable[str]], Observable[object]]:
    """Emit the object or array in the text, each time it has grown.

    ::

        source  -a--b---c-|   a='Sure: {"na'     b='me": "A'           c='da", "age": 36} Bye.'
        values  -w--x---y-|   w={}               x={"name": "A"}       y={"name": "Ada", "age": 36}

    A text grows as it comes; a number counts when it is complete. Each value is a new object, to keep
    and to compare; its finished parts are shared with the values before, so change a copy. What stands
    before the JSON (words, a code fence) and all that follows it is skipped. A ``[`` begins the JSON only
    first in its line or after a colon, since "[1]" in a sentence is no array.

    With ``into`` nothing half-made comes out: of an object the whole, validated, when it is complete;
    of an array each element as soon as it is.

    Every character is read once; a value costs what copying the open containers costs.

    Args:
        into: a class with ``model_validate`` (pydantic), or a function of the parsed value. A dataclass
            ``City`` wants its fields: ``lambda value: City(**value)``, or pydantic's
            ``TypeAdapter(City).validate_python``, which also looks at their types.

    Raises:
        BadJsonError: in the stream, when the text is no JSON from some place on, ends before the JSON is
            complete, holds none, or ``into`` refuses a value (its error is the cause); ``partial`` is the
            text so far. A stream without any text completes.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of('Sure: {"na', 'me": "A', 'da"}').pipe(parse_json(), ops.to_list()).run()
    [{}, {'name': 'A'}, {'name': 'Ada'}]
    """
    if into is None:
        return through(_Parse)
    validate = getattr(into, "model_validate", into)
    if not callable(validate):
        raise wrong_type("into", "a class with model_validate, or a function", into)
    if isclass(validate) and (is_dataclass(validate) or hasattr(validate, "_fields")):
        name = validate.__name__  # called with the object it would take it for its first field
        raise TypeError(
            f"into: expected a function of one object, got {name}, which takes fields; "
            f"into=lambda value: {name}(**value)"
        )
    return through(lambda out: _Parse(out, validate))


_BRACKET = re.compile(r"[{\[]")
_LAST_IN_LINE = re.compile(r"(?:\n[^\S\n]*|([^\s])[^\S\n]*)\Z")


class _Parse:
    def __init__(self, out: Emitter[object], validate: Callable[[JsonValue], object] | None = None) -> None:
        self._emit = out.emit
        self._validate = validate
        self._heard: list[str] = []
        self._before = ""  # the last visible character of this line
        self._json: Growing | None = None
        self._tried = ""  # what was read of a bracket that may turn out to be none of JSON's
        self._changes = 0

    def feed(self, text: str, /) -> None:
        self._heard.append(text)
        rest: str | None = text
        while rest:
            rest = self._seek(rest) if self._json is None else self._grow(self._json, rest)

    def _seek(self, text: str) -> str | None:
        """Find a bracket that may begin the JSON; return the text from there on."""
        for bracket in _BRACKET.finditer(text):
            place = bracket.start()
            if text[place] == "{" or self._last_before(text[:place]) in ("", ":"):
                self._before = self._last_before(text[:place])
                self._json = Growing(None if self._validate is None else self._closed)
                return text[place:]
        self._before = self._last_before(text)
        return None

    def _last_before(self, text: str) -> str:
        match = _LAST_IN_LINE.search(text)
        return self._before if match is None else match[1] or ""

    def _grow(self, json: Growing, text: str) -> str | None:
        """Read on; return what is to be read otherwise, because this was no JSON."""
        if json.done:
            return None
        try:
            end = json.feed(text)
        except BrokenError as error:
            if json.certain:
                raise self._error(str(error)) from error
            text = self._tried + text
            self._json, self._tried, self._before = None, "", text[0]
            return text[1:]
        if not json.certain and not json.done:
            self._tried += text[:end]
        elif self._validate is None and json.changes != self._changes:
            self._changes = json.changes
            self._emit(json.snapshot())
        return None

    def _closed(self, value: JsonValue, depth: int) -> None:
        """Validate and emit what is complete."""
        assert self._validate is not None  # noqa: S101 - only asked with `into`
        assert self._json is not None  # noqa: S101
        if depth != (1 if self._json.is_array else 0) or (depth == 0 and isinstance(value, list)):
            return
        try:
            made = self._validate(value)
        except Exception as error:
            raise self._error(f"{type(error).__name__}: {error}") from error
        self._emit(made)

    def flush(self) -> None:
        if self._json is None:
            if any(text.strip() for text in self._heard):
                raise self._error("it holds no object and no array")
        elif not self._json.done:
            raise self._error("it ends before the JSON is complete")

    def _error(self, reason: str) -> BadJsonError:
        return BadJsonError(reason, partial="".join(self._heard))
