"""What is kept of a request and of its response."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self, cast

import orjson

End = Literal["complete", "broken", "left"]
"""How a response ended: as a whole, by an error, or because its reader left."""

_KNOWN_PATH: Final = re.compile(r".*(/(?:api|v1)/.*)")  # the last one: a host's prefix may contain /api/ too
_SECRETS: Final = ("username", "password")
"""Fields with which old versions of Ollama log in to a registry. Go ignores the case of their letters."""
_SECRET_TEXT: Final = re.compile(
    rf'("(?:{"|".join(_SECRETS)})"\s*:\s*")(?:[^"\\]|\\.)*', re.IGNORECASE | re.DOTALL
)


def is_upload(path: str) -> bool:
    """Check whether the body of a request to this path is a file, which is neither kept nor compared."""
    return "/api/blobs/" in path


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request, without what may contain keys: its headers, the query, and the prefix of a host's paths."""

    method: str
    path: str
    body: object = None
    """JSON values; text if the body is not JSON, or nested too deeply; None without a body that is kept."""

    @classmethod
    def of(cls, method: str, path: str, body: bytes | None) -> Self:
        """Keep of a request what a cassette has of it.

        >>> RecordedRequest.of("POST", "/ollama/api/chat?key=1", b'{"model": "m"}')
        RecordedRequest(method='POST', path='/api/chat', body={'model': 'm'})
        """
        path = path.partition("?")[0]
        known = _KNOWN_PATH.match(path)
        root = "/" if path.endswith("/") else path  # the only path of Ollama's without either
        return cls(method, known[1] if known else root, _without_secrets(_parsed(body)))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def _parsed(body: bytes | None) -> object:
    if not body:
        return None
    try:
        value: object = orjson.loads(body)
        orjson.dumps([value])  # refuses what is nested too deeply to be written
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return body.decode(errors="replace")
    return value


def _without_secrets(body: object) -> object:
    if isinstance(body, str):
        return _SECRET_TEXT.sub(r"\1", body)
    if not isinstance(body, dict):
        return body
    fields = cast("Mapping[str, object]", body)
    return {name: value for name, value in fields.items() if name.lower() not in _SECRETS}


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """A line of a response with its line break, or what there was of it at the end."""

    ms: float
    """Milliseconds since the request."""
    content: bytes


@dataclass(slots=True)
class RecordedExchange:
    """A request and its response. Times are milliseconds since the request."""

    request: RecordedRequest
    status: int | None = None
    """None if the request was never answered."""
    content_type: str | None = None
    head_ms: float = 0.0
    lines: list[RecordedLine] = field(default_factory=list[RecordedLine])
    end: End = "left"
    end_ms: float = 0.0
    error: str = ""
    """The class of httpx's error that ended a broken response."""
    reason: str = ""
    """Its message."""

    def at_speed(self, speed: float | None) -> "RecordedExchange":
        """Return the exchange with its times divided by ``speed``; None: with none at all."""

        def scaled(ms: float) -> float:
            return 0.0 if speed is None else ms / speed

        return replace(
            self,
            head_ms=scaled(self.head_ms),
            lines=[RecordedLine(scaled(line.ms), line.content) for line in self.lines],
            end_ms=scaled(self.end_ms),
        )


@dataclass(frozen=True, slots=True)
class Recording:
    """What is in a cassette."""

    has_texts: bool
    """Whether prompts and answers are in it; otherwise each of their letters is an x."""
    exchanges: list[RecordedExchange]

    def at_speed(self, speed: float | None) -> "Recording":
        """Return the recording with its times divided by ``speed``; None: with none at all."""
        return replace(self, exchanges=[exchange.at_speed(speed) for exchange in self.exchanges])
