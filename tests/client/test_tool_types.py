"""Types of parameters become JSON schemas."""

import sys
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Dict, List, Literal, NewType, Optional  # noqa: UP035 - see below
from uuid import UUID

import pydantic
import pytest
from typing_extensions import TypeAliasType

from ollama_rx.client.schema_definitions import SchemaDefinitions
from ollama_rx.client.tool_types import naming, type_schema


class Unit(Enum):
    CELSIUS = "c"
    KELVIN = "k"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Street(pydantic.BaseModel):
    name: str


@dataclass
class Point:
    x: int


Numbers = TypeAliasType("Numbers", list[int])


def schema_of(hint: object) -> dict[str, Any]:
    return type_schema(hint, SchemaDefinitions())


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (dict, {"type": "object"}),
        (dict[str, int], {"type": "object"}),
        (Mapping[str, int], {"type": "object"}),
        (list, {"type": "array"}),
        (list[str], {"type": "array", "items": {"type": "string"}}),
        (List, {"type": "array"}),  # noqa: UP006 - these forms must work too
        (Dict, {"type": "object"}),  # noqa: UP006
        (Sequence, {"type": "array"}),
        (Mapping, {"type": "object"}),
        (frozenset, {"type": "array"}),
        (Sequence[int], {"type": "array", "items": {"type": "integer"}}),
        (set[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[float, ...], {"type": "array", "items": {"type": "number"}}),
        (list[list[int]], {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal[1, "b"], {"enum": [1, "b"]}),
        (Literal[1, True], {"enum": [1, True]}),
        (Unit, {"type": "string", "enum": ["c", "k"]}),
        (Level, {"type": "integer", "enum": [1, 2]}),
        (Optional[str], {"type": ["string", "null"]}),  # noqa: UP045 - this form must work too
        (str | int | None, {"type": ["string", "integer", "null"]}),
        (list[str] | None, {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]}),
        (Literal["a"] | None, {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}),
        (Annotated[str, "the city"], {"type": "string", "description": "the city"}),
        (Annotated[str, {"unhashable": 1}], {"type": "string"}),
        (
            Annotated[int, pydantic.Field(description="how long")],
            {"type": "integer", "description": "how long"},
        ),
        (
            Annotated[Annotated[str, "the city"], "by name"],
            {"type": "string", "description": "the city by name"},
        ),
        (
            Annotated[int, pydantic.Field(ge=1), "whole"],
            {"type": "integer", "minimum": 1},
        ),
        (Any, {}),
        (object, {}),
        (NewType("Seconds", int), {"type": "integer"}),
        (Literal[Unit.KELVIN], {"type": "string", "enum": ["k"]}),
        (Iterable[int], {"type": "array", "items": {"type": "integer"}}),
        (Collection[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple, {"type": "array"}),
        (list[Any], {"type": "array"}),
    ],
)
def test_types_become_json_schemas(hint: object, expected: dict[str, Any]) -> None:
    assert schema_of(hint) == expected


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Street, Street.model_json_schema()),
        (date, {"type": "string", "format": "date"}),
        (datetime, {"type": "string", "format": "date-time"}),
        (UUID, {"type": "string", "format": "uuid"}),
        (Path, {"type": "string", "format": "path"}),
        (bytes, {"type": "string", "format": "binary"}),
        (list[date], {"type": "array", "items": {"type": "string", "format": "date"}}),
        (date | None, {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
        (
            tuple[int, str],
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (
            Point,
            {
                "type": "object",
                "title": "Point",
                "properties": {"x": {"type": "integer", "title": "X"}},
                "required": ["x"],
            },
        ),
        (Numbers, {"type": "array", "items": {"type": "integer"}}),
    ],
)
def test_types_that_json_does_not_have_are_described_by_pydantic(
    hint: object, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert schema_of(hint) == expected
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(TypeError, match=r"needs pydantic; install it with: pip install pydantic"):
        schema_of(hint)


@pytest.mark.parametrize("hint", [Callable[[], int], threading.Thread, list[threading.Thread], {"a": 1}])
def test_a_type_without_a_schema_is_refused_with_its_parameter(hint: object) -> None:
    with (
        pytest.raises(
            TypeError, match=r"^tools: expected a type with a JSON schema for move\(to\), got .+\)$"
        ),
        naming("move", "to", hint),
    ):
        schema_of(hint)
