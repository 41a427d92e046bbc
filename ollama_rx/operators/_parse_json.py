"""Parse a JSON answer while it is still being written."""

import re
from collections.abc import Callable
from dataclasses import is_dataclass
from inspect import isclass
from typing import Protocol, TypeVar, overload

from reactivex import Observable

from ollama_rx.arguments import wrong_type
from ollama_rx.errors import BadJsonError
from ollama_rx.operators._partial_json import InvalidJsonError, JsonValue, PartialJson
from ollama_rx.partial_text import PartialText
from ollama_rx.rx import Emitter, through

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SupportsModelValidate(Protocol[T_co]):
    """A class that builds an instance from parsed JSON, such as any pydantic model."""

    def model_validate(self, obj: object, /) -> T_co:
        """Return an instance, or raise an error if the object is not valid."""
        ...


@overload
def parse_json() -> Callable[[Observable[str]], Observable[JsonValue]]: ...
@overload
def parse_json(
    *, into: SupportsModelValidate[T] | Callable[[JsonValue], T]
) -> Callable[[Observable[str]], Observable[T]]: ...
def parse_json(
    *, into: SupportsModelValidate[object] | Callable[[JsonValue], object] | None = None
) -> Callable[[Observable[str]], Observable[object]]:
    """Emit the JSON object or array in the text, each time it has grown.

    ::

        source  -a--b---c-|   a='Sure: {"na'     b='me": "A'           c='da", "age": 36} Bye.'
        values  -x--y---z-|   x={}               y={"name": "A"}       z={"name": "Ada", "age": 36}

    A string grows as it arrives; a number is added when it is complete. Each value is a new object that you
    may keep and compare, but it shares its finished parts with the earlier values: copy it before you change
    it. The text before the JSON (words, a code fence) and all text after it is skipped. A ``[`` begins the
    JSON only if it is the first character of its line or follows a colon, since the "[1]" in a sentence is
    not an array.

    With ``into`` only complete and validated values are emitted: an object when it is complete; the elements
    of an array one by one, each as soon as it is complete.

    Every character is read once; emitting a value takes as long as copying the containers that are still
    open. Only incomplete values are held back: on completion they are an error, on error or cancel they are
    dropped.

    Args:
        into: a class with ``model_validate`` (pydantic), or a function of the parsed value. For a dataclass
            ``City``, unpack the object: ``lambda value: City(**value)``; or use pydantic's
            ``TypeAdapter(City).validate_python``, which also checks the types.

    Raises:
        BadJsonError: in the stream, when the JSON is invalid, incomplete at the end of the text or missing,
            or when ``into`` rejects a value (its error is the cause); ``partial`` is the text so far. A
            stream without any text completes; with ``into`` it is an error too, since the object that was
            asked for is missing. (Ollama sends such a stream when an answer reaches its length limit inside
            a tool call, or while the model thinks.)

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of('Sure: {"na', 'me": "A', 'da"}').pipe(parse_json(), ops.to_list()).run()
    [{}, {'name': 'A'}, {'name': 'Ada'}]
    """
    if into is None:
        return through(_ParseJson, name="parse_json", takes=str)
    validate = getattr(into, "model_validate", into)
    if not callable(validate):
        raise wrong_type("into", "a class with model_validate, or a function", into)
    if isclass(validate) and (is_dataclass(validate) or hasattr(validate, "_fields")):
        name = validate.__name__  # called with the object, it would use it as its first field
        raise TypeError(
            f"into: expected a function of one object, got {name}, which takes fields; "
            f"into=lambda value: {name}(**value)"
        )
    return through(lambda out: _ParseJson(out, validate), name="parse_json", takes=str)


class _ParseJson:
    def __init__(self, out: Emitter[object], validate: Callable[[JsonValue], object] | None = None) -> None:
        self._emit = out.emit
        self._validate = validate
        self._received = PartialText()
        self._preceding = ""  # the last visible character of the current line
        self._json: PartialJson | None = None
        self._unconfirmed = ""  # text consumed since a '[' that may not start JSON
        self._emitted_version = 0

    def feed(self, text: str, /) -> None:
        received = self._received
        received.room -= received.write(text)
        if received.room < 0:
            received.forget_beginning()
        rest = text
        while rest:
            rest = self._find_start(rest) if self._json is None else self._read(self._json, rest)

    def _find_start(self, text: str) -> str:
        """Find a bracket that may start the JSON; return the text from there on."""
        for bracket in re.finditer(r"[{\[]", text):
            start = bracket.start()
            preceding = self._last_visible(text[:start])
            if text[start] == "{" or preceding in ("", ":"):
                self._preceding = preceding
                self._json = PartialJson(None if self._validate is None else self._on_value)
                return text[start:]
        self._preceding = self._last_visible(text)
        return ""

    def _last_visible(self, text: str) -> str:
        """Return the last visible character of the line that the text ends in, "" if there is none."""
        *lines_before, line = text.rsplit("\n", 1)
        return line.rstrip()[-1:] or ("" if lines_before else self._preceding)

    def _read(self, json: PartialJson, text: str) -> str:
        """Read JSON; if this turns out not to be JSON, return the text in which to look for another start."""
        if json.is_complete:
            return ""
        try:
            end = json.feed(text)
        except InvalidJsonError as error:
            if json.is_confirmed:
                raise self._error(str(error)) from error
            text = self._unconfirmed + text
            self._json, self._unconfirmed, self._preceding = None, "", text[0]
            return text[1:]
        if not json.is_confirmed:
            self._unconfirmed += text[:end]
        elif self._validate is None and json.version != self._emitted_version:
            self._emitted_version = json.version
            self._emit(json.snapshot())
        return ""

    def _on_value(self, value: JsonValue, depth: int) -> None:
        """Validate and emit the object, or an element of the array."""
        assert self._validate is not None  # noqa: S101 - only called with `into`
        assert self._json is not None  # noqa: S101
        if depth != (1 if self._json.is_array else 0) or (depth == 0 and isinstance(value, list)):
            return
        try:
            result = self._validate(value)
        except Exception as error:
            raise self._error(f"{type(error).__name__}: {error}") from error
        self._emit(result)

    def flush(self) -> None:
        if self._json is None:
            is_empty = not self._received.text.strip()
            if self._validate is not None or not is_empty:
                raise self._error("it is empty" if is_empty else "it contains no object and no array")
        elif not self._json.is_complete:
            raise self._error("it ends before the JSON is complete")

    def _error(self, reason: str) -> BadJsonError:
        return BadJsonError(reason, partial=self._received.text)
