"""The definitions of JSON schemas that become parts of one schema."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, cast

_ROOT = "#/$defs/"


class SchemaDefinitions:
    """Makes schemas with definitions of their own (``$defs``) parts of one schema.

    A reference is replaced by what it refers to: Ollama reads ``type``, ``anyOf``, ``items``, ``enum``,
    ``properties`` and ``required`` of a parameter, and drops its ``$ref``. Only the definition of a type that
    contains itself is kept, in `root`.

    Source: `ToolProperty` in https://github.com/ollama/ollama/blob/main/api/types.go
    """

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        """What belongs to ``$defs`` of the schema that holds the parts."""

    def inline(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schema as a part of the schema that holds `root`."""
        own = cast("Mapping[str, Any]", schema.get("$defs", {}))
        part = {key: value for key, value in schema.items() if key != "$defs"}
        names = {name: name for name in own if name in _reachable(own[name], own)}
        numbers = count(2)
        while not self._keep({names[name]: _replace(own[name], own, names, expand=False) for name in names}):
            number = next(numbers)
            names = {name: f"{name}_{number}" for name in names}
        replaced: dict[str, Any] = _replace(part, own, names, expand=True)
        return replaced

    def _keep(self, definitions: Mapping[str, Any]) -> bool:
        """Add definitions to the root, unless one of the names stands for something else there."""
        if any(self.root.get(name, definition) != definition for name, definition in definitions.items()):
            return False
        self.root.update(definitions)
        return True


def _referenced(schema: Mapping[str, Any]) -> str | None:
    """Return the name of the definition that a schema refers to."""
    reference = schema.get("$ref")
    return reference.removeprefix(_ROOT) if isinstance(reference, str) else None


def _parts(schema: object) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON objects in a schema, itself included."""
    if isinstance(schema, Mapping):
        found = cast("Mapping[str, Any]", schema)
        yield found
        for value in found.values():
            yield from _parts(value)
    elif isinstance(schema, list):
        for value in cast("list[object]", schema):
            yield from _parts(value)


def _reachable(schema: object, definitions: Mapping[str, Any]) -> set[str]:
    """Return the names of the definitions that a schema refers to, directly or through others."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        names = {name for part in _parts(waiting.pop()) if (name := _referenced(part)) is not None} - found
        found |= names
        waiting.extend(definitions[name] for name in names)
    return found


def _replace(schema: Any, definitions: Mapping[str, Any], kept: Mapping[str, str], *, expand: bool) -> Any:
    """Replace the references in a schema by the definitions.

    References to definitions that are kept get their new names. With ``expand``, also they are replaced, but
    not those inside them.
    """
    if isinstance(schema, list):
        items = cast("list[object]", schema)
        return [_replace(value, definitions, kept, expand=expand) for value in items]
    if not isinstance(schema, Mapping):
        return schema
    found = cast("Mapping[str, Any]", schema)
    name = _referenced(found)
    if name is None:
        return {key: _replace(value, definitions, kept, expand=expand) for key, value in found.items()}
    if name in kept and not expand:
        return {**found, "$ref": _ROOT + kept[name]}
    beside = {key: value for key, value in found.items() if key != "$ref"}
    return _replace({**definitions[name], **beside}, definitions, kept, expand=expand and name not in kept)
