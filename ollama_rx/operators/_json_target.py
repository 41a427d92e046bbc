"""What the JSON is to become: a class, a type, a JSON schema or a function, turned into a validator."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from functools import cached_property
from inspect import isclass
from typing import Any, Protocol, TypeVar, cast

from ollama_rx.arguments import is_type_expression, type_adapter, wrong_type
from ollama_rx.operators._json_schema import Schema, mismatch_reason, reason_at, schema_check, takes_array
from ollama_rx.operators._partial_json import JsonValue

T_co = TypeVar("T_co", covariant=True)

Validate = Callable[[JsonValue], object]

# Classes that, called with a parsed value, would convert it instead of checking it.
_BUILTIN_TYPES = (bool, int, float, str, list, dict, tuple, set, frozenset)


class SupportsModelValidate(Protocol[T_co]):
    """A class that builds an instance from parsed JSON, such as any pydantic model."""

    def model_validate(self, obj: object, /) -> T_co:
        """Return an instance, or raise an error if the object is not valid."""
        ...


class SupportsValidatePython(Protocol[T_co]):
    """An object that builds values of a type from parsed JSON, such as pydantic's ``TypeAdapter``."""

    def validate_python(self, obj: object, /) -> T_co:
        """Return a value, or raise an error if the object is not valid."""
        ...


class JsonTarget:
    """How a value is validated, and whether it may be an array as a whole."""

    def __init__(self, validate: Validate, schema: Callable[[], Schema] | None = None) -> None:
        self.validate = validate
        self._schema = schema

    @cached_property
    def takes_array(self) -> bool:
        """Whether an array is one value, as for ``list[City]``, and not a list of such values."""
        if self._schema is None:
            return False
        try:
            return takes_array(self._schema())
        except RuntimeError:  # as from pydantic, for types that JSON schemas cannot describe
            return False


def json_target(into: object) -> JsonTarget:
    """Return what the argument ``into`` of `parse_json` stands for.

    Raises:
        TypeError: it cannot validate a parsed value.
        ValueError: it is a JSON schema that is not valid.
        ImportError: it is a JSON schema, and jsonschema-rs is not installed.
    """
    if isinstance(into, Mapping):
        schema = cast("Schema", into)
        return JsonTarget(schema_check(schema), lambda: schema)
    if isclass(into) and (
        is_dataclass(into) or hasattr(into, "_fields")
    ):  # called with the object, it would use it as its first field
        raise TypeError(
            f"into: expected a function of one object, got {into.__name__}, which takes fields; "
            f"into=lambda value: {into.__name__}(**value), or pydantic's TypeAdapter({into.__name__})"
        )
    for validate, schema_of in (("model_validate", "model_json_schema"), ("validate_python", "json_schema")):
        if hasattr(into, validate):
            return JsonTarget(getattr(into, validate), getattr(into, schema_of, None))
    if _is_type(into):
        adapter = type_adapter("into", into)
        return JsonTarget(adapter.validate_python, adapter.json_schema)
    if not callable(into):
        raise wrong_type("into", "a class with model_validate, a type, a JSON schema, or a function", into)
    return JsonTarget(into)


def rejection_reason(error: Exception) -> str:
    """Say in one line why a value was rejected, and where in the value the reason is."""
    raised: Any = error
    if _is_validation_error(error, "pydantic"):
        first = raised.errors()[0]
        return reason_at(first["loc"], first["msg"])
    if _is_validation_error(error, "jsonschema_rs"):
        return mismatch_reason(raised)
    first_line = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first_line}"


def _is_validation_error(error: Exception, library: str) -> bool:
    """Check whether a library raised the error; it has not if it has not even been imported."""
    module: Any = sys.modules.get(library)
    return module is not None and isinstance(error, module.ValidationError)


def _is_type(into: object) -> bool:
    """Check for types that must not be called with a value: ``list[City]``, ``A | B``, ``int``."""
    return (
        is_type_expression(into)
        or hasattr(into, "__required_keys__")  # a TypedDict, also of typing_extensions
        or any(into is kind for kind in _BUILTIN_TYPES)
    )
