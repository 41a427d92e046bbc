"""Python functions become tool schemas, described by their signatures and docstrings."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import pydantic
import pytest

from ollama_rx.client.tool_schema import tool_schema


class Street(pydantic.BaseModel):
    name: str


class Address(pydantic.BaseModel):
    """The address of a person."""

    street: Street


@dataclass
class Point:
    x: int


def weather(city: str, days: int = 1) -> str:
    """Tell the weather.

    Args:
        city: Where.
    """
    return f"{city} {days}"


def parameters(function: Callable[..., object]) -> dict[str, Any]:
    found: dict[str, Any] = tool_schema(function)["function"]["parameters"]
    return found


def test_a_function_is_described_by_its_signature_and_docstring() -> None:
    assert tool_schema(weather) == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tell the weather.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where."},
                    "days": {"type": "integer"},
                },
                "required": ["city"],
            },
        },
    }


def test_a_parameter_without_annotation_is_a_text() -> None:
    def greet(name: object) -> object:
        return name

    greet.__annotations__.clear()
    assert parameters(greet)["properties"] == {"name": {"type": "string"}}


def test_a_nested_model_is_described_where_it_is_used() -> None:
    def move(to: Address, before: list[Address]) -> object:
        return to, before

    found = parameters(move)
    assert "$defs" not in found
    assert found["properties"]["to"]["properties"]["street"] == Street.model_json_schema()
    assert found["properties"]["before"]["items"] == found["properties"]["to"]


class Folder(pydantic.BaseModel):
    inside: list["Folder"] = []


def test_the_definition_of_a_model_that_contains_itself_is_at_the_root() -> None:
    def move(what: Folder) -> object:
        return what

    found = parameters(move)
    assert found["$defs"] == {"Folder": found["properties"]["what"]}
    assert found["properties"]["what"]["properties"]["inside"]["items"] == {"$ref": "#/$defs/Folder"}


def test_the_description_in_the_docstring_wins_over_the_annotation() -> None:
    def walk(to: Annotated[str, "annotated"]) -> str:
        """Walk.

        :param to: documented
        """
        return to

    assert parameters(walk)["properties"]["to"]["description"] == "documented"


class Oven:
    """Bakes things."""

    def __init__(self, watts: int = 1000) -> None:
        self.watts = watts

    def bake(self, minutes: int) -> int:
        """Bake for some minutes."""
        return minutes * self.watts

    @staticmethod
    def smell() -> str:
        """Smell."""
        return "good"

    def __call__(self, dish: str) -> str:
        return dish


def test_self_is_not_a_parameter_of_a_bound_method() -> None:
    found = tool_schema(Oven().bake)["function"]
    assert (found["name"], found["description"]) == ("bake", "Bake for some minutes.")
    assert found["parameters"]["properties"] == {"minutes": {"type": "integer"}}
    assert parameters(Oven.smell) == {"type": "object", "properties": {}, "required": []}


def test_a_callable_object_is_named_after_its_class() -> None:
    found = tool_schema(Oven())["function"]
    assert (found["name"], found["description"]) == ("Oven", "Bakes things.")
    assert found["parameters"]["properties"] == {"dish": {"type": "string"}}


def test_an_object_whose_class_has_no_docstring_is_described_by_its_call_method() -> None:
    class Clock:
        def __call__(self, zone: str) -> str:
            """Tell the time.

            Args:
                zone: Where.
            """
            return zone

    found = tool_schema(Clock())["function"]
    assert (found["name"], found["description"]) == ("Clock", "Tell the time.")
    assert found["parameters"]["properties"] == {"zone": {"type": "string", "description": "Where."}}


@pytest.mark.parametrize("kind", [Oven, Point, Address])
def test_a_class_is_described_under_its_own_name(kind: type) -> None:
    assert tool_schema(kind)["function"]["name"] == kind.__name__


def test_the_parameters_of_a_class_are_those_of_its_constructor() -> None:
    assert parameters(Address)["properties"]["street"] == Street.model_json_schema()
    assert parameters(Point)["properties"] == {"x": {"type": "integer"}}
    assert parameters(Oven)["properties"] == {"watts": {"type": "integer"}}


def test_the_arguments_of_a_partial_are_hidden() -> None:
    found = tool_schema(functools.partial(functools.partial(weather, days=3)))["function"]
    assert (found["name"], found["description"]) == ("weather", "Tell the weather.")
    assert found["parameters"]["properties"].keys() == {"city"}
    assert parameters(functools.partial(weather, "Ulm"))["properties"].keys() == {"days"}


def test_a_decorated_function_is_described_by_the_function_it_wraps() -> None:
    @functools.wraps(weather)
    def logged(*args: Any, **kwargs: Any) -> str:
        return weather(*args, **kwargs)

    assert tool_schema(logged) == tool_schema(weather)


def test_a_coroutine_function_is_a_function() -> None:
    async def fetch(url: str) -> str:
        return url

    assert parameters(fetch)["required"] == ["url"]


def test_variable_parameters_are_hidden() -> None:
    def many(city: str, *things: int, **named: int) -> object:
        return city, things, named

    assert parameters(many)["properties"].keys() == {"city"}
    assert parameters(many)["required"] == ["city"]


def test_the_type_of_the_result_need_not_be_known() -> None:
    def fetch(cities: object) -> object:
        return cities

    fetch.__annotations__.update({"cities": "list[int]", "return": "Missing"})
    assert parameters(fetch)["properties"]["cities"] == {"type": "array", "items": {"type": "integer"}}


def test_the_type_parameters_of_a_function_are_known() -> None:
    def first(items: object) -> object:
        return items

    first.__annotations__["items"] = "list[number]"
    number = TypeVar("number", bound=int)
    setattr(first, "__type_params__", (number,))  # noqa: B010 - Python 3.12 sets it
    assert parameters(first)["properties"]["items"] == {"type": "array", "items": {"type": "integer"}}


def test_a_class_without_docstrings_has_no_description() -> None:
    class Plain:
        def __init__(self, watts: int) -> None:
            self.watts = watts

    assert tool_schema(Plain)["function"]["description"] == ""


def test_a_lambda_is_refused_because_it_has_no_name() -> None:
    with pytest.raises(TypeError, match=r"^tools: expected a function with a name, got <lambda>$"):
        tool_schema(lambda: None)


def test_a_signature_that_cannot_be_read_is_refused() -> None:
    def unresolved(x: object) -> None: ...

    def prose(x: object) -> None: ...

    unresolved.__annotations__["x"] = "Missing"
    prose.__annotations__["x"] = "the name of a city"
    functions: list[Callable[..., object]] = [unresolved, prose, dict]
    for function in functions:
        with pytest.raises(
            TypeError, match=rf"^tools: expected a signature that can be read, got {function.__name__} "
        ):
            tool_schema(function)


def test_a_value_that_is_not_callable_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^tools: expected a function, got int$"):
        tool_schema(5)  # type: ignore[arg-type]
