"""Read the signature of a function that is a tool: its name, and the parameters that a model can give."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, get_type_hints

from ollama_rx.arguments import check_callable


@dataclass(frozen=True, slots=True)
class ToolSignature:
    """What a model has to know to call a function."""

    name: str
    docstring: str
    parameters: tuple[inspect.Parameter, ...]
    """The parameters with a name of their own; strings in their annotations are resolved."""
    hidden: frozenset[str]
    """The names of the parameters that a partial gives itself, which a model must not overrule."""
    takes_any_name: bool
    """Whether the function takes arguments of any name, as ``**options`` does."""


def tool_signature(function: Callable[..., object]) -> ToolSignature:
    """Return the signature of a function, method, class, callable object or partial.

    The keyword arguments of a partial are hidden, because they are given already; so are ``*args`` and
    ``**kwargs``, because a model gives arguments by their names.

    Raises:
        TypeError: not a function, without a name, or with a signature that cannot be read.
    """
    check_callable("tools", function)
    inner, given = _unwrap_partials(function)
    name = getattr(inner, "__name__", type(inner).__name__)
    if not name.isidentifier():
        raise TypeError(f"tools: expected a function with a name, got {name}")
    called = _called_function(inner)
    try:
        hints = (_class_hints(inner) if isinstance(inner, type) else {}) | _parameter_hints(called)
        parameters = inspect.signature(function).parameters.values()
    except (NameError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        raise TypeError(f"tools: expected a signature that can be read, got {name} ({error})") from error
    return ToolSignature(
        name,
        inspect.getdoc(inner) or inspect.getdoc(inner if isinstance(inner, type) else called) or "",
        tuple(
            parameter.replace(annotation=hints.get(parameter.name, parameter.empty))
            for parameter in parameters
            if parameter.name not in given
            and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
        ),
        frozenset(given),
        any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters),
    )


def _unwrap_partials(function: Callable[..., object]) -> tuple[Callable[..., object], set[str]]:
    """Return the callable inside the partials, and the names of the arguments that they pass by keyword."""
    keywords: set[str] = set()
    while isinstance(function, partial):
        keywords.update(function.keywords)
        function = function.func
    return function, keywords


def _called_function(inner: Callable[..., object]) -> Callable[..., object]:
    """Return what a call runs: a function itself, the ``__init__`` of a class, an object's ``__call__``."""
    if isinstance(inner, type):
        initialize: Callable[..., object] = getattr(inner, "__init__")  # noqa: B009 - as a plain function
        return initialize
    return inner if hasattr(inner, "__name__") else type(inner).__call__


def _class_hints(kind: type) -> dict[str, Any]:
    """Return the types of a class's fields, which describe the parameters of a constructor made from them."""
    return get_type_hints(kind, include_extras=True)


def _parameter_hints(function: Callable[..., object]) -> dict[str, Any]:
    """Return the types of a function's parameters; the type of its result need not be importable."""
    annotations = dict(getattr(function, "__annotations__", {}))
    annotations.pop("return", None)
    definition = inspect.unwrap(function)
    described = SimpleNamespace(
        __annotations__=annotations, __globals__=getattr(definition, "__globals__", {})
    )
    type_parameters = {one.__name__: one for one in getattr(definition, "__type_params__", ())}
    return get_type_hints(described, localns=type_parameters, include_extras=True)
