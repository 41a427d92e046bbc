"""Check a parsed JSON value against a JSON schema, as far as schemas for answers of models go."""

import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeGuard, cast

from ollama_rx.arguments import wrong_type, wrong_value
from ollama_rx.operators._partial_json import JsonValue

Schema = Mapping[str, object]

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": (int, float),
    "boolean": bool,
    "null": type(None),
}


def _itself(value: object) -> object:
    return value


def _is_multiple(value: float, step: float) -> bool:
    return (value / step).is_integer()


def _is_like(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None


# keyword -> the type of the values it applies to, what is measured, how it is compared, and the words for it
_Limit = tuple[str, Callable[[Any], object], Callable[[Any, Any], object], str]
_LIMITS: dict[str, _Limit] = {
    "minimum": ("number", _itself, operator.ge, "a number of at least"),
    "maximum": ("number", _itself, operator.le, "a number of at most"),
    "exclusiveMinimum": ("number", _itself, operator.gt, "a number above"),
    "exclusiveMaximum": ("number", _itself, operator.lt, "a number below"),
    "multipleOf": ("number", _itself, _is_multiple, "a multiple of"),
    "minLength": ("string", len, operator.ge, "a text whose length is at least"),
    "maxLength": ("string", len, operator.le, "a text whose length is at most"),
    "pattern": ("string", _itself, _is_like, "a text like"),
    "minItems": ("array", len, operator.ge, "an array whose length is at least"),
    "maxItems": ("array", len, operator.le, "an array whose length is at most"),
    "minProperties": ("object", len, operator.ge, "an object whose length is at least"),
    "maxProperties": ("object", len, operator.le, "an object whose length is at most"),
}

# keyword -> the type of its argument
_SCHEMA = dict.fromkeys(("items", "additionalProperties", "propertyNames", "not"), (Mapping, bool))
_SCHEMAS = dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), (list, tuple))
_NAMED_SCHEMAS = dict.fromkeys(("properties", "$defs", "definitions"), (Mapping,))
_ANNOTATIONS = dict.fromkeys(
    (
        *("title", "description", "default", "examples", "example", "format", "deprecated", "nullable"),
        *("readOnly", "writeOnly", "discriminator", "contentEncoding", "contentMediaType"),
        *("$schema", "$id", "$comment"),
    ),
    (object,),
)
_ARGUMENTS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_LIMITS, (int, float)),
    **_SCHEMA,
    **_SCHEMAS,
    **_NAMED_SCHEMAS,
    **_ANNOTATIONS,
    "pattern": (str,),
    "type": (str, list, tuple),
    "enum": (list, tuple),
    "const": (object,),
    "required": (list, tuple),
    "$ref": (str,),
}


def schema_check(schema: Schema) -> Callable[[JsonValue], JsonValue]:
    """Return a function that returns a value if the schema allows it, and raises a `ValueError` otherwise.

    Knows the keywords that describe types, properties, items, choices, references inside the schema, and
    simple limits. Keywords that only describe (``title``, ``format``) are ignored.

    >>> schema_check({"type": "object", "required": ["name"]})({"name": "Rome"})
    {'name': 'Rome'}

    Raises:
        ValueError: a keyword of the schema is not known here, or has a wrong argument; raised at once.
        TypeError: a keyword has an argument of a wrong type; raised at once.
    """
    for part in _parts(schema):
        _check_keywords(part)
        _resolve(part, schema)

    def check(value: JsonValue) -> JsonValue:
        problem = next(_problems(value, schema, schema, ""), None)
        if problem is not None:
            raise ValueError(problem)
        return value

    return check


def _check_keywords(part: Schema) -> None:
    for name, argument in part.items():
        kinds = _ARGUMENTS.get(name)
        if kinds is None:
            raise ValueError(
                f"into: expected a JSON schema of the usual keywords, got {name!r}; "
                "to check it with a library for JSON schemas, pass a function that does so"
            )
        if not isinstance(argument, kinds):
            raise wrong_type("into", f"a JSON schema with another type for {name!r}", argument)
    for kind in _type_names(part):
        if kind not in _TYPES:
            raise wrong_value("into", f"one of {', '.join(_TYPES)} for 'type'", kind)
    try:
        re.compile(str(part.get("pattern", "")))
    except re.error as error:
        raise wrong_value("into", "a pattern that Python knows", part["pattern"]) from error


def takes_array(schema: Schema, root: Schema) -> bool:
    """Check whether a schema is one of an array."""
    schema = _resolve(schema, root)
    choices = [*_items(schema.get("anyOf")), *_items(schema.get("oneOf"))]
    return "array" in _type_names(schema) or any(
        takes_array(choice, root) for choice in choices if _is_schema(choice)
    )


def _parts(schema: object) -> Iterator[Schema]:
    """Yield a schema, and then all schemas inside it."""
    if isinstance(schema, bool):
        return
    if not _is_schema(schema):
        raise wrong_type("into", "a JSON schema in each part of a JSON schema", schema)
    yield schema
    inner: list[object] = [schema[name] for name in _SCHEMA if name in schema]
    for name in _SCHEMAS:
        inner += _items(schema.get(name))
    for name in _NAMED_SCHEMAS:
        inner += cast("Schema", schema.get(name, {})).values()
    for part in inner:
        yield from _parts(part)


def _is_schema(value: object) -> TypeGuard[Schema]:
    return isinstance(value, Mapping)


def _items(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def _type_names(schema: Schema) -> Sequence[object]:
    name = schema.get("type")
    return [name] if isinstance(name, str) else _items(name)


def _resolve(schema: Schema, root: Schema) -> Schema:
    """Return the schema that a reference leads to, with the other keywords of each step."""
    seen: set[object] = set()
    while "$ref" in schema:
        reference = schema["$ref"]
        target: object = root
        for name in str(reference).removeprefix("#").split("/")[1:]:
            target = target.get(name) if _is_schema(target) else None
        if reference in seen or not _is_schema(target) or not str(reference).startswith("#"):
            raise wrong_value("into", "a reference inside the schema", reference)
        seen.add(reference)
        schema = {**target, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _problems(value: JsonValue, schema: object, root: Schema, path: str) -> Iterator[str]:
    """Yield what is wrong with a value, with the path to it."""
    if isinstance(schema, bool):
        if not schema:
            yield f"{path or 'value'}: not allowed"
        return
    schema = _resolve(cast("Schema", schema), root)
    for expected in _own_problems(value, schema, root):
        yield f"{path or 'value'}: expected {expected}, got {_shown(value)}"
    for part in _items(schema.get("allOf")):
        yield from _problems(value, part, root, path)
    if isinstance(value, dict):
        yield from _object_problems(value, schema, root, path)
    if isinstance(value, list):
        prefix = _items(schema.get("prefixItems"))
        rest = schema.get("items", True)
        for place, item in enumerate(value):
            part = prefix[place] if place < len(prefix) else rest
            yield from _problems(item, part, root, f"{path}[{place}]")


def _own_problems(value: JsonValue, schema: Schema, root: Schema) -> Iterator[str]:
    """Yield what was expected of the value itself, apart from what it contains."""

    def fits(part: object) -> bool:
        return next(_problems(value, part, root, ""), None) is None

    types = _type_names(schema)
    if types and not any(_has_type(value, str(name)) for name in types):
        yield " or ".join(map(str, types))
    if "enum" in schema and not any(_is_same(value, one) for one in _items(schema["enum"])):
        yield f"one of {schema['enum']}"
    if "const" in schema and not _is_same(value, schema["const"]):
        yield repr(schema["const"])
    for name, (kind, measure, compare, words) in _LIMITS.items():
        if name in schema and _has_type(value, kind) and not compare(measure(value), schema[name]):
            yield f"{words} {schema[name]}"
    if "anyOf" in schema and not any(map(fits, _items(schema["anyOf"]))):
        yield "one of the choices"
    if "oneOf" in schema and sum(map(fits, _items(schema["oneOf"]))) != 1:
        yield "exactly one of the choices"
    if "not" in schema and fits(schema["not"]):
        yield "something else"


def _object_problems(value: dict[str, JsonValue], schema: Schema, root: Schema, path: str) -> Iterator[str]:
    dot = path and f"{path}."
    for name in _items(schema.get("required")):
        if name not in value:
            yield f"{dot}{name}: missing"
    properties = cast("Schema", schema.get("properties", {}))
    others = schema.get("additionalProperties", True)
    for name, item in value.items():
        yield from _problems(name, schema.get("propertyNames", True), root, f"{dot}{name}")
        yield from _problems(item, properties.get(name, others), root, f"{dot}{name}")


def _has_type(value: JsonValue, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def _is_same(value: JsonValue, other: object) -> bool:
    """Compare as JSON does, for which 1 is 1.0 but not true."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _shown(value: JsonValue) -> str:
    if isinstance(value, dict):
        return "an object"
    return "an array" if isinstance(value, list) else repr(value)
