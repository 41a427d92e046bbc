"""Whatever function the official client takes as a tool is taken here, with the same names and types."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple, NewType
from uuid import UUID

import pydantic
import pytest
from typing_extensions import TypedDict

from ollama_rx.client.tool_schema import tool_schema


class Unit(Enum):
    CELSIUS = "c"


@dataclass
class Point:
    x: int


class Place(NamedTuple):
    x: int


class Options(TypedDict):
    deep: bool


class Street(pydantic.BaseModel):
    name: str


class Folder(pydantic.BaseModel):
    inside: list["Folder"] | None = None


UserId = NewType("UserId", int)


def official(function: Callable[..., object]) -> dict[str, Any]:
    convert = pytest.importorskip("ollama._utils").convert_function_to_tool
    found: dict[str, Any] = convert(function).model_dump(exclude_none=True)["function"]
    return found


@pytest.mark.parametrize(
    ("hint", "types"),
    [
        *((hint, "string") for hint in (str, date, datetime, time, timedelta, UUID, Path, bytes)),
        *((hint, "integer") for hint in (int, UserId, int | None)),
        *((hint, "array") for hint in (list, list[str], tuple, tuple[int, str], tuple[int, ...], set[str])),
        *((hint, "array") for hint in (frozenset[int], Iterable[int], Sequence[Point], list[Folder])),
        *((hint, "object") for hint in (dict, dict[str, int], Mapping[str, Street])),
        (float, "number"),
        (bool, "boolean"),
        (Decimal, "number string"),
        (int | str, "integer string"),
        (list[int] | None, "array"),
        (Literal["a", "b"], "string"),
    ],
)
def test_types_are_described_alike(hint: object, types: str) -> None:
    def function(x: object) -> object:
        return x

    function.__annotations__ = {"x": hint}
    theirs = official(function)["parameters"]["properties"]["x"]["type"]
    ours = tool_schema(function)["function"]["parameters"]["properties"]["x"]
    listed = [one["type"] for one in ours.get("anyOf", [ours])]
    found = {name for one in listed for name in ([one] if isinstance(one, str) else one)}
    assert found - {"null"} == set(theirs.split(", ")) == set(types.split())


@pytest.mark.parametrize(
    ("hint", "kind"),
    [(Point, "object"), (Options, "object"), (Street, "object"), (Folder, "object"), (Place, "array")],
)
def test_types_that_the_official_client_calls_text_are_described(hint: object, kind: str) -> None:
    def function(x: object) -> object:
        return x

    function.__annotations__ = {"x": hint}
    assert official(function)["parameters"]["properties"]["x"]["type"] == "string"
    assert tool_schema(function)["function"]["parameters"]["properties"]["x"]["type"] == kind


@pytest.mark.parametrize(
    "text",
    [
        "Tell.\n\nArgs:\n    x: a\n    y (int): b: c\n",
        "Tell.\nargs:\nx: a\ny: b",
        "Tell.\n\nArgs:\n  x(str): a\n  y(int) : b\n\nYields: nothing",
        "Tell.\nArgs: \n  x: a\n    more\n  y: b\nReturns: nothing",
        "Tell.\n\n    ARGS:\n        x: a\n        more\n\n        y: b\n    Returns:\n        x: nothing",
        "Tell.\n\nArgs:\n\tx: a http://b\n\ty: b\n\nRaises:\n\ty: nothing",
    ],
)
def test_docstrings_are_read_alike(text: str) -> None:
    def function(x: str, y: int) -> object:
        return x, y

    function.__doc__ = text
    theirs = official(function)
    ours = tool_schema(function)["function"]
    assert ours["description"] == theirs["description"].strip()
    for name in ("x", "y"):
        described = theirs["parameters"]["properties"][name]["description"]
        assert ours["parameters"]["properties"][name]["description"] == described
