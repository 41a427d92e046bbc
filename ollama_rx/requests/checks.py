"""Wrong arguments are refused when a call is built, by name, before anything is sent."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def check_text(name: str, text: object) -> None:
    """Refuse what is no text, naming the argument."""
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected text, got {type(text).__name__}")


def texts(**given: str | None) -> dict[str, str | None]:
    """Return the arguments, after refusing those that are neither text nor None."""
    for name, text in given.items():
        if text is not None:
            check_text(name, text)
    return given


def texts_of(name: str, given: str | Sequence[str]) -> str | Sequence[str]:
    """Return one text or several, after refusing anything else."""
    if isinstance(given, str):
        return given
    several = items_of(name, given)
    for text in several:
        check_text(name, text)
    return several


def flags(**given: bool | None) -> dict[str, bool | None]:
    """Return the arguments, after refusing those that are neither a truth value nor None."""
    for name, flag in given.items():
        if flag is not None and not isinstance(flag, bool):
            raise TypeError(f"{name}: expected True or False, got {type(flag).__name__}")
    return given


def count_field(name: str, given: int | None, *, least: int, most: float = math.inf) -> int | None:
    """Return a whole number, after refusing one that is out of range."""
    if given is None:
        return None
    if type(given) is not int:
        raise TypeError(f"{name}: expected a whole number, got {type(given).__name__}")
    if not least <= given <= most:
        raise ValueError(f"{name}: {given} is not between {least} and {most}")
    return given


def mapping_field(name: str, given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return a mapping as a dict, after refusing what is none."""
    return None if given is None else mapping_of(name, given)


def mapping_of(name: str, given: object) -> dict[str, Any]:
    """Return a mapping as a dict, after refusing anything else, also None."""
    if isinstance(given, Mapping):
        return dict(given)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    raise TypeError(f"{name}: expected a mapping, got {type(given).__name__}")


def items_of(name: str, given: object) -> Sequence[Any]:
    """Return a list's items, after refusing what is no list: one item alone, a text, a generator."""
    if isinstance(given, Sequence) and not isinstance(given, str | bytes | bytearray):
        return tuple(given)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    raise TypeError(f"{name}: give a list, even of one; this is {type(given).__name__}")
