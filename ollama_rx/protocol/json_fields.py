"""Fields of a parsed JSON object, whose types nobody guarantees: a wrong one reads as absent."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

JsonObject = Mapping[str, Any]
"""A parsed JSON object, as the server sent it."""

_NOTHING: JsonObject = {}
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def text_of(found: object) -> str:
    """Return text as it is, "" for anything else."""
    return found if isinstance(found, str) else ""


def number_of(found: object) -> int | None:
    """Return a whole number as it is, None for anything else."""
    return found if type(found) is int else None


def object_of(found: object) -> JsonObject:
    """Return an object as it is, an empty one for anything else."""
    return cast(JsonObject, found) if isinstance(found, dict) else _NOTHING


def list_of(found: object) -> list[Any]:
    """Return a list as it is, an empty one for anything else; a tuple is what code writes for a list."""
    if isinstance(found, tuple):
        return list(found)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return found if isinstance(found, list) else []  # pyright: ignore[reportUnknownVariableType]


def objects_of(found: object) -> tuple[JsonObject, ...]:
    """Return the objects in a list."""
    return tuple(cast(JsonObject, item) for item in list_of(found) if isinstance(item, dict))


def parse_time(stamp: object) -> datetime | None:
    """Read an RFC 3339 time; Go writes up to nine fraction digits, Python keeps six.

    What is no such time is None: it decorates an answer and must not break it.

    >>> parse_time("2025-06-09T17:58:55.337823123Z").isoformat()
    '2025-06-09T17:58:55.337823+00:00'
    """
    try:
        found = datetime.fromisoformat(_FRACTION.sub(lambda match: "." + match[1], text_of(stamp)))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
