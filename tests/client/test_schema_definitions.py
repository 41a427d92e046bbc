"""Schemas with definitions of their own become parts of one schema."""

from typing import Any

from ollama_rx.client.schema_definitions import SchemaDefinitions

TEXT = {"type": "string"}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def tree(leaf: str) -> dict[str, Any]:
    """Return the schema of a tree, whose branches are trees."""
    return {
        "$defs": {
            "Tree": {"type": "object", "properties": {"leaf": ref("Leaf"), "branch": ref("Tree")}},
            "Leaf": {"type": leaf},
        },
        **ref("Tree"),
    }


def test_references_are_replaced_by_what_they_refer_to() -> None:
    definitions = SchemaDefinitions()
    schema = {
        "$defs": {"A": {"anyOf": [ref("B"), {"type": "null"}]}, "B": TEXT},
        "type": "array",
        "items": {**ref("A"), "description": "one of them"},
    }
    assert definitions.inline(schema) == {
        "type": "array",
        "items": {"anyOf": [TEXT, {"type": "null"}], "description": "one of them"},
    }
    assert definitions.root == {}


def test_a_schema_that_contains_itself_is_opened_once_and_kept_at_the_root() -> None:
    definitions = SchemaDefinitions()
    opened = {"type": "object", "properties": {"leaf": TEXT, "branch": ref("Tree")}}
    assert definitions.inline(tree("string")) == opened
    assert definitions.inline({**tree("string"), "description": "another"}) == opened | {
        "description": "another"
    }
    assert definitions.root == {"Tree": opened}


def test_two_schemas_that_refer_to_each_other_are_both_kept() -> None:
    definitions = SchemaDefinitions()
    schema = {"$defs": {"A": {"items": ref("B")}, "B": {"items": ref("A")}}, "items": ref("A")}
    assert definitions.inline(schema) == {"items": {"items": ref("B")}}
    assert definitions.root == {"A": {"items": ref("B")}, "B": {"items": ref("A")}}


def test_different_schemas_with_one_name_get_different_names() -> None:
    definitions = SchemaDefinitions()
    parts = [definitions.inline(tree(leaf)) for leaf in ("string", "integer", "null", "integer")]
    names = ["Tree", "Tree_2", "Tree_3", "Tree_2"]
    assert [part["properties"]["branch"] for part in parts] == [ref(name) for name in names]
    assert definitions.root == dict(zip(names, parts, strict=True))


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {"properties": {"$ref": TEXT}}
    assert SchemaDefinitions().inline(schema) == schema
