"""Describe a Python function as a tool: its signature and docstring become a JSON schema."""

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from ollama_rx.arguments import check_callable


def tool_schema(function: Callable[..., object]) -> dict[str, Any]:
    """Return the tool description that Ollama takes, with the summary of the function's docstring.

    Takes functions, methods, classes, callable objects, and partials, whose keyword arguments are hidden from
    the model. The docstring may describe the parameters in Google's, NumPy's or reST's style. A parameter
    without an annotation is described as text.

    >>> def weather(city: str, days: int = 1) -> str:
    ...     '''Tell the weather.'''
    >>> tool_schema(weather)["function"]["parameters"]["required"]
    ['city']

    Raises:
        TypeError: not a function, or a parameter (named in the message) whose type has no JSON schema.
    """
    check_callable("tools", function)
    inner, hidden = _unwrap_partials(function)
    name = getattr(inner, "__name__", type(inner).__name__)
    if not name.isidentifier():
        raise TypeError(f"tools: expected a function with a name, got {name}")
    docstring = inspect.getdoc(inner) or inspect.getdoc(_signature_source(inner)) or ""
    summary, descriptions = parse_docstring(docstring)
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter, hint in _typed_parameters(name, function, inner):
        if parameter.name in hidden:
            continue
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise TypeError(f"tools: expected parameters with names, got {name}(*{parameter.name})")
        try:
            schema = _type_schema(hint, definitions)
        except TypeError as error:
            expected = f"a type with a JSON schema for {name}({parameter.name})"
            raise TypeError(f"tools: expected {expected}, got {hint!r} ({error})") from error
        if parameter.name in descriptions:
            schema = {**schema, "description": descriptions[parameter.name]}
        properties[parameter.name] = schema
        if parameter.default is parameter.empty:
            required.append(parameter.name)
    parameters: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    if definitions:
        parameters["$defs"] = definitions
    return {
        "type": "function",
        "function": {"name": name, "description": summary, "parameters": parameters},
    }


# the signature


def _unwrap_partials(function: Callable[..., object]) -> tuple[Callable[..., object], set[str]]:
    """Return the callable inside the partials, and the names of the arguments that they pass by keyword."""
    keywords: set[str] = set()
    while isinstance(function, partial):
        keywords.update(function.keywords)
        function = function.func
    return function, keywords


def _signature_source(inner: Callable[..., object]) -> Callable[..., object]:
    """Return the function that has the signature: ``inner`` itself, or the ``__call__`` of an object."""
    return inner if hasattr(inner, "__name__") else type(inner).__call__


def _typed_parameters(
    name: str, function: Callable[..., object], inner: Callable[..., object]
) -> list[tuple[inspect.Parameter, Any]]:
    """Return the parameters of a function with their types."""
    annotated: list[object] = [_signature_source(inner)]
    if isinstance(inner, type):
        annotated.append(getattr(inner, "__init__"))  # noqa: B009 - as a plain function
    hints: dict[str, Any] = {}
    try:
        for source in annotated:
            hints |= get_type_hints(source, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except (NameError, TypeError, ValueError) as error:
        raise TypeError(f"tools: expected a signature that can be read, got {name} ({error})") from error
    return [(parameter, hints.get(parameter.name, str)) for parameter in parameters]


# the types

_JSON_TYPES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dict: "object",
    Mapping: "object",
    list: "array",
    tuple: "array",
    set: "array",
    frozenset: "array",
    Sequence: "array",
    type(None): "null",
}


def _type_schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - one per kind
    """Return the JSON schema of a type; the definitions it refers to are added to ``definitions``."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        description = " ".join(filter(None, map(_annotation_text, arguments[1:])))
        schema = _type_schema(arguments[0], definitions)
        return schema | ({"description": description} if description else {})
    json_type = _JSON_TYPES.get(_builtin_type(hint))
    if json_type is not None:
        return {"type": json_type}
    if origin is Literal:
        return _enum_schema(arguments)
    if origin in {Union, types.UnionType}:
        return _union_schema([_type_schema(argument, definitions) for argument in arguments])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum_schema([member.value for member in hint])
    if origin in {list, set, frozenset, Sequence} or (origin is tuple and arguments[-1:] == (...,)):
        return {"type": "array", "items": _type_schema(arguments[0], definitions)}
    if origin in {dict, Mapping}:
        return {"type": "object"}
    own: Callable[[], dict[str, Any]] | None = getattr(cast(object, hint), "model_json_schema", None)
    if own is not None:
        schema = dict(own())
        definitions.update(schema.pop("$defs", {}))  # references start at the root of the tool's schema
        return schema
    if hint is Any:
        return {}
    raise TypeError(f"{hint!r} has no JSON schema; use str, int, float, bool, list, dict or Literal")


def _builtin_type(hint: Any) -> object:
    """Return ``list`` for a bare ``typing.List`` and so on; any other type, also ``tuple[()]``, as it is."""
    origin = get_origin(hint)
    return hint if get_args(hint) or origin in {None, tuple} else origin


def _annotation_text(extra: object) -> str:
    """Return the description in an annotation: text, or an object with a description, as pydantic's Field."""
    text = getattr(extra, "description", extra)
    return text if isinstance(text, str) else ""


def _enum_schema(values: Sequence[Any]) -> dict[str, Any]:
    kinds = {_JSON_TYPES.get(cast(object, type(value))) for value in values}
    kind = kinds.pop() if len(kinds) == 1 else None
    return ({"type": kind} if kind else {}) | {"enum": list(values)}


def _union_schema(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if all(set(schema) == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


# the docstring

# Patterns, compiled by `re` at their first use, because most programs never need them.
# The heading of a section: Google's ends with a colon, NumPy's is underlined.
_SECTION = (
    r"(?m)^(?P<name>Args|Arguments|Parameters|Other Parameters|Returns?|Yields?|Raises|Warns?|Examples?"
    r"|Notes?|References|See Also|Attributes)(?::[ \t]*|\n-{3,}[ \t]*)$"
)
_PARAMETER_SECTIONS = {"Args", "Arguments", "Parameters", "Other Parameters"}
_REST_FIELD = r"(?m)^:(?:param(?P<type>[^:\n]*?)\s\*{0,2}(?P<name>\w+)|\w+[^:\n]*):[ \t]*"
# One parameter in a section: its indentation, its name or names, the rest of the line.
_GOOGLE_PARAMETER = r"^([ \t]+)\*{0,2}(\w+)[ \t]*(?:\([^)]*\))?:[ \t]*(.*)$"
_NUMPY_PARAMETER = r"^()(\*{0,2}\w+(?:, *\*{0,2}\w+)*)[ \t]*(?::.*)?()$"


def parse_docstring(text: str) -> tuple[str, dict[str, str]]:
    r"""Parse a docstring (as from ``inspect.getdoc``) into its summary and its descriptions of parameters.

    >>> parse_docstring("The weather.\n\nArgs:\n    city: Where,\n        by name.\n    days: How many.")
    ('The weather.', {'city': 'Where, by name.', 'days': 'How many.'})
    """
    sections = list(re.finditer(_SECTION, text))
    fields = list(re.finditer(_REST_FIELD, text))
    starts = sorted(match.start() for match in (*sections, *fields))
    summary = _join_lines(text[: min(starts, default=len(text))])
    descriptions: dict[str, str] = {}
    for section in sections:
        if section["name"] in _PARAMETER_SECTIONS:
            content = _text_until_next(text, section.end(), starts)
            descriptions |= _parse_parameters(content, underlined="\n" in section[0])
    for field in fields:
        if field["name"]:
            content = _text_until_next(text, field.end(), starts)
            descriptions[field["name"]] = _join_lines(content.partition("\n\n")[0])
    return summary, {name: description for name, description in descriptions.items() if description}


def _text_until_next(text: str, start: int, starts: list[int]) -> str:
    """Return the text from ``start`` to the next section or field."""
    return text[start : next((place for place in starts if place >= start), len(text))]


def _parse_parameters(text: str, *, underlined: bool) -> dict[str, str]:
    """Parse the parameters of one section: in NumPy's style if its heading is underlined, or Google's."""
    pattern = _NUMPY_PARAMETER if underlined else _GOOGLE_PARAMETER
    found: dict[str, str] = {}
    indent: str | None = None
    current = ""
    for line in text.splitlines():
        match = re.match(pattern, line)
        if match and indent in {None, match[1]}:
            indent, current = match[1], match[2]
            found[current] = match[3]
        elif current and line.startswith((indent or "") + " "):
            found[current] += " " + line
        elif line.strip():
            break
    return {
        name.strip(" *"): _join_lines(description)
        for names, description in found.items()
        for name in names.split(",")
    }


def _join_lines(text: str) -> str:
    return " ".join(text.split())
