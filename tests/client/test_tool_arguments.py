"""The arguments that a model gives become those that a function takes."""

import functools
import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType
from uuid import UUID

import pydantic
import pytest

from ollama_rx.client.tool_arguments import ToolArguments, bind_arguments


class Unit(Enum):
    CELSIUS = "c"
    KELVIN = "k"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    tags: list[str] = field(default_factory=list[str])


class Place(NamedTuple):
    x: int
    y: int = 0


class Street(pydantic.BaseModel):
    name: str


class Address(pydantic.BaseModel):
    street: Street


class Folder(pydantic.BaseModel):
    inside: list["Folder"] | None = None


def forecast(city: str, days: int = 1) -> str:
    """Tell the weather."""
    return f"{city} {days}"


def convert(hint: object, value: object) -> object:
    def function(x: object) -> object:
        return x

    function.__annotations__ = {"x": hint}
    return bind_arguments(function, {"x": value})["x"]


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (str, "3", "3"),
        (int, 3, 3),
        (int, 2.0, 2),
        (int, "3", 3),
        (int, "3.0", 3),
        (float, 1.5, 1.5),
        (float, 2, 2.0),
        (float, "1.5", 1.5),
        (bool, True, True),
        (bool, "true", True),
        (type(None), None, None),
        (Any, {"a": 1}, {"a": 1}),
        (object, "3", "3"),
        (inspect.Parameter.empty, "3", "3"),
        (dict, {"a": 1}, {"a": 1}),
        (dict, '{"a": 1}', {"a": 1}),
        (dict[str, int], {"a": "1"}, {"a": 1}),
        (Mapping[int, float], {"1": 2}, {1: 2.0}),
        (list, [1, "a"], [1, "a"]),
        (list[int], [1, "2", 3.0], [1, 2, 3]),
        (list[int], "[1, 2]", [1, 2]),
        (Sequence[str], ["1"], ["1"]),
        (Iterable[str], ["1"], ["1"]),
        (tuple[int, ...], ["1"], (1,)),
        (tuple, [1], (1,)),
        (set[str], ["a", "a"], {"a"}),
        (frozenset[int], [1, 1.0], frozenset({1})),
        (int | None, None, None),
        (int | None, "null", None),
        (int | None, "3", 3),
        (int | str, "3", "3"),
        (Annotated[int, "how long"] | NewType("Name", str), 3.0, 3),
        (str | int, 3, 3),
        (bool | int, 1, 1),
        (list[int] | None, ["1"], [1]),
        (Literal["a", 1], "a", "a"),
        (Literal["a", 1], "1", 1),
        (Unit, "k", Unit.KELVIN),
        (Literal[Unit.KELVIN], "k", Unit.KELVIN),
        (Level, 2.0, Level.HIGH),
        (Level, "2", Level.HIGH),
        (NewType("Seconds", int), "3", 3),
        (Annotated[int, "how long"], "3", 3),
    ],
)
def test_the_types_of_json_are_converted_without_pydantic(
    hint: object, value: object, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    converted = convert(hint, value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("hint", "value", "expected"),
    [
        (date, "2026-11-27", date(2026, 11, 27)),
        (datetime, "2026-11-27T01:02:03", datetime(2026, 11, 27, 1, 2, 3)),  # noqa: DTZ001 - as it was given
        (UUID, "12345678123456781234567812345678", UUID("12345678123456781234567812345678")),
        (Path, "a/b", Path("a/b")),
        (bytes, "abc", b"abc"),
        (Decimal, 0.1, Decimal("0.1")),
        (tuple[int, str], [1, "a"], (1, "a")),
        (Point, {"x": 1}, Point(1, [])),
        (Point | None, {"x": 1, "tags": ["a"]}, Point(1, ["a"])),
        (Point, '{"x": 1}', Point(1, [])),
        (Place, [1], Place(1, 0)),
        (Address, {"street": {"name": "Main"}}, Address(street=Street(name="Main"))),
        (Folder, {"inside": [{"inside": None}]}, Folder(inside=[Folder(inside=None)])),
        (list[date], ["2026-11-27"], [date(2026, 11, 27)]),
        (Iterable[date], ["2026-11-27"], [date(2026, 11, 27)]),
        (dict[str, Point], {"a": {"x": 1}}, {"a": Point(1)}),
        (date | str, "tomorrow", "tomorrow"),
        (date | None, None, None),
        (Point | Street, {"name": "Main"}, Street(name="Main")),
        (Annotated[int, pydantic.Field(ge=1)], "3", 3),
    ],
)
def test_other_types_are_converted_by_pydantic(hint: object, value: object, expected: object) -> None:
    converted = convert(hint, value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (int, "two", "x: expected int, got 'two'"),
        (int, "yes", "x: expected int, got 'yes'"),
        (int, 2.5, "x: expected int, got 2.5"),
        (int, 1e300, "x: expected int, got 1e+300"),
        (int, True, "x: expected int, got True"),
        (float, False, "x: expected float, got False"),
        (bool, 1, "x: expected bool, got 1"),
        (str, 3, "x: expected str, got 3"),
        (str, None, "x: expected str, got None"),
        (list[int], [1, "a"], "x: expected int, got 'a'"),
        (list[int], {"a": 1}, "x: expected list[int], got {'a': 1}"),
        (list[int], "[1", "x: expected list[int], got '[1'"),
        (dict[str, int], [1], "x: expected dict[str, int], got [1]"),
        (int | None, "two", "x: expected int | None, got 'two'"),
        (Literal["a", 1], True, "x: expected 'a' or 1, got True"),
        (Unit, "f", "x: expected 'c' or 'k', got 'f'"),
        (int, "9" * 90, f"x: expected int, got '{'9' * 38}…{'9' * 39}'"),
        (Address, {"street": {}}, "x: street.name: Field required"),
        (Address | None, {"street": {}}, "x: street.name: Field required"),
        (date, "soon", "x: Input should be a valid date or datetime, input is too short"),
        (
            Annotated[int, pydantic.Field(ge=1)],
            0,
            "x: Input should be greater than or equal to 1",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_reason(
    hint: object, value: object, message: str
) -> None:
    with pytest.raises(ValueError, match=r"^x: ") as caught:
        convert(hint, value)
    assert str(caught.value) == message


def test_the_message_names_all_that_is_wrong() -> None:
    with pytest.raises(ValueError, match="missing") as caught:
        bind_arguments(forecast, {"town": "Ulm", "days": "two"})
    assert str(caught.value) == (
        "city is missing; town is unknown (the parameters are: city, days); days: expected int, got 'two'"
    )


def test_a_function_without_parameters_takes_no_arguments() -> None:
    def now() -> None: ...

    assert bind_arguments(now, {}) == {}
    with pytest.raises(ValueError, match=r"^zone is unknown \(the parameters are: none\)$"):
        bind_arguments(now, {"zone": "UTC"})


def test_a_parameter_with_a_default_may_be_missing_or_null() -> None:
    arguments = ToolArguments(forecast)
    assert arguments.bind({"city": "Ulm"}) == {"city": "Ulm"}
    assert arguments.bind({"city": "Ulm", "days": None}) == {"city": "Ulm"}
    with pytest.raises(ValueError, match=r"^city: expected str, got None$"):
        arguments.bind({"city": None})


def test_a_function_with_arguments_of_any_name_gets_them_as_they_are() -> None:
    def search(text: str, **filters: object) -> object:
        return text, filters

    assert bind_arguments(search, {"text": "a", "year": "2026"}) == {"text": "a", "year": "2026"}


def test_a_model_cannot_overrule_an_argument_of_a_partial() -> None:
    def search(text: str, user: str, **filters: object) -> object:
        return text, user, filters

    with pytest.raises(ValueError, match=r"^user is unknown \(the parameters are: text\)$"):
        bind_arguments(functools.partial(search, user="me"), {"text": "a", "user": "you"})


def test_methods_partials_classes_and_coroutine_functions_are_functions() -> None:
    async def fetch(days: int) -> int:
        return days

    class Oven:
        def bake(self, minutes: int) -> int:
            return minutes

    assert bind_arguments(fetch, {"days": "3"}) == {"days": 3}
    assert bind_arguments(Oven().bake, {"minutes": "3"}) == {"minutes": 3}
    assert bind_arguments(Point, {"x": "3"}) == {"x": 3}
    only_city = functools.partial(forecast, days=3)
    assert bind_arguments(only_city, {"city": "Ulm"}) == {"city": "Ulm"}
    with pytest.raises(ValueError, match="days is unknown"):
        bind_arguments(only_city, {"city": "Ulm", "days": 1})


def test_a_parameter_without_a_name_is_refused_when_the_tool_is_given() -> None:
    def walk(to: str, /) -> str:
        return to

    message = r"^tools: expected parameters that are given by name, got walk\(to, /\)$"
    with pytest.raises(TypeError, match=message):
        ToolArguments(walk)


def test_a_type_that_cannot_be_converted_is_refused_when_the_tool_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def remind(on: date) -> date:
        return on

    monkeypatch.setitem(sys.modules, "pydantic", None)
    message = (
        r"^tools: expected .* for remind\(on\), got .* needs pydantic; install it with: pip install pydantic"
    )
    with pytest.raises(TypeError, match=message):
        ToolArguments(remind)


def test_an_error_other_than_a_wrong_value_is_not_hidden() -> None:
    def broken(value: object) -> object:
        raise KeyError(value)

    def look(up: Annotated[str, pydantic.AfterValidator(broken)]) -> str:
        return up

    with pytest.raises(KeyError):
        bind_arguments(look, {"up": "a"})
