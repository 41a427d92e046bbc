"""Python functions become tool schemas, described by their signatures and docstrings."""

import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Annotated, Any, Dict, List, Literal, Optional  # noqa: UP035 - see below

import pydantic
import pytest

from ollama_rx.client.tool_schema import parse_docstring, tool_schema


class Unit(Enum):
    CELSIUS = "c"
    KELVIN = "k"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


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


def schema_of(hint: object) -> dict[str, Any]:
    def function(x: object) -> object:
        return x

    function.__annotations__ = {"x": hint}
    found: dict[str, Any] = parameters(function)["properties"]["x"]
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
        (Any, {}),
        (Street, Street.model_json_schema()),
    ],
)
def test_types_become_json_schemas(hint: object, expected: dict[str, Any]) -> None:
    assert schema_of(hint) == expected


@pytest.mark.parametrize(
    "hint", [object, bytes, Point, tuple[int, str], tuple[()], Callable[[], int], list[bytes]]
)
def test_a_type_without_a_schema_is_refused_with_its_parameter(hint: object) -> None:
    with pytest.raises(
        TypeError, match=r"^tools: expected a type with a JSON schema for function\(x\), got "
    ):
        schema_of(hint)


def test_a_parameter_without_annotation_is_a_text() -> None:
    def greet(name: object) -> object:
        return name

    greet.__annotations__.clear()
    assert parameters(greet)["properties"] == {"name": {"type": "string"}}


def test_the_definitions_of_a_nested_model_are_moved_to_the_root() -> None:
    def move(to: Address, before: list[Address]) -> object:
        return to, before

    found = parameters(move)
    assert found["$defs"].keys() == {"Street"}
    assert found["properties"]["to"]["properties"]["street"] == {"$ref": "#/$defs/Street"}
    assert "$defs" not in found["properties"]["before"]["items"]


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


def test_variable_parameters_are_refused() -> None:
    def many(*things: str) -> None: ...
    def named(**things: str) -> None: ...

    for function in (many, named):
        with pytest.raises(
            TypeError, match=rf"^tools: expected parameters with names, got {function.__name__}\(\*things\)$"
        ):
            tool_schema(function)


def test_a_lambda_is_refused_because_it_has_no_name() -> None:
    with pytest.raises(TypeError, match=r"^tools: expected a function with a name, got <lambda>$"):
        tool_schema(lambda: None)


def test_a_signature_that_cannot_be_read_is_refused() -> None:
    def unresolved(x: object) -> None: ...

    unresolved.__annotations__["x"] = "Missing"
    functions: list[Callable[..., object]] = [unresolved, dict]
    for function in functions:
        with pytest.raises(
            TypeError, match=rf"^tools: expected a signature that can be read, got {function.__name__} "
        ):
            tool_schema(function)


def test_a_value_that_is_not_callable_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^tools: expected a function, got int$"):
        tool_schema(5)  # type: ignore[arg-type]


# docstrings

GOOGLE = """
    Tell the weather
    of a city.

    Args:
        city (str): Where,
            by name.

            Not a postcode.
        days: How long.
        *rest: Unused.
        nothing:

    Returns:
        sunny: or not
"""
NUMPY = """
    Tell the weather
    of a city.

    Parameters
    ----------
    city : str
        Where,
        by name.

        Not a postcode.
    days
        How long.
    *rest : tuple
        Unused.
    nothing

    Returns
    -------
    sunny : str
        or not
"""
REST = """
    Tell the weather
    of a city.

    :param str city: Where,
        by name.
        Not a postcode.
    :param days: How long.

        Another paragraph.
    :type days: int
    :param *rest: Unused.
    :param nothing:
    :returns: sunny: or not
"""


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, REST], ids=["google", "numpy", "rest"])
def test_the_three_styles_of_docstrings_give_the_same_descriptions(text: str) -> None:
    assert parse_docstring(inspect.cleandoc(text)) == (
        "Tell the weather of a city.",
        {"city": "Where, by name. Not a postcode.", "days": "How long.", "rest": "Unused."},
    )


def test_the_style_of_numpy_describes_several_parameters_at_once() -> None:
    text = "Draw.\n\nParameters\n----------\nx, y : float\n    Where.\n*points, **names\n    What."
    assert parse_docstring(text) == (
        "Draw.",
        {"x": "Where.", "y": "Where.", "points": "What.", "names": "What."},
    )


@pytest.mark.parametrize(
    "section",
    [
        "Returns:\n    str",
        "Returns\n-------\nstr",
        "Raises:\n    KeyError: no",
        "Example:\n    f()",
        ":rtype: str",
    ],
)
def test_the_summary_ends_where_a_section_begins(section: str) -> None:
    assert parse_docstring(f"Tell the weather.\n\n{section}") == ("Tell the weather.", {})


def test_a_docstring_may_be_empty() -> None:
    assert parse_docstring("") == ("", {})


def test_a_colon_in_a_sentence_does_not_begin_a_section() -> None:
    text = "Use this: it works.\nParameters: none are needed."
    assert parse_docstring(text) == ("Use this: it works. Parameters: none are needed.", {})


def test_text_after_the_parameters_ends_them() -> None:
    text = textwrap.dedent(
        """\
        Tell.

        Args:
            city: Where.
        And this: is prose.
            days: no parameter
        """
    )
    assert parse_docstring(text) == ("Tell.", {"city": "Where."})


def test_a_section_may_be_empty_or_begin_with_prose() -> None:
    assert parse_docstring("Tell.\n\nArgs:\n") == ("Tell.", {})
    assert parse_docstring("Tell.\n\nArgs:\n    none at all\n    city: Where.") == ("Tell.", {})
