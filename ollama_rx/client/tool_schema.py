"""A Python function as a tool: its signature and docstring make the JSON schema."""

import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin, get_type_hints

_PLAIN: dict[object, str] = {
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

# a section's heading: Google's ends with a colon, NumPy's is underlined
_SECTION = re.compile(
    r"^(?P<name>Args|Arguments|Parameters|Other Parameters|Returns?|Yields?|Raises|Warns?|Examples?|Notes?"
    r"|References|See Also|Attributes)(?::[ \t]*|\n-{3,}[ \t]*)$",
    re.MULTILINE,
)
_OF_PARAMETERS = {"Args", "Arguments", "Parameters", "Other Parameters"}
_REST = re.compile(r"^:(?:param(?P<type>[^:\n]*?)\s\*{0,2}(?P<name>\w+)|\w+[^:\n]*):[ \t]*", re.MULTILINE)
_GOOGLE = re.compile(r"^([ \t]+)\*{0,2}(\w+)[ \t]*(?:\([^)]*\))?:[ \t]*(.*)$")
_NUMPY = re.compile(r"^()(\*{0,2}\w+(?:, *\*{0,2}\w+)*)[ \t]*(?::.*)?()$")


def tool_schema(function: Callable[..., object]) -> dict[str, Any]:
    """Return the tool description Ollama takes, with the summary of the function's docstring.

    Takes functions, methods, classes, objects that can be called, and partials, whose arguments given
    by name are not shown to the model. The docstring may describe the parameters in Google's, NumPy's
    or reST's style. A parameter without annotation is a text.

    >>> def weather(city: str, days: int = 1) -> str:
    ...     '''Tell the weather.'''
    >>> tool_schema(weather)["function"]["parameters"]["required"]
    ['city']

    Raises:
        TypeError: no function, or a parameter whose type has no JSON schema; both by name.
    """
    if not callable(function):
        raise TypeError(f"tools: {type(function).__name__} is neither a JSON schema nor a function")
    inner, fixed = _inside(function)
    name = getattr(inner, "__name__", type(inner).__name__)
    if not name.isidentifier():
        raise TypeError(f"tools: {name} has no name that a model could call it by")
    summary, described = describe_docstring(inspect.getdoc(inner) or inspect.getdoc(_called(inner)) or "")
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter, hint in _parameters(name, function, inner):
        if parameter.name in fixed:
            continue
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise TypeError(f"tools: {name}(*{parameter.name}) can't be described; name its parameters")
        try:
            schema = _schema(hint, definitions)
        except TypeError as error:
            raise TypeError(f"tools: {name}({parameter.name}): {error}") from error
        if parameter.name in described:
            schema = {**schema, "description": described[parameter.name]}
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


def _inside(function: Callable[..., object]) -> tuple[Callable[..., object], set[str]]:
    """Return what the partials are made of, and the arguments they have given by name."""
    fixed: set[str] = set()
    while isinstance(function, partial):
        fixed.update(function.keywords)
        function = function.func
    return function, fixed


def _called(inner: Callable[..., object]) -> Callable[..., object]:
    """Return what has the signature: a function itself, an object's ``__call__``."""
    return inner if hasattr(inner, "__name__") else type(inner).__call__


def _parameters(
    name: str, function: Callable[..., object], inner: Callable[..., object]
) -> list[tuple[inspect.Parameter, Any]]:
    """Return the parameters with their types; where they are depends on what is called."""
    typed: list[object] = [_called(inner)]
    if isinstance(inner, type):
        typed.append(getattr(inner, "__init__"))  # noqa: B009 - as a plain function
    hints: dict[str, Any] = {}
    try:
        for one in typed:
            hints |= get_type_hints(one, include_extras=True)
        given = inspect.signature(function).parameters.values()
    except (NameError, TypeError, ValueError) as error:
        raise TypeError(f"tools: {name} has no signature that can be read: {error}") from error
    return [(parameter, hints.get(parameter.name, str)) for parameter in given]


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: PLR0911 - a line a type
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        said = " ".join(filter(None, map(_description, arguments[1:])))
        return _schema(arguments[0], definitions) | ({"description": said} if said else {})
    plain = _PLAIN.get(_bare(hint))
    if plain is not None:
        return {"type": plain}
    if origin is Literal:
        return _enum(arguments)
    if origin in {Union, types.UnionType}:
        return _union([_schema(argument, definitions) for argument in arguments])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum([member.value for member in hint])
    if origin in {list, set, frozenset, Sequence} or (origin is tuple and arguments[-1:] == (...,)):
        return {"type": "array", "items": _schema(arguments[0], definitions)}
    if origin in {dict, Mapping}:
        return {"type": "object"}
    own: Callable[[], dict[str, Any]] | None = getattr(cast(object, hint), "model_json_schema", None)
    if own is not None:
        schema = dict(own())
        definitions.update(schema.pop("$defs", {}))  # its references count from the root
        return schema
    if hint is Any:
        return {}
    raise TypeError(f"{hint!r} has no JSON schema; use str, int, float, bool, list, dict or Literal")


def _bare(hint: Any) -> object:
    """Return ``list`` for ``typing.List`` alone, other types as they are; ``tuple[()]`` is no tuple."""
    origin = get_origin(hint)
    return hint if get_args(hint) or origin in {None, tuple} else origin


def _description(extra: object) -> str:
    """Return what an annotation says: a text, or an object with a description, such as pydantic's Field."""
    found = getattr(extra, "description", extra)
    return found if isinstance(found, str) else ""


def _enum(values: Sequence[Any]) -> dict[str, Any]:
    kinds = {_PLAIN.get(cast(object, type(value))) for value in values}
    kind = kinds.pop() if len(kinds) == 1 else None
    return ({"type": kind} if kind else {}) | {"enum": list(values)}


def _union(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    if all(set(schema) == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def describe_docstring(text: str) -> tuple[str, dict[str, str]]:
    r"""Split a docstring (as of ``inspect.getdoc``) into its summary and the parameters' descriptions.

    >>> describe_docstring("The weather.\n\nArgs:\n    city: Where,\n        by name.\n    days: How many.")
    ('The weather.', {'city': 'Where, by name.', 'days': 'How many.'})
    """
    sections = list(_SECTION.finditer(text))
    fields = list(_REST.finditer(text))
    starts = sorted(found.start() for found in (*sections, *fields))
    summary = _flat(text[: min(starts, default=len(text))])
    described: dict[str, str] = {}
    for section in sections:
        if section["name"] in _OF_PARAMETERS:
            described |= _described_parameters(
                _until_next(text, section.end(), starts), underlined="\n" in section[0]
            )
    for field in fields:
        if field["name"]:
            described[field["name"]] = _flat(_until_next(text, field.end(), starts).partition("\n\n")[0])
    return summary, {name: said for name, said in described.items() if said}


def _until_next(text: str, start: int, starts: list[int]) -> str:
    return text[start : next((place for place in starts if place >= start), len(text))]


def _described_parameters(text: str, *, underlined: bool) -> dict[str, str]:
    pattern = _NUMPY if underlined else _GOOGLE
    found: dict[str, str] = {}
    indent: str | None = None
    current = ""
    for line in text.splitlines():
        match = pattern.match(line)
        if match and indent in {None, match[1]}:
            indent, current = match[1], match[2]
            found[current] = match[3]
        elif current and line.startswith((indent or "") + " "):
            found[current] += " " + line
        elif line.strip():
            break
    return {name.strip(" *"): _flat(said) for names, said in found.items() for name in names.split(",")}


def _flat(text: str) -> str:
    return " ".join(text.split())
