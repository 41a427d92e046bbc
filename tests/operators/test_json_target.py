"""`into` takes classes, types, JSON schemas and functions."""

import json
import sys
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, NewType

import pytest
from pydantic import BaseModel, Field, RootModel, TypeAdapter
from reactivex import of
from typing_extensions import TypeAliasType, TypedDict

from ollama_rx import BadJsonError
from ollama_rx.operators import parse_json
from ollama_rx.operators._json_target import json_target
from ollama_rx.testing import cuttings
from tests.operators.text_pieces import run


class City(BaseModel):
    name: str


class Cities(RootModel[list[City]]):
    pass


class Place(TypedDict):
    name: str


@dataclass
class Village:
    name: str


NamedCities = TypeAliasType("NamedCities", list[City])
NewCities = NewType("NewCities", list[City])


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


ONE = '{"name": "Rome"}'
TWO = '[{"name": "Rome"}, {"name": "Pisa"}]'
ROME, PISA = City(name="Rome"), City(name="Pisa")
CITY_SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def name_of(value: Any) -> str:
    return str(value["name"])


def nom_of(value: Any) -> str:
    return str(value["nom"])


def complain(_: object) -> None:
    raise TypeError("no\n\nand this is why")


# into, text, values
VALUES: list[tuple[Any, str, list[Any]]] = [
    (City, ONE, [ROME]),
    (City, TWO, [ROME, PISA]),
    (TypeAdapter(City), TWO, [ROME, PISA]),
    (TypeAdapter(Village), TWO, [Village("Rome"), Village("Pisa")]),
    (Place, TWO, json.loads(TWO)),
    (CITY_SCHEMA, TWO, json.loads(TWO)),
    (City.model_json_schema(), ONE, [json.loads(ONE)]),
    (City | int, '[{"name": "Rome"}, 5]', [ROME, 5]),
    (name_of, TWO, ["Rome", "Pisa"]),
    # an array as a whole
    (list[City], TWO, [[ROME, PISA]]),
    (list[Village], TWO, [[Village("Rome"), Village("Pisa")]]),
    (tuple[City, ...], TWO, [(ROME, PISA)]),
    (TypeAdapter(list[City]), TWO, [[ROME, PISA]]),
    (list[City] | None, TWO, [[ROME, PISA]]),
    (Cities, TWO, [Cities([ROME, PISA])]),
    (list, "[1, [2]]", [[1, [2]]]),
    (NamedCities, TWO, [[ROME, PISA]]),
    (NewCities, TWO, [[ROME, PISA]]),
    ({"type": "array", "items": CITY_SCHEMA}, TWO, [json.loads(TWO)]),
    (list[int], "[]", [[]]),
    # neither an object nor an array
    (float, "12.5", [12.5]),
    (int, "[1, 2]", [1, 2]),
    (bool, "true", [True]),
    (str, '"a"', ["a"]),
    (Mood, '"good"', [Mood.GOOD]),
    (Literal["good", "bad"], '["good", "bad"]', ["good", "bad"]),
    (Annotated[int, Field(gt=3)], "4", [4]),
    ({"enum": ["good", "bad"]}, '"good"', ["good"]),
]


@pytest.mark.parametrize(("into", "text", "expected"), VALUES)
def test_into_gives_validated_values_in_any_cutting(into: Any, text: str, expected: list[object]) -> None:
    for pieces in cuttings(text):
        assert run(parse_json(into=into), pieces) == expected


@pytest.mark.parametrize(
    ("into", "reason"),
    [
        (list[City], "1.name: Input should be a valid string"),
        ({"items": CITY_SCHEMA}, '1.name: 5 is not of type "string"'),
        ({"maxItems": 1, "type": "array"}, '[{"name":"Rome"},{"name":5}] has more than 1 item'),
        (nom_of, "KeyError: 'nom'"),
        (complain, "TypeError: no"),
    ],
)
def test_the_reason_says_in_one_line_what_is_wrong_and_where(into: Any, reason: str) -> None:
    errors: list[Exception] = []
    of('[{"name": "Rome"}, {"name": 5}]').pipe(parse_json(into=into)).subscribe(on_error=errors.append)
    (error,) = errors
    assert isinstance(error, BadJsonError)
    assert error.reason == reason
    assert str(error).endswith(reason)


@pytest.mark.parametrize(
    ("into", "text"),
    [
        (list[City], '[{"name": "Rome"}, {"name": 5}]'),
        (list[City], ONE),
        (Place, '{"name": 5}'),
        (int, '"x"'),
        (dict, "[[1, 2]]"),
        (Mood, '"so-so"'),
        (Literal["good"], '"bad"'),
        ({"type": "array", "items": CITY_SCHEMA}, '[{"name": "Rome"}, {}]'),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_with_its_cause(into: Any, text: str) -> None:
    errors: list[Exception] = []
    of(text).pipe(parse_json(into=into)).subscribe(on_error=errors.append)
    assert [type(error) for error in errors] == [BadJsonError]
    assert isinstance(errors[0].__cause__, ValueError)  # as is pydantic's ValidationError


def test_a_schema_without_the_type_of_its_items_may_not_be_known() -> None:
    class Strange(RootModel[Any]):
        @classmethod
        def model_json_schema(cls, *_: object, **__: object) -> dict[str, Any]:
            raise RuntimeError("no schema for this")

    assert run(parse_json(into=Strange), ["[1, 2]"]) == [Strange(1), Strange(2)]


def test_a_type_needs_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(TypeError, match=r"^into: list\[int\] needs pydantic; install it with: pip install "):
        parse_json(into=list[int])
    with pytest.raises(TypeError, match=r"^into: dict needs pydantic"):
        parse_json(into=dict)
    assert run(parse_json(into=Mood), ['"good"']) == [Mood.GOOD]
    assert run(parse_json(into={"type": "object"}), ["{}"]) == [{}]


def test_a_type_that_pydantic_does_not_know_is_refused() -> None:
    class Unknown:
        pass

    with pytest.raises(TypeError, match=r"^into: expected a type that pydantic knows, got list\[.*Unknown\]"):
        parse_json(into=list[Unknown])


def test_into_must_be_something_that_validates() -> None:
    with pytest.raises(TypeError, match=r"^into: expected a class with model_validate, a type, .*, got int$"):
        parse_json(into=3)  # type: ignore[call-overload]


def test_a_class_that_takes_fields_is_refused() -> None:
    class Pair(NamedTuple):
        name: object

    for kind in (Village, Pair):
        with pytest.raises(TypeError, match=rf"lambda value: {kind.__name__}\(\*\*value\).*TypeAdapter"):
            json_target(kind)


def test_into_may_be_a_callable_instance_of_a_dataclass() -> None:
    @dataclass
    class Times:
        factor: int

        def __call__(self, value: Any) -> int:
            return int(value) * self.factor

    assert run(parse_json(into=Times(2)), ["[1, 2]"]) == [2, 4]
