"""A complete answer to a request of Ollama's API, one that is not streamed."""

from dataclasses import dataclass
from typing import Self

import orjson

from ollama_rx.protocol.json_fields import JsonObject

_JSON = "application/json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """An HTTP status and a body."""

    status: int
    body: bytes
    content_type: str = _JSON

    @classmethod
    def of(cls, fields: JsonObject) -> Self:
        """Return an answer with a JSON object as its body."""
        return cls(200, orjson.dumps(fields))

    @classmethod
    def error(cls, status: int, reason: str, signin_url: str | None = None) -> Self:
        """Return an error as Ollama sends it."""
        fields = {"error": reason} if signin_url is None else {"error": reason, "signin_url": signin_url}
        return cls(status, orjson.dumps(fields))

    @property
    def is_error(self) -> bool:
        """Whether the request was refused."""
        return self.status >= 400  # noqa: PLR2004 - as HTTP defines
