"""Parse a JSON answer while it is still being written."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Literal, TypeVar, overload

from reactivex import Observable

from ollama_rx.arguments import check_callable, check_choice, check_text, wrong_value
from ollama_rx.errors import BadJsonError, excerpt
from ollama_rx.operators._json_search import JsonSearch
from ollama_rx.operators._json_target import (
    JsonTarget,
    SupportsModelValidate,
    SupportsValidatePython,
    json_target,
    rejection_reason,
)
from ollama_rx.operators._partial_json import InvalidJsonError, JsonValue, PartialJson
from ollama_rx.partial_text import PartialText
from ollama_rx.rx import Emitter, through

T = TypeVar("T")

_log = logging.getLogger(__name__)

# A value that costs no more than this is copied and emitted with each piece of text. A larger one is emitted
# when enough text has arrived since the last time, so that all copies together take linear time. See
# `PartialJson.snapshot_cost`.
_SMALL = 8192
_COST_PER_CHARACTER = 512


@overload
def parse_json(*, each: str | None = None) -> Callable[[Observable[str]], Observable[JsonValue]]: ...
@overload
def parse_json(
    *,
    into: Mapping[str, object],
    each: str | None = None,
    on_invalid: Literal["fail", "skip"] = "fail",
    invalid: Callable[[BadJsonError], object] | None = None,
) -> Callable[[Observable[str]], Observable[JsonValue]]: ...
@overload
def parse_json(
    *,
    into: type[T] | SupportsModelValidate[T] | SupportsValidatePython[T] | Callable[[JsonValue], T],
    each: str | None = None,
    on_invalid: Literal["fail", "skip"] = "fail",
    invalid: Callable[[BadJsonError], object] | None = None,
) -> Callable[[Observable[str]], Observable[T]]: ...
def parse_json(
    *,
    into: object = None,
    each: str | None = None,
    on_invalid: Literal["fail", "skip"] = "fail",
    invalid: Callable[[BadJsonError], object] | None = None,
) -> Callable[[Observable[str]], Observable[object]]:
    r"""Emit the value of a JSON answer each time it has grown; with ``into``, complete and validated values.

    ::

        source  -a--b---c-|   a='Sure: {"na'     b='me": "A'           c='da", "age": 36} Bye.'
        values  -x--y---z-|   x={}               y={"name": "A"}       z={"name": "Ada", "age": 36}

    ``parse_json()`` shows an answer while it is written: a string grows as it arrives, a number is added when
    it is complete. Each value is a new object that you may keep and compare, but it shares its finished parts
    with the earlier values: copy it before you change it.

    ``parse_json(into=City)`` gives complete cities, each as soon as it is there: the object; the elements of
    an array; objects in a row (JSON Lines). ``into=list[City]`` gives the array as one list.

    ``parse_json(into=City, each="data.cities")`` gives the elements of an array inside an object::

        {"data": {"country": "IT", "cities": [{...}, {...}]}}

    The text before the JSON (words, a code fence) and all text after it is skipped. Three things that JSON
    does not have are read as they are meant: line breaks and tabs in a string, ``\'``, and a comma after the
    last value. All other mistakes, such as comments and single quotes, are errors. A model that is asked with
    ``format=`` makes none. docs/operators.md, "JSON answers", has the common cases as programs.

    What looks like JSON may be prose. A ``[`` begins the JSON only if it is the first character of its line,
    or follows a colon or a tag. ``{}``, ``[1]``, and numbers in brackets after other words count only if
    nothing else in the text is JSON; they are emitted at the end. So are a string, a number, true, false and
    null, if the text is nothing else.

    On completion an incomplete value is an error, on error or cancel it is dropped. Before invalid JSON
    becomes an error, the values in front of it are emitted. The cost is linear in the length of the text:
    a value of more than some hundred entries is not emitted with each piece of text, but always at its end.

    Args:
        into: a class with ``model_validate`` (pydantic), a type such as ``list[City]``, ``int`` or a
            ``TypedDict`` (pydantic must be installed), a ``TypeAdapter``, a JSON schema (needs the extra
            ``ollama-rx[schema]``), or a function of the parsed value. For a dataclass ``City``, unpack the
            object: ``lambda value: City(**value)``; or use ``TypeAdapter(City)``, which checks the types too.
        each: the keys, with dots between them, that lead from the object to an array.
        on_invalid: what happens to a value that ``into`` rejects: it is an error, or it is skipped.
        invalid: called with a `BadJsonError` for each value that is skipped, for example ``list.append``:
            its ``reason``, its cause (the error of ``into``), and the value as JSON in ``partial``. Without
            it, a warning is logged.

    Raises:
        BadJsonError: in the stream, when the JSON is invalid, incomplete at the end of the text or missing,
            or when ``into`` rejects a value (its error is the cause); ``partial`` is the text so far. A
            stream without any text completes; with ``into`` or ``each`` it is an error too, since what was
            asked for is missing. (Ollama sends such a stream when an answer reaches its length limit inside
            a tool call, or while the model thinks.)

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of('Sure: {"na', 'me": "A', 'da"}').pipe(parse_json(), ops.to_list()).run()
    [{}, {'name': 'A'}, {'name': 'Ada'}]
    """
    check_choice("on_invalid", on_invalid, ("fail", "skip"))
    if each is not None:
        check_text("each", each, "keys with dots between them")
    if invalid is not None:
        check_callable("invalid", invalid, "a function of BadJsonError")
    if into is None and on_invalid == "skip":
        raise ValueError("on_invalid: expected 'fail' without `into`, which rejects values, got 'skip'")
    if invalid is not None and on_invalid == "fail":
        raise ValueError("invalid: expected None unless on_invalid='skip', got a function")
    path = None if each is None else each.split(".")
    if path is not None and "" in path:
        raise wrong_value("each", "keys with dots between them", each)
    target = None if into is None else json_target(into)
    skipped = None if on_invalid == "fail" else invalid or _log_skipped
    return through(lambda out: _ParseJson(out, target, path, skipped), name="parse_json", takes=str)


def _log_skipped(error: BadJsonError) -> None:
    _log.warning("parse_json: a value was skipped: %r", excerpt(error.reason))


class _ParseJson:
    def __init__(
        self,
        out: Emitter[object],
        target: JsonTarget | None = None,
        path: list[str] | None = None,
        skipped: Callable[[BadJsonError], object] | None = None,
    ) -> None:
        self._received = PartialText()
        self._needs_value = target is not None or path is not None
        values = _CompleteValues(out, target, path, skipped) if self._needs_value else _GrowingValue(out)
        self._search = JsonSearch(values)

    def feed(self, text: str, /) -> None:
        received = self._received
        received.room -= received.write(text)
        if received.room < 0:
            received.forget_beginning()
        try:
            self._search.feed(text)
        except InvalidJsonError as error:
            raise self._error(str(error)) from error.__cause__ or error

    def flush(self) -> None:
        text = self._received.text
        if not text.strip():
            if self._needs_value:
                raise self._error("it is empty")
            return
        try:
            self._search.flush(text)
        except InvalidJsonError as error:
            raise self._error(str(error)) from error.__cause__ or error

    def _error(self, reason: str) -> BadJsonError:
        return BadJsonError(reason, partial=self._received.text)


class _GrowingValue:
    """Emits the value each time it has grown."""

    def __init__(self, out: Emitter[object]) -> None:
        self._emit = out.emit
        self._emitted_length = 0  # of the JSON, when it was emitted last

    def new_reader(self, *, trusts_numbers: bool = True) -> PartialJson:
        self._emitted_length = 0
        return PartialJson(trusts_numbers=trusts_numbers)

    def on_progress(self, reader: PartialJson) -> None:
        affordable = _SMALL + _COST_PER_CHARACTER * (reader.length - self._emitted_length)
        if reader.has_changed and reader.snapshot_cost <= affordable:
            self._emitted_length = reader.length
            self._emit(reader.snapshot())

    def on_end(self, reader: PartialJson) -> None:
        if reader.has_changed:
            self._emit(reader.snapshot())


class _CompleteValues:
    """Emits complete values, validated if there is a target: the objects, or the elements of an array."""

    def __init__(
        self,
        out: Emitter[object],
        target: JsonTarget | None,
        path: list[str] | None,
        skipped: Callable[[BadJsonError], object] | None,
    ) -> None:
        self._emit = out.emit
        self._target = target
        self._path = path
        self._skipped = skipped

    def new_reader(self, *, trusts_numbers: bool = True) -> PartialJson:
        select = self._is_value if self._path is None else self._is_element
        return PartialJson(select, trusts_numbers=trusts_numbers)

    def _is_value(self, reader: PartialJson, depth: int) -> bool:
        """Check whether a value with so many containers around it is one to emit."""
        if depth > 1:
            return False
        has_elements = reader.is_array and not (self._target and self._target.takes_array)
        return depth == 1 if has_elements else depth == 0

    def _is_element(self, reader: PartialJson, depth: int) -> bool:
        path = self._path or []
        return depth == len(path) + 1 and reader.is_in_array_at(path)

    def on_progress(self, reader: PartialJson) -> None:
        if reader.selected and reader.is_confirmed:
            self.on_end(reader)

    def on_end(self, reader: PartialJson) -> None:
        values, reader.selected = reader.selected, []
        for value in values:
            self._deliver(value)
        if reader.is_complete and self._path and not _has_array(reader.snapshot(), self._path):
            raise InvalidJsonError(f"it has no array at {'.'.join(self._path)!r}")

    def _deliver(self, value: JsonValue) -> None:
        if self._target is None:
            self._emit(value)
            return
        try:
            result = self._target.validate(value)
        except Exception as error:
            reason = rejection_reason(error)
            if self._skipped is None:
                raise InvalidJsonError(reason) from error
            rejected = BadJsonError(reason, partial=json.dumps(value, ensure_ascii=False))
            rejected.__cause__ = error
            self._skipped(rejected)
        else:
            self._emit(result)


def _has_array(value: JsonValue, path: list[str]) -> bool:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return isinstance(value, list)
