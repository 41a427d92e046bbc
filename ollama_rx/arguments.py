"""Checks of arguments, with one form of message: ``name: expected X, got Y``.

A wrong argument is refused when a call or an operator is built, before anything is sent: a `TypeError` names
the type that was given, a `ValueError` the value. If a part of an argument is wrong, ``expected`` names the
part: ``options: expected a list of texts for 'stop', got str``.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from inspect import isasyncgenfunction, isclass, iscoroutinefunction
from os import PathLike
from pathlib import Path
from threading import TIMEOUT_MAX
from types import UnionType
from typing import Any, Protocol, cast, get_origin

from ollama_rx.errors import excerpt


def wrong_type(name: str, expected: str, value: object) -> TypeError:
    """Build the error for a value of a wrong type."""
    return TypeError(f"{name}: expected {expected}, got {type(value).__name__}")


def wrong_value(name: str, expected: str, value: object) -> ValueError:
    """Build the error for a value out of range; a long value is shortened."""
    return ValueError(f"{name}: expected {expected}, got {excerpt(repr(value))}")


def check_text(name: str, value: object, expected: str = "text") -> None:
    """Refuse a value that is not text."""
    if not isinstance(value, str):
        raise wrong_type(name, expected, value)


def as_path(name: str, value: object) -> Path:
    """Return a path; refuse what is not one."""
    if not isinstance(value, str | PathLike):
        raise wrong_type(name, "a path", value)
    return Path(cast("str | PathLike[str]", value))


def check_length(name: str, value: object, *, most: int, what: str = "text") -> None:
    """Refuse a value that is not a text of 1 to ``most`` characters."""
    check_text(name, value)
    if not 0 < len(str(value)) <= most:
        raise ValueError(f"{name}: expected {what} of 1 to {most} characters, got {len(str(value))}")


def check_flag(name: str, value: object) -> None:
    """Refuse a value that is neither True nor False."""
    if not isinstance(value, bool):
        raise wrong_type(name, "True or False", value)


def check_whole(name: str, value: object, *, least: int, most: float = math.inf) -> None:
    """Refuse a value that is not a whole number from ``least`` to ``most``."""
    bounds = f"of at least {least}" if math.isinf(most) else f"from {least} to {most}"
    expected = f"a whole number {bounds}"
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(name, expected, value)
    if not least <= value <= most:
        raise wrong_value(name, expected, value)


def check_positive(name: str, value: object, *, unit: str = "", zero: bool = False) -> None:
    """Refuse a value that is not a finite number above 0, or, with ``zero``, not at least 0."""
    expected = f"a number{unit and f' of {unit}'} {'of at least' if zero else 'above'} 0"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, expected, value)
    if not (0 < value < math.inf or (zero and value == 0)):
        raise wrong_value(name, expected, value)


def check_between(name: str, value: object, least: float, most: float, *, what: str = "a number") -> None:
    """Refuse a value that is not a number from ``least`` to ``most``."""
    expected = f"{what} from {least:g} to {most:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong_type(name, expected, value)
    if not least <= value <= most:
        raise wrong_value(name, expected, value)


def check_seconds(name: str, value: object, *, zero: bool = False) -> None:
    """Refuse a value that is not a number of seconds above 0, or, with ``zero``, not at least 0.

    What no timer can wait for (292 years, 49 days on Windows) is refused here, before a timer raises.
    """
    check_positive(name, value, unit="seconds", zero=zero)
    if isinstance(value, int | float) and value > TIMEOUT_MAX:
        raise wrong_value(name, f"at most {TIMEOUT_MAX:.0f} seconds", value)


def check_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Refuse a value that is not one of the choices."""
    known = tuple(choices)
    if not any(value == choice and type(value) is type(choice) for choice in known):
        raise wrong_value(name, f"one of {', '.join(map(repr, known))}", value)


def check_callable(name: str, value: object, expected: str = "a function") -> None:
    """Refuse a value that cannot be called."""
    if not callable(value):
        raise wrong_type(name, expected, value)


def is_coroutine_function(function: object) -> bool:
    """Return whether a function, or an object that is called like one, is a coroutine function."""
    return any(map(iscoroutinefunction, _forms(function)))


def refuse_async_generator(name: str, function: object) -> None:
    """Refuse an ``async def`` function with ``yield``: awaiting cannot call it."""
    if any(map(isasyncgenfunction, _forms(function))):
        raise TypeError(f"{name}: expected a function without `yield`, got an asynchronous generator")


def _forms(function: object) -> tuple[object, object]:
    """Return the function, and what is called if it is an object that is called like one."""
    return function, getattr(function, "__call__", None)  # noqa: B004


def check_instance(name: str, value: object, kind: type) -> None:
    """Refuse a value that is not an instance of a class."""
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise wrong_type(name, f"{article} {kind.__name__}", value)


def optional_texts(**values: str | None) -> dict[str, str | None]:
    """Return the arguments after checking that each is text or None."""
    for name, value in values.items():
        if value is not None:
            check_text(name, value)
    return values


def optional_flags(**values: bool | None) -> dict[str, bool | None]:
    """Return the arguments after checking that each is True, False or None."""
    for name, value in values.items():
        if value is not None:
            check_flag(name, value)
    return values


def optional_whole(name: str, value: int | None, *, least: int, most: float = math.inf) -> int | None:
    """Return a whole number or None after checking it."""
    if value is not None:
        check_whole(name, value, least=least, most=most)
    return value


def optional_sizes(**values: int | None) -> dict[str, int | None]:
    """Return the arguments after checking that each is a whole number of at least 1, or None."""
    return {name: optional_whole(name, value, least=1) for name, value in values.items()}


def optional_mapping(name: str, value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a mapping as a dict, or None."""
    return None if value is None else as_dict(name, value)


class SupportsModelDump(Protocol):
    """An object that gives its JSON value: pydantic's models, and the types of Ollama's own client."""

    def model_dump(self) -> object:
        """Return the value."""
        ...


def as_dict(name: str, value: object, expected: str = "a mapping") -> dict[str, Any]:
    """Return a mapping, or what an object's ``model_dump()`` gives, as a dict; refuse all else, also None.

    The object's fields that are None are not set, and left out.
    """
    value = dumped(value)
    if isinstance(value, Mapping):
        return dict(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    raise wrong_type(name, expected, value)


def dumped(value: object) -> object:
    """Return what an object's ``model_dump()`` gives, without the fields that are None; all else as it is."""
    dump = None if isclass(value) else getattr(value, "model_dump", None)
    if not callable(dump):
        return value
    try:
        fields = dump(by_alias=True)  # pydantic's: ``$defs`` cannot be the name of a field
    except TypeError:
        fields = dump()
    return _without_none(fields)


def _without_none(value: object) -> object:
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, object]", value).items()
        return {name: _without_none(field) for name, field in fields if field is not None}
    if isinstance(value, list):
        return [_without_none(item) for item in cast("list[object]", value)]
    return value


def as_items(name: str, value: object, expected: str = "a list, even for a single item") -> Sequence[Any]:
    """Return the items of a list or tuple; refuse a single item, text and generators."""
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return tuple(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    raise wrong_type(name, expected, value)


def text_or_texts(name: str, value: str | Sequence[str]) -> str | Sequence[str]:
    """Return one text or a list of texts after checking each."""
    if isinstance(value, str):
        return value
    expected = "text or a list of texts"
    texts = as_items(name, value, expected)
    for text in texts:
        check_text(name, text, expected)
    return texts


class TypeAdapter(Protocol):
    """What is used of pydantic's ``TypeAdapter``."""

    def validate_python(self, obj: object, /) -> object:
        """Return a value of the type, or raise an error if the object is not valid."""
        ...

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema of the type."""
        ...


def is_type_expression(value: object) -> bool:
    """Check for a type that is not a class: ``list[City]``, ``City | None``, or a name for such a type."""
    is_named = hasattr(value, "__supertype__") or hasattr(value, "__value__")  # NewType, Python 3.12's `type`
    return is_named or get_origin(value) is not None or isinstance(value, UnionType)


def type_adapter(name: str, kind: object) -> TypeAdapter:
    """Return pydantic's ``TypeAdapter`` of a type such as ``list[City]``."""
    shown = kind.__name__ if type(kind) is type else kind
    try:
        import pydantic  # noqa: PLC0415 - optional, and slow to import
    except ImportError as error:
        raise TypeError(f"{name}: {shown} needs pydantic; install it with: pip install pydantic") from error
    try:
        adapter: TypeAdapter = pydantic.TypeAdapter(cast("Any", kind))
    except (RuntimeError, NameError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise TypeError(f"{name}: expected a type that pydantic knows, got {shown} ({reason})") from error
    return adapter
