"""Turn the arguments that a model gives to a tool into those that the function takes."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Union, cast, get_args

import orjson

from ollama_rx.arguments import type_adapter
from ollama_rx.client.tool_signature import tool_signature
from ollama_rx.client.tool_types import (
    ANYTHING,
    ARRAYS,
    OBJECTS,
    SCALARS,
    UNIONS,
    choices_of,
    items_of,
    kind_of,
    naming,
    needs_pydantic,
    plain_type,
)
from ollama_rx.errors import excerpt

Convert = Callable[[object], object]

_EXACT = 2**53  # above it, a float no longer stands for one whole number


def bind_arguments(function: Callable[..., object], arguments: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments of one call; `ToolArguments` binds those of many calls.

    >>> def forecast(city: str, days: int = 1) -> str:
    ...     return f"{city}: rain for {days} days"
    >>> bind_arguments(forecast, {"city": "Ulm", "days": "3"})
    {'city': 'Ulm', 'days': 3}
    """
    return ToolArguments(function).bind(arguments)


class ToolArguments:
    """Checks and converts the arguments that a model gives to one function.

    JSON's own types are taken as they are; a whole number may be written ``2.0``, and any value but text may
    come as JSON in a text (``"3"``), because models do both. Enums, sets and tuples are made from their JSON
    values, all other types by pydantic. An argument without annotation is not checked.

    Raises:
        TypeError: a parameter has no name that a model could give, or a type that cannot be converted to.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        signature = tool_signature(function)
        self._takes_any_name = signature.takes_any_name
        self._hidden = signature.hidden
        self._converters: dict[str, Convert] = {}
        self._has_default: dict[str, bool] = {}
        for parameter in signature.parameters:
            if parameter.kind is parameter.POSITIONAL_ONLY:
                where = f"{signature.name}({parameter.name}, /)"
                raise TypeError(f"tools: expected parameters that are given by name, got {where}")
            with naming(signature.name, parameter.name, parameter.annotation):
                self._converters[parameter.name] = _converter(parameter.annotation)
            self._has_default[parameter.name] = parameter.default is not parameter.empty

    def bind(self, arguments: Mapping[str, object]) -> dict[str, object]:
        """Return the converted arguments; null stands for the default of a parameter that does not take it.

        Raises:
            ValueError: arguments are missing, unknown or wrong; the message tells the model about each.
        """
        bound: dict[str, object] = {}
        problems = [
            f"{name} is missing"
            for name, has_default in self._has_default.items()
            if not has_default and name not in arguments
        ]
        for name, value in arguments.items():
            convert = self._converters.get(name)
            if convert is None and (name in self._hidden or not self._takes_any_name):
                problems.append(
                    f"{name} is unknown (the parameters are: {', '.join(self._converters) or 'none'})"
                )
                continue
            try:
                bound[name] = convert(value) if convert else value
            except ValueError as error:
                if value is not None or not self._has_default[name]:
                    problems.append(f"{name}: {error}")
        if problems:
            raise ValueError("; ".join(problems))
        return bound


def _converter(hint: Any) -> Convert:
    """Return the function that converts a JSON value to a type, or raises a ValueError that says why not."""
    return partial(_convert_text_too, _exact_converter(hint))


def _convert_text_too(convert: Convert, value: object) -> object:
    """Convert a value, or the value that a text holds as JSON."""
    try:
        return convert(value)
    except ValueError:
        if isinstance(value, str):
            with suppress(ValueError):
                return convert(orjson.loads(value))
        raise


def _exact_converter(hint: Any) -> Convert:  # noqa: PLR0911 - one per kind
    hint, _ = plain_type(hint)
    kind, arguments = kind_of(hint), get_args(hint)
    if kind in ANYTHING or hint is inspect.Parameter.empty:
        return _as_it_is
    if kind in SCALARS:
        return partial(_convert_scalar, hint)
    if kind in OBJECTS:
        key, value = map(_converter, arguments or (Any, Any))
        return partial(_convert_object, hint, key, value)
    if (choices := choices_of(hint)) is not None:
        return partial(_convert_choice, choices)
    if kind in UNIONS:
        return _union_converter(hint)
    if (items := items_of(hint)) is not None:
        return partial(_convert_array, hint, ARRAYS[kind], _converter(items))
    return _pydantic_converter(hint)


def _union_converter(hint: Any) -> Convert:
    """Try JSON's own types one after another; which of the others fits best is left to pydantic."""
    members = get_args(hint)
    converters = [_exact_converter(member) for member in members if not needs_pydantic(member)]
    others = tuple(member for member in members if needs_pydantic(member))
    union: Any = Union
    convert_otherwise = _pydantic_converter(union[others]) if others else partial(_refuse, hint)

    def convert(value: object) -> object:
        for convert_to_member in converters:
            with suppress(ValueError):
                return convert_to_member(value)
        return convert_otherwise(value)

    return convert


def _pydantic_converter(hint: Any) -> Convert:
    adapter = type_adapter("its type", hint)

    def convert(value: object) -> object:
        try:
            return adapter.validate_python(value)
        except ValueError as error:
            raise ValueError(_pydantic_reason(error)) from error

    return convert


def _pydantic_reason(error: Any) -> str:
    """Say where pydantic found what problems, in one line."""
    return ", ".join(
        ": ".join(filter(None, (".".join(map(str, problem["loc"])), problem["msg"])))
        for problem in error.errors()
    )


def _as_it_is(value: object) -> object:
    return value


def _refuse(hint: Any, value: object) -> object:
    raise _mismatch(hint, value)


def _convert_scalar(kind: type, value: object) -> object:
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    raise _mismatch(kind, value)


def _convert_choice(choices: Sequence[tuple[object, object]], value: object) -> object:
    for json_value, choice in choices:
        if json_value == value and isinstance(json_value, bool) is isinstance(value, bool):
            return choice
    expected = " or ".join(repr(json_value) for json_value, _ in choices)
    raise ValueError(f"expected {expected}, got {excerpt(repr(value))}")


def _convert_array(
    hint: Any, make: Callable[[Iterable[object]], object], item: Convert, value: object
) -> object:
    if not isinstance(value, list):
        raise _mismatch(hint, value)
    return make([item(one) for one in cast("list[object]", value)])


def _convert_object(hint: Any, key: Convert, item: Convert, value: object) -> object:
    if not isinstance(value, Mapping):
        raise _mismatch(hint, value)
    return {key(name): item(one) for name, one in cast("Mapping[object, object]", value).items()}


def _mismatch(hint: Any, value: object) -> ValueError:
    """Build the error for a value of a wrong type, with the type as the function's author wrote it."""
    written = hint.__name__ if type(hint) is type else str(hint).replace("typing.", "")
    return ValueError(f"expected {written}, got {excerpt(repr(value))}")
