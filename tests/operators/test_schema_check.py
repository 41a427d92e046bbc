"""A JSON schema allows what the standard says that it allows."""

from typing import Any

import pytest

from ollama_rx.operators._schema_check import schema_check, takes_array

REFERENCES = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
            "required": ["next"],
        }
    },
}

# schema, values that it allows, values that it does not allow
SCHEMAS: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({}, [1, "a", None, {}, [1]], []),
    ({"title": "x", "format": "date", "default": 3, "$schema": "y"}, [1, "a"], []),
    ({"type": "object"}, [{}, {"a": 1}], [[], 1, None, "a"]),
    ({"type": "array"}, [[], [1, "a"]], [{}, "ab"]),
    ({"type": "string"}, ["", "a"], [1, None, ["a"]]),
    ({"type": "number"}, [1, 1.5, -1], ["1", True, None]),
    ({"type": "integer"}, [1, 2.0], [1.5, True, "1"]),
    ({"type": "boolean"}, [True, False], [0, 1, "true"]),
    ({"type": "null"}, [None], [0, False, ""]),
    ({"type": ["string", "null"]}, ["a", None], [1]),
    ({"enum": ["a", 1, None]}, ["a", 1, 1.0, None], ["b", True, 2]),
    ({"const": {"a": 1}}, [{"a": 1}], [{"a": 2}, 1]),
    ({"minimum": 2, "maximum": 3}, [2, 2.5, 3, "x"], [1, 4]),
    ({"exclusiveMinimum": 2, "exclusiveMaximum": 3}, [2.5, None], [2, 3]),
    ({"minLength": 1, "maxLength": 2}, ["a", "ab", 5], ["", "abc"]),
    ({"pattern": "^a+$"}, ["a", "aa", 5], ["", "ba"]),
    ({"minItems": 1, "maxItems": 2}, [[1], [1, 2], "abc"], [[], [1, 2, 3]]),
    ({"minProperties": 1, "maxProperties": 1}, [{"a": 1}, [], "abc"], [{}, {"a": 1, "b": 2}]),
    ({"multipleOf": 0.5}, [1.5, 2, "x"], [1.2]),
    ({"propertyNames": {"enum": ["a", "b"]}}, [{"a": 1}, {}], [{"c": 1}]),
    ({"items": {"type": "integer"}}, [[], [1, 2], "a"], [[1, "a"]]),
    ({"items": False, "prefixItems": [{"type": "integer"}]}, [[], [1]], [["a"], [1, 2]]),
    ({"items": True}, [[1]], []),
    ({"required": ["a"]}, [{"a": None}, 5], [{}, {"b": 1}]),
    (
        {"properties": {"a": {"type": "string"}}, "additionalProperties": False},
        [{}, {"a": "x"}],
        [{"a": 1}, {"b": 1}],
    ),
    ({"additionalProperties": {"type": "integer"}}, [{"a": 1}], [{"a": "x"}]),
    ({"anyOf": [{"type": "string"}, {"minimum": 5}]}, ["a", 5, None], [4]),
    ({"oneOf": [{"type": "integer"}, {"minimum": 5}]}, [1, 5.5], [5, 1.5]),
    ({"allOf": [{"type": "integer"}, {"minimum": 5}]}, [5], [4, 5.5]),
    ({"not": {"type": "string"}}, [1], ["a"]),
    (REFERENCES, [{"next": None}, {"next": {"next": None}}], [{}, {"next": {"next": 5}}]),
    (
        {"definitions": {"a": {"type": "string"}}, "$ref": "#/definitions/a", "maxLength": 1},
        ["a"],
        ["ab", 1],
    ),
]


@pytest.mark.parametrize(("schema", "right", "wrong"), SCHEMAS)
def test_a_schema_allows_these_values(schema: dict[str, Any], right: list[Any], wrong: list[Any]) -> None:
    check = schema_check(schema)
    for value in right:
        assert check(value) is value
    for value in wrong:
        with pytest.raises(ValueError, match=r"."):
            check(value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            {"people": [{"name": "Ada", "age": 36}, {"name": "Bob", "age": "x"}]},
            "people[1].age: expected int",
        ),
        ({"people": [{"age": 36}]}, "people[0].name: missing"),
        ({"people": [{"name": "", "age": 1}]}, "name: expected a text whose length is at least 1, got ''"),
        ({"people": {}}, "people: expected array, got an object"),
        ([], "value: expected object, got an array"),
        ({"people": [], "more": 1}, "more: not allowed"),
    ],
)
def test_the_reason_says_where_and_what(value: Any, reason: str) -> None:
    person = {
        "type": "object",
        "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": ["integer", "null"]}},
        "required": ["name", "age"],
    }
    schema = {
        "type": "object",
        "properties": {"people": {"type": "array", "items": person}},
        "additionalProperties": False,
    }
    with pytest.raises(ValueError, match=r".") as caught:
        schema_check(schema)(value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"contains": {}},
        {"properties": {"a": {"dependentRequired": {}}}},
        {"anyOf": [{"type": "strin"}]},
        {"type": ["string", 5]},
        {"items": [{"type": "string"}]},
        {"items": "string"},
        {"$ref": "#/$defs/Missing"},
        {"$ref": "other.json#/a"},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"properties": {"a": {"$ref": "#/properties/b/c"}}},
        {"enum": "ab"},
        {"anyOf": ["string"]},
        {"required": "name"},
        {"anyOf": {"type": "string"}},
        {"properties": [{"type": "string"}]},
        {"pattern": "("},
        {"minLength": "1"},
    ],
)
def test_a_schema_that_is_not_understood_is_refused_at_once(schema: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^into: expected .*, got "):
        schema_check(schema)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "array"}, True),
        ({"type": ["array", "null"]}, True),
        ({"anyOf": [{"type": "string"}, {"type": "array"}]}, True),
        ({"oneOf": [{"type": "array"}]}, True),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "array"}}}, True),
        ({"type": "object", "properties": {"a": {"type": "array"}}}, False),
        (REFERENCES, False),
        ({}, False),
    ],
)
def test_it_is_known_whether_a_schema_takes_an_array(schema: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    assert takes_array(schema, schema) is expected
