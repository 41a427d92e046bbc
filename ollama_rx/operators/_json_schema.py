"""What a JSON schema says: which values it allows (needs jsonschema-rs), and whether it is of an array."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard, cast

from ollama_rx.errors import excerpt
from ollama_rx.operators._partial_json import JsonValue

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

Schema = Mapping[str, object]


def schema_check(schema: Schema) -> Callable[[JsonValue], JsonValue]:
    """Return a function that returns a value if the schema allows it.

    The function raises the library's ``ValidationError`` otherwise. Nothing is ever read from the network or
    from a file: a ``$ref`` must lead to a place inside the schema.

    >>> schema_check({"required": ["name"]})({"name": "Rome"})
    {'name': 'Rome'}

    Raises:
        ValueError: it is not a JSON schema, or a ``$ref`` in it leads nowhere.
        ImportError: jsonschema-rs is not installed.
    """
    try:
        import jsonschema_rs  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise ImportError(
            'parse_json(into=) with a JSON schema needs jsonschema-rs: pip install "ollama-rx[schema]"'
        ) from error
    try:
        validate = jsonschema_rs.validator_for(dict(schema), offline=True).validate
    except jsonschema_rs.ValidationError as error:
        raise ValueError(f"into: expected a JSON schema; {mismatch_reason(error)}") from error
    except ValueError as error:  # a part of the schema is nothing that JSON can represent
        raise ValueError(f"into: expected a JSON schema; {error}") from error

    def check(value: JsonValue) -> JsonValue:
        validate(value)
        return value

    return check


def takes_array(schema: Schema) -> bool:
    """Check whether a schema is of an array, or has a choice or a reference that is.

    Like Ollama, it takes a schema with ``items`` and without a type for one of an array.
    """
    parts: list[object] = [schema]
    seen: set[object] = {None}  # for parts without a reference
    while parts:
        part = parts.pop()
        if not _is_mapping(part):  # true and false are schemas too
            continue
        types = part.get("type", "array" if "items" in part or "prefixItems" in part else None)
        if types == "array" or "array" in _list(types):
            return True
        for choices in ("anyOf", "oneOf", "allOf"):
            parts += _list(part.get(choices))
        reference = part.get("$ref")
        if reference not in seen:
            seen.add(reference)
            parts.append(_part_at(reference, schema))
    return False


def reason_at(path: Sequence[object], message: str) -> str:
    """Return what is wrong with the value at a path: ``people.0.age: "x" is not of type "integer"``."""
    place = ".".join(map(str, path))
    return f"{place}: {excerpt(message)}" if place else excerpt(message)


def mismatch_reason(error: "ValidationError") -> str:
    """Return why a schema does not allow a value.

    If none of the schema's choices does (``anyOf``), it is the mistake that lies deepest in the value: the
    choice with it fits best.
    """
    while choices := _choices(error):
        deepest = max((mistake for choice in choices for mistake in choice), key=_depth)
        if _depth(deepest) == _depth(error):
            break
        error = deepest
    return reason_at(error.instance_path, error.message)


def _choices(error: "ValidationError") -> "list[list[ValidationError]]":
    return getattr(error.kind, "context", [])


def _depth(error: "ValidationError") -> int:
    return len(error.instance_path)


def _is_mapping(part: object) -> TypeGuard[Schema]:
    return isinstance(part, Mapping)


def _list(value: object) -> Sequence[object]:
    return cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()


def _part_at(reference: object, schema: Schema) -> object:
    """Return the part of a schema that a reference such as ``#/$defs/City`` leads to."""
    part: object = schema
    for name in str(reference).split("/")[1:]:
        part = part.get(name) if _is_mapping(part) else None
    return part
