"""Describe a Python function as a tool: its signature and docstring become a JSON schema."""

from collections.abc import Callable
from typing import Any

from ollama_rx.client.schema_definitions import SchemaDefinitions
from ollama_rx.client.tool_docstring import parse_docstring
from ollama_rx.client.tool_signature import tool_signature
from ollama_rx.client.tool_types import naming, type_schema


def tool_schema(function: Callable[..., object]) -> dict[str, Any]:
    """Return the tool description that Ollama takes, with the summary of the function's docstring.

    Takes functions, methods, classes, callable objects, and partials, whose keyword arguments are hidden from
    the model, as are ``*args`` and ``**kwargs``. The docstring may describe the parameters in Google's,
    NumPy's, reST's or Epytext's style. A parameter without an annotation is described as text. Types that
    JSON does not have, such as dates and dataclasses, need pydantic to describe them.

    >>> def weather(city: str, days: int = 1) -> str:
    ...     '''Tell the weather.'''
    >>> tool_schema(weather)["function"]["parameters"]["required"]
    ['city']

    Raises:
        TypeError: not a function, or a parameter (named in the message) whose type has no JSON schema.
    """
    signature = tool_signature(function)
    summary, descriptions = parse_docstring(signature.docstring)
    definitions = SchemaDefinitions()
    properties: dict[str, Any] = {}
    for parameter in signature.parameters:
        hint = str if parameter.annotation is parameter.empty else parameter.annotation
        with naming(signature.name, parameter.name, hint):
            properties[parameter.name] = type_schema(hint, definitions)
        if parameter.name in descriptions:
            properties[parameter.name]["description"] = descriptions[parameter.name]
    parameters: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [one.name for one in signature.parameters if one.default is one.empty],
    }
    if definitions.root:
        parameters["$defs"] = definitions.root
    return {
        "type": "function",
        "function": {"name": signature.name, "description": summary, "parameters": parameters},
    }
