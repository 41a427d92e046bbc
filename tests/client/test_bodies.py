"""Arguments become JSON fields, or are refused by name before anything is sent."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal

import pydantic
import pytest
from typing_extensions import TypedDict

from ollama_rx.client.bodies import (
    context_field,
    encode_body,
    format_field,
    keep_alive_field,
    logprobs_fields,
    options_field,
    think_field,
    tools_field,
)


class City(pydantic.BaseModel):
    name: str


class Place(TypedDict):
    name: str


@dataclass
class Village:
    name: str


class Mood(Enum):
    GOOD = "good"
    BAD = "bad"


class Unknown:
    pass


def test_fields_that_are_none_are_not_sent() -> None:
    assert encode_body({"model": "m", "system": None, "raw": False, "prompt": ""}) == (
        b'{"model":"m","raw":false,"prompt":""}'
    )


def test_text_is_sent_as_utf_8() -> None:
    assert json.loads(encode_body({"prompt": "日本 \u2028 😀"})) == {"prompt": "日本 \u2028 😀"}


@pytest.mark.parametrize("value", [object(), {1: 2}, 2**80, "\ud800", {1, 2}, [b"x"]])
def test_a_value_that_json_cannot_hold_is_refused_by_name(value: object) -> None:
    with pytest.raises(TypeError, match=r"^options: expected JSON values, got dict \("):
        encode_body({"prompt": "x", "options": {"x": value}})


@pytest.mark.parametrize(("field", "argument"), [("input", "text"), ("from", "from_")])
def test_the_message_names_the_argument_and_not_the_field(field: str, argument: str) -> None:
    with pytest.raises(TypeError, match=f"^{argument}: expected JSON values, got str "):
        encode_body({"model": "m", field: "\ud800"})


def test_a_body_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[object] = []
    for _ in range(253):
        deep = [deep]
    with pytest.raises(TypeError, match=r"^request: expected JSON values, got dict "):
        encode_body({"options": deep})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ("json", "json"),
        ({"type": "object"}, {"type": "object"}),
        (MappingProxyType({"type": "object"}), {"type": "object"}),
        (City, City.model_json_schema()),
        (pydantic.TypeAdapter(list[City]), pydantic.TypeAdapter(list[City]).json_schema()),
        (list[City], pydantic.TypeAdapter(list[City]).json_schema()),
        (City | None, pydantic.TypeAdapter(City | None).json_schema()),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Mood, {"type": "string", "enum": ["good", "bad"], "title": "Mood"}),
        (Village, pydantic.TypeAdapter(Village).json_schema()),
        (Place, pydantic.TypeAdapter(Place).json_schema()),
        (float, {"type": "number"}),
    ],
)
def test_a_format_is_json_a_schema_or_a_type_that_has_one(given: Any, expected: object) -> None:
    assert format_field(given) == expected


def test_the_schema_of_a_format_can_be_sent() -> None:
    found = json.loads(encode_body({"format": format_field(list[City])}))["format"]
    assert found["type"] == "array"
    assert found["$defs"]["City"]["required"] == ["name"]


@pytest.mark.parametrize("given", [Callable[[], int], list[Unknown], Unknown])
def test_a_type_that_has_no_schema_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^format: expected a type .*, got .*(Unknown|Callable)"):
        format_field(given)


def test_a_class_whose_own_schema_fails_is_refused() -> None:
    class Odd(pydantic.BaseModel):
        call: Callable[[], int]

    with pytest.raises(TypeError, match=r"^format: expected a type with a JSON schema, got .*Odd"):
        format_field(Odd)


def test_a_type_needs_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(
        TypeError, match=r"^format: list\[int\] needs pydantic; install it with: pip install "
    ):
        format_field(list[int])


@pytest.mark.parametrize("given", [5, True, dict, list, object, ["json"], print])
def test_a_format_of_any_other_type_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^format: expected .*, got "):
        format_field(given)


@pytest.mark.parametrize("given", ["xml", "JSON"])
def test_any_other_text_as_format_is_refused_with_what_is_allowed(given: Any) -> None:
    with pytest.raises(
        ValueError, match=rf'^format: expected "json", a JSON schema, or .*, got \'{given}\'$'
    ):
        format_field(given)


@pytest.mark.parametrize("given", [None, True, False, "low", "medium", "high", "max"])
def test_think_is_a_flag_or_a_level(given: Any) -> None:
    assert think_field(given) is given


@pytest.mark.parametrize("given", ["yes", "", 1, 0, "LOW"])
def test_any_other_think_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"^think: expected .*, got "):
        think_field(given)


@pytest.mark.parametrize(
    "given",
    [None, 0, -1, 5, 0.5, "5m", "1h30m", "-1m", "+5s", "0", "1.5h", ".5s", "100ms", "1µs", "1μs", "1us"],
)
def test_keep_alive_is_seconds_or_a_duration(given: Any) -> None:
    assert keep_alive_field(given) == given


@pytest.mark.parametrize(
    "given", ["5", "-1", "", "5 m", "5m ", "m", "forever", "5d", "٣m", float("nan"), float("inf")]
)
def test_an_invalid_duration_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"^keep_alive: expected .*, got "):
        keep_alive_field(given)


@pytest.mark.parametrize("given", [True, False, [5], b"5m"])
def test_keep_alive_of_another_type_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^keep_alive: expected .*, got "):
        keep_alive_field(given)


@pytest.mark.parametrize("top", [None, 0, 20])
def test_log_probabilities_may_be_requested(top: int | None) -> None:
    assert logprobs_fields(logprobs=True, top_logprobs=top) == {"logprobs": True, "top_logprobs": top}


@pytest.mark.parametrize("top", [-1, 21])
def test_top_logprobs_range_from_0_to_20(top: int) -> None:
    with pytest.raises(ValueError, match=r"^top_logprobs: expected a whole number from 0 to 20"):
        logprobs_fields(logprobs=True, top_logprobs=top)


@pytest.mark.parametrize("top", [True, 5.0, "5"])
def test_top_logprobs_of_another_type_are_refused(top: Any) -> None:
    with pytest.raises(TypeError, match=r"^top_logprobs: expected .*, got "):
        logprobs_fields(logprobs=True, top_logprobs=top)


def test_logprobs_is_a_flag() -> None:
    with pytest.raises(TypeError, match=r"^logprobs: expected .*, got "):
        logprobs_fields(logprobs=5, top_logprobs=None)  # type: ignore[arg-type]


def test_options_are_sent_as_they_are() -> None:
    given = {"temperature": 0, "stop": ["\n"], "new_option": "x", "seed": None}
    assert options_field(given) == given
    assert options_field(None) is None
    assert options_field({}) == {}


@pytest.mark.parametrize("name", ["think", "format", "keep_alive", "logprobs", "top_logprobs"])
def test_options_that_the_server_would_ignore_are_refused(name: str) -> None:
    with pytest.raises(
        ValueError,
        match=f"^options: expected no '{name}', which is an argument of its own and is ignored here, got 1$",
    ):
        options_field({name: 1})


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([("temperature", 0)], TypeError),
        ("temperature=0", TypeError),
        ({"stop": "\n"}, TypeError),
        ({"temperature": float("nan")}, ValueError),
        ({"top_p": float("inf")}, ValueError),
    ],
)
def test_options_that_cannot_work_are_refused(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^options: expected .*, got "):
        options_field(given)


@pytest.mark.parametrize("given", [None, [], [1, 2], (1, 2), range(3)])
def test_a_context_is_a_list_of_ints(given: Any) -> None:
    assert context_field(given) == (None if given is None else list(given))


@pytest.mark.parametrize("given", ["12", b"12", [1.0], [True], ["1"], 5, {1: 2}])
def test_any_other_context_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^context: expected .*, got "):
        context_field(given)


def test_tools_are_schemas_or_functions() -> None:
    def now() -> str:
        """Tell the time."""
        return "noon"

    schema = {"type": "function", "function": {"name": "f"}}
    found = tools_field([now, schema, MappingProxyType(schema)])
    assert found is not None
    assert found[0]["function"]["name"] == "now"
    assert found[1:] == [schema, schema]
    assert tools_field(None) is None
    assert tools_field([]) == []
    assert now() == "noon"


@pytest.mark.parametrize("given", [print, {"type": "function"}, "now", ["now"], [5]])
def test_any_other_value_for_tools_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match=r"^tools: expected a (list|JSON schema or a function).*, got "):
        tools_field(given)


def test_an_empty_format_is_none() -> None:
    assert format_field("") is None


def test_options_and_tools_may_be_pydantic_models() -> None:
    class Sampling(pydantic.BaseModel):
        temperature: float | None = None
        seed: int | None = None

    assert options_field(Sampling(seed=1)) == {"seed": 1}
    assert tools_field([Sampling(seed=1)]) == [{"seed": 1}]
