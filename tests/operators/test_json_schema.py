"""A JSON schema is checked by a library for it, without ever leaving the process."""

import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import ValidationError

from ollama_rx.operators import parse_json
from ollama_rx.operators._json_schema import mismatch_reason, reason_at, schema_check, takes_array

NODE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
            "required": ["next"],
        }
    },
}


def test_a_value_that_the_schema_allows_is_returned_as_it_is() -> None:
    value: Any = {"next": {"next": None}}
    assert schema_check(NODE)(value) is value


@pytest.mark.parametrize("value", [{}, {"next": {"next": 5}}, [], None])
def test_any_other_value_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        schema_check(NODE)(value)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "strin"}, 'type: "strin" is not valid'),
        ({"items": {"required": "name"}}, 'items.required: "name" is not of type "array"'),
        ({"pattern": "("}, 'pattern: "\\(" is not a "regex"'),
        ({"$ref": "#/$defs/Missing"}, "Pointer '/.defs/Missing' does not exist"),
        ({"const": object()}, "Unsupported type: 'object'"),
        ({5: "five"}, "Dict key must be str"),
    ],
)
def test_a_schema_that_is_wrong_is_refused_when_the_operator_is_built(schema: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^into: expected a JSON schema; {problem}"):
        parse_json(into=schema)


def test_a_reference_never_leaves_the_schema(tmp_path: Path) -> None:
    file = tmp_path / "city.json"
    file.write_text('{"type": "object"}')
    for address in (file.as_uri(), "http://127.0.0.1:9/city.json", "city.json"):
        with pytest.raises(ValueError, match=r"^into: expected a JSON schema; Resource "):
            schema_check({"properties": {"a": {"$ref": address}}})


def test_a_schema_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema_rs", None)
    with pytest.raises(ImportError, match=r"ollama-rx\[schema\]"):
        parse_json(into={"type": "object"})


def test_a_reason_is_short_and_says_where_it_is() -> None:
    assert reason_at(["people", 0, "age"], '"x" is wrong') == 'people.0.age: "x" is wrong'
    assert reason_at([], '"x" is wrong') == '"x" is wrong'
    assert len(reason_at(["name"], "x" * 1000)) < 100


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"next": {"next": {"next": 5}}}, "next.next.next: 5 is not valid under any of"),
        ({"next": {"next": {}}}, "next.next: {} is not valid under any of"),
        ({"next": {"next": {"next": {}, "x": 1}}}, "next.next.next: {} is not valid under any of"),
        ({}, '"next" is a required property'),
    ],
)
def test_the_reason_is_the_deepest_mistake_in_any_of_the_choices(value: Any, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        schema_check(NODE)(value)
    assert mismatch_reason(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array"}, True),
        ({"type": ["array", "null"]}, True),
        ({"items": {"type": "integer"}}, True),
        ({"prefixItems": [{"type": "integer"}]}, True),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, True),
        ({"oneOf": [True, {"type": "array"}]}, True),
        ({"allOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"type": "array"}}}, True),
        ({"type": "object", "properties": {"a": {"type": "array"}}}, False),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}, False),
        ({"$ref": "#/$defs/a/b", "$defs": {"a": True}}, False),
        (NODE, False),
        ({}, False),
    ],
)
def test_it_is_known_whether_a_schema_takes_an_array(schema: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    assert takes_array(schema) is expected
