"""Types of parameters as JSON schemas: JSON's own types are described here, all others by pydantic."""

import types
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Mapping,
    MutableMapping,
    MutableSequence,
    MutableSet,
    Sequence,
)
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from ollama_rx.arguments import type_adapter
from ollama_rx.client.schema_definitions import SchemaDefinitions

ANYTHING: frozenset[object] = frozenset({Any, object})
SCALARS: Mapping[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
OBJECTS: frozenset[object] = frozenset({dict, Mapping, MutableMapping})
# The types of JSON arrays, each with the function that makes one from its items.
ARRAYS: Mapping[object, Callable[[Iterable[object]], object]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    Sequence: list,
    MutableSequence: list,
    Collection: list,
    Iterable: list,
    AbstractSet: set,
    MutableSet: set,
}
UNIONS: frozenset[object] = frozenset({Union, types.UnionType})
_CONSTRAINTS = {"pydantic", "annotated_types"}


def type_schema(hint: Any, definitions: SchemaDefinitions) -> dict[str, Any]:
    """Return the JSON schema of a type, as a part of a schema that holds the definitions.

    Raises:
        TypeError: pydantic is needed and not installed, or does not know the type.
        RuntimeError: pydantic knows no JSON schema for the type.
    """
    hint, description = plain_type(hint)
    kind = kind_of(hint)
    schema: dict[str, Any] = {}
    if kind in ANYTHING:
        pass
    elif kind in SCALARS:
        schema = {"type": SCALARS[kind]}
    elif kind in OBJECTS:
        schema = {"type": "object"}
    elif (choices := choices_of(hint)) is not None:
        schema = _enum_schema([value for value, _ in choices])
    elif kind in UNIONS:
        schema = _union_schema([type_schema(member, definitions) for member in get_args(hint)])
    elif (items := items_of(hint)) is not None:
        item = type_schema(items, definitions)
        schema = {"type": "array"} | ({"items": item} if item else {})
    else:
        schema = definitions.inline(type_adapter("its type", hint).json_schema())
    return schema | ({"description": description} if description else {})


@contextmanager
def naming(function: str, parameter: str, hint: object) -> Generator[None]:
    """Name the parameter in the error for a type that cannot be described."""
    try:
        yield
    except (TypeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        expected = f"a type with a JSON schema for {function}({parameter})"
        raise TypeError(f"tools: expected {expected}, got {hint!r} ({reason})") from error


def plain_type(hint: Any) -> tuple[Any, str]:
    """Return the type behind a NewType or an annotation, and the description in the annotation.

    An annotation with constraints, as of pydantic's Field, stays as it is, because pydantic has to read it.
    """
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    if get_origin(hint) is not Annotated:
        return hint, ""
    inner, *extras = get_args(hint)
    if any(type(extra).__module__.partition(".")[0] in _CONSTRAINTS for extra in extras):
        return hint, ""
    plain, description = plain_type(inner)
    return plain, " ".join(
        [*filter(None, [description]), *(text for text in extras if isinstance(text, str))]
    )


def kind_of(hint: Any) -> object:
    """Return the class of a generic type, ``list`` for ``list[int]``."""
    return get_origin(hint) or hint


def items_of(hint: Any) -> Any:
    """Return the type of the items in a JSON array, or None for a type that is not a plain array."""
    kind, arguments = kind_of(hint), get_args(hint)
    if kind is tuple and hint is not tuple:
        return arguments[0] if arguments[1:] == (...,) else None
    if kind in ARRAYS:
        return arguments[0] if arguments else Any
    return None


def choices_of(hint: Any) -> list[tuple[object, object]] | None:
    """Return the values of a Literal or an Enum, each as JSON has it and as Python has it, or None."""
    if get_origin(hint) is Literal:
        members: Iterable[object] = get_args(hint)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        members = hint
    else:
        return None
    return [(member.value if isinstance(member, Enum) else member, member) for member in members]


def needs_pydantic(hint: Any) -> bool:
    """Check for a type that is not one of JSON's own."""
    hint, _ = plain_type(hint)
    kind = kind_of(hint)
    return (
        kind not in ANYTHING | SCALARS.keys() | OBJECTS | UNIONS
        and choices_of(hint) is None
        and items_of(hint) is None
    )


def _enum_schema(values: Sequence[object]) -> dict[str, Any]:
    kinds = {SCALARS.get(type(value)) for value in values}
    kind = kinds.pop() if len(kinds) == 1 else None
    return ({"type": kind} if kind else {}) | {"enum": list(values)}


def _union_schema(schemas: Sequence[dict[str, Any]]) -> dict[str, Any]:
    if all(set(schema) == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": list(schemas)}
