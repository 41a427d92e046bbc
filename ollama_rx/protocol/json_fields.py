"""Lenient access to the fields of a parsed JSON object: a value of a wrong type reads as absent."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

JsonObject = Mapping[str, Any]
"""A parsed JSON object, as the server sent it."""

INTEGERS = range(-(2**63), 2**64)
"""Of at most 64 bits: those that orjson reads and writes."""

_COUNTS = range(2**53)  # so that sums of them are still integers of 64 bits

_EMPTY: JsonObject = {}
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def text_of(value: object) -> str:
    """Return a string as it is, "" for any other value."""
    return value if isinstance(value, str) else ""


def number_of(value: object) -> int | None:
    """Return an integer of at most 64 bits as it is, None for any other value."""
    return value if type(value) is int and value in INTEGERS else None


def count_of(value: object) -> int | None:
    """Return an integer that can be a count, a size or a duration as it is, None for any other value.

    >>> count_of(5), count_of(-5), count_of(10**18)
    (5, None, None)
    """
    return value if type(value) is int and value in _COUNTS else None


def object_of(value: object) -> JsonObject:
    """Return an object as it is, an empty one for any other value."""
    return cast(JsonObject, value) if isinstance(value, dict) else _EMPTY


def list_of(value: object) -> list[Any]:
    """Return a list as it is, an empty one for any other value; a tuple counts as a list."""
    if isinstance(value, tuple):
        return list(value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def objects_of(value: object) -> tuple[JsonObject, ...]:
    """Return the items of a list that are objects."""
    return tuple(cast(JsonObject, item) for item in list_of(value) if isinstance(item, dict))


def is_last(raw: JsonObject) -> bool:
    """Check whether an object is the last one of an answer's stream."""
    return raw.get("done") is True or bool(text_of(raw.get("done_reason")))


def parse_time(value: object) -> datetime | None:
    """Parse an RFC 3339 time; of the up to nine fraction digits that Go writes, six are kept.

    Any other value gives None, because a malformed time must not break the answer around it.

    >>> parse_time("2025-06-09T17:58:55.337823123Z").isoformat()
    '2025-06-09T17:58:55.337823+00:00'
    """
    try:
        time = datetime.fromisoformat(_FRACTION.sub(lambda match: "." + match[1], text_of(value)))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
