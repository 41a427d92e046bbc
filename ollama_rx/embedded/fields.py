"""A request body, read as strictly as Ollama reads it and refused in its words."""

from collections.abc import Mapping
from typing import cast

import orjson

from ollama_rx.embedded.refusal import Refusal

_GO_TYPES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "int",
    list: "[]api.Message",
    dict: "map[string]interface {}",
}
_JSON_NAMES: dict[type, str] = {
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}


def parse_object(body: bytes, struct: str) -> dict[str, object]:
    """Parse a request body that must be a JSON object."""
    if not body.strip():
        raise Refusal(400, "missing request body")
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        text = body.decode("utf-8", "replace")
        if error.pos >= len(text.rstrip()):
            raise Refusal(400, "unexpected EOF") from error
        shown = text[error.pos]
        raise Refusal(400, f"invalid character '{shown}' looking for beginning of value") from error
    if not isinstance(value, dict):
        raise Refusal(
            400, f"json: cannot unmarshal {_JSON_NAMES[type(value)]} into Go value of type api.{struct}"
        )
    return cast("dict[str, object]", value)


class Fields:
    """Typed access to the fields of one JSON object; null and absent are the same."""

    def __init__(self, values: Mapping[str, object], struct: str) -> None:
        self._values = values
        self._struct = struct

    def raw(self, name: str) -> object:
        """Return a field as it is."""
        return self._values.get(name)

    def text(self, name: str) -> str:
        """Return a string, by default empty."""
        return cast(str, self._typed(name, str) or "")

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self._typed(name, bool)
        return default if value is None else cast(bool, value)

    def integer(self, name: str) -> int:
        """Return an integer, by default 0."""
        return cast(int, self._typed(name, int) or 0)

    def mapping(self, name: str) -> dict[str, object]:
        """Return an object, by default empty."""
        return cast("dict[str, object]", self._typed(name, dict) or {})

    def array(self, name: str) -> list[object] | None:
        """Return an array, or None."""
        return cast("list[object] | None", self._typed(name, list))

    def integers(self, name: str) -> list[int] | None:
        """Return an array of integers, or None."""
        values = self.array(name)
        for value in values or ():
            if type(value) is not int:
                raise self.mistyped(name, value, "int")
        return cast("list[int] | None", values)

    def mistyped(self, name: str, value: object, go_type: str) -> Refusal:
        """Build the refusal of a value of the wrong type."""
        return Refusal(
            400,
            f"json: cannot unmarshal {_JSON_NAMES[type(value)]} into Go struct field "
            f"{self._struct}.{name} of type {go_type}",
        )

    def _typed(self, name: str, kind: type) -> object:
        value = self._values.get(name)
        if value is not None and type(value) is not kind:
            raise self.mistyped(name, value, _GO_TYPES[kind])
        return value
