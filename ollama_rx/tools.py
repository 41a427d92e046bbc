"""A Python function as a tool: its signature and docstring make the JSON schema."""

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

_PLAIN: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    list: "array",
    tuple: "array",
    set: "array",
    type(None): "null",
}
_SECTION = re.compile(r"^\s*(Args|Arguments|Parameters):\s*$", re.MULTILINE)
_ARGUMENT = re.compile(r"^(\s+)\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.*)$")
_FIELD = re.compile(r":param (?:[^:]*\s)?(\w+):\s*(.*)")


def tool_schema(function: Callable[..., object]) -> dict[str, Any]:
    """Return the tool description Ollama takes, with the function's first docstring lines.

    Google-style ``Args:`` and reST ``:param name:`` describe the parameters.

    >>> def weather(city: str, days: int = 1) -> str:
    ...     '''Tell the weather.'''
    >>> tool_schema(weather)["function"]["parameters"]["required"]
    ['city']

    Raises:
        TypeError: no function, or a parameter whose type has no JSON schema; both by name.
    """
    if not callable(function):
        raise TypeError(f"tools: {type(function).__name__} is neither a JSON schema nor a function")
    name = getattr(function, "__name__", type(function).__name__)
    hints = get_type_hints(function, include_extras=True)
    summary, described = _docstring(inspect.getdoc(function) or "")
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise TypeError(f"tools: {name}(*{parameter.name}) can't be described; name its parameters")
        try:
            schema = _schema(hints.get(parameter.name, str))
        except TypeError as error:
            raise TypeError(f"tools: {name}({parameter.name}): {error}") from error
        if parameter.name in described:
            schema = {**schema, "description": described[parameter.name]}
        properties[parameter.name] = schema
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    parameters = {"type": "object", "properties": properties, "required": required}
    return {
        "type": "function",
        "function": {"name": name, "description": summary, "parameters": parameters},
    }


def _schema(hint: Any) -> dict[str, Any]:  # noqa: PLR0911 - a line for each kind of type
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if origin is Annotated:
        texts = [extra for extra in arguments[1:] if isinstance(extra, str)]
        return _schema(arguments[0]) | ({"description": texts[0]} if texts else {})
    if origin is Literal:
        return _enum(arguments)
    if origin in {Union, types.UnionType}:
        return _union([_schema(argument) for argument in arguments])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum([member.value for member in hint])
    if origin in {list, set, frozenset, Sequence} or (origin is tuple and arguments[-1] is ...):
        return {"type": "array", "items": _schema(arguments[0])}
    if origin in {dict, Mapping}:
        return {"type": "object"}
    own: Callable[[], dict[str, Any]] | None = getattr(cast(object, hint), "model_json_schema", None)
    if own is not None:
        return own()
    if hint is Any:
        return {}
    raise TypeError(f"{hint!r} has no JSON schema; use str, int, float, bool, list, dict or Literal")


def _enum(values: Sequence[Any]) -> dict[str, Any]:
    kinds = {_PLAIN[type(value)] for value in values if type(value) in _PLAIN}
    return ({"type": kinds.pop()} if len(kinds) == 1 else {}) | {"enum": list(values)}


def _union(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if all(set(schema) == {"type"} for schema in schemas):
        kinds = [schema["type"] for schema in schemas]
        return {"type": kinds[0] if len(kinds) == 1 else kinds}
    return {"anyOf": schemas}


def _docstring(text: str) -> tuple[str, dict[str, str]]:
    """Split a docstring into its summary and the descriptions of the parameters."""
    section = _SECTION.search(text)
    fields = dict(_FIELD.findall(text))
    first_field = re.search(r"^\s*:param ", text, re.MULTILINE)
    ends = [found.start() for found in (section, first_field) if found]
    summary = " ".join(text[: min(ends, default=len(text))].split())
    return summary, fields | (_arguments(text[section.end() :]) if section else {})


def _arguments(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    indent, current = "", ""
    for line in text.splitlines():
        match = _ARGUMENT.match(line)
        if match and (not indent or match[1] == indent):
            indent, current = match[1], match[2]
            found[current] = match[3].strip()
        elif current and line.startswith(indent + " "):
            found[current] = f"{found[current]} {line.strip()}".strip()
        elif line.strip():
            break
    return found
