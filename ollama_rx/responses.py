"""The responses of the endpoints that do not stream; each keeps the server's JSON object in ``raw``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ollama_rx.errors import BadJsonError
from ollama_rx.protocol.json_fields import (
    JsonObject,
    list_of,
    number_of,
    object_of,
    objects_of,
    parse_time,
    text_of,
)
from ollama_rx.stats import Metrics

_NEVER_YEAR = 2300  # for "never expires" Ollama sends now plus Go's longest duration, 292 years


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector for each input text, normalised to length one."""

    model: str
    vectors: Sequence[Sequence[float]]
    metrics: Metrics
    raw: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "Embeddings":
        """Read the reply of /api/embed."""
        return cls(text_of(raw.get("model")), list_of(raw.get("embeddings")), Metrics.of(raw), raw)


@dataclass(frozen=True, slots=True)
class Model:
    """A model on the server's disk; ``size`` in bytes.

    ``host`` is the URL of its server if the client has several.
    """

    name: str
    size: int
    digest: str
    modified_at: datetime | None
    details: JsonObject
    raw: JsonObject = field(repr=False, compare=False)
    host: str | None = None

    @classmethod
    def of(cls, raw: JsonObject) -> "Model":
        """Read one item of /api/tags."""
        return cls(
            name=text_of(raw.get("name")) or text_of(raw.get("model")),
            size=number_of(raw.get("size")) or 0,
            digest=text_of(raw.get("digest")),
            modified_at=parse_time(raw.get("modified_at")),
            details=object_of(raw.get("details")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class RunningModel:
    """A model in memory; sizes in bytes, ``expires_at`` is None if it is never unloaded.

    ``host`` is the URL of its server if the client has several.
    """

    name: str
    size: int
    size_vram: int
    expires_at: datetime | None
    context_length: int | None
    raw: JsonObject = field(repr=False, compare=False)
    host: str | None = None

    @classmethod
    def of(cls, raw: JsonObject) -> "RunningModel":
        """Read one item of /api/ps."""
        expires_at = parse_time(raw.get("expires_at"))
        return cls(
            name=text_of(raw.get("name")) or text_of(raw.get("model")),
            size=number_of(raw.get("size")) or 0,
            size_vram=number_of(raw.get("size_vram")) or 0,
            expires_at=None if expires_at is None or expires_at.year >= _NEVER_YEAR else expires_at,
            context_length=number_of(raw.get("context_length")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The details of one model."""

    capabilities: Sequence[str]
    template: str
    system: str
    parameters: str
    details: JsonObject
    model_info: JsonObject
    raw: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "ModelInfo":
        """Read the reply of /api/show."""
        return cls(
            capabilities=tuple(list_of(raw.get("capabilities"))),
            template=text_of(raw.get("template")),
            system=text_of(raw.get("system")),
            parameters=text_of(raw.get("parameters")),
            details=object_of(raw.get("details")),
            model_info=object_of(raw.get("model_info")),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class WebSearchResult:
    """A page that a web search has found, with the part of its content that fits the query."""

    title: str
    url: str
    content: str
    raw: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "WebSearchResult":
        """Read one item of the reply to a web search."""
        return cls(text_of(raw.get("title")), text_of(raw.get("url")), text_of(raw.get("content")), raw)


@dataclass(frozen=True, slots=True)
class WebSearchResults:
    """What a web search has found, the best first."""

    results: Sequence[WebSearchResult]
    raw: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "WebSearchResults":
        """Read the reply to a web search."""
        return cls(tuple(WebSearchResult.of(item) for item in objects_of(raw.get("results"))), raw)


@dataclass(frozen=True, slots=True)
class WebPage:
    """A web page as text, and the addresses that it links to."""

    title: str
    content: str
    links: Sequence[str]
    raw: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "WebPage":
        """Read the reply to a web fetch."""
        links = tuple(link for link in list_of(raw.get("links")) if isinstance(link, str))
        return cls(text_of(raw.get("title")), text_of(raw.get("content")), links, raw)


def embeddings_of(raw: dict[str, Any], texts: int) -> Embeddings:
    """Read the reply of /api/embed to so many texts.

    Raises:
        BadJsonError: it has not as many vectors: those that are there may belong to other texts.
    """
    found = Embeddings.of(raw)
    if len(found.vectors) != texts:
        raise BadJsonError(f"it has {len(found.vectors)} vectors, not {texts}; is a text empty?", partial="")
    return found


def models_of(raw: dict[str, Any]) -> tuple[Model, ...]:
    """Read the reply of /api/tags."""
    return tuple(Model.of(item) for item in objects_of(raw.get("models")))


def running_of(raw: dict[str, Any]) -> tuple[RunningModel, ...]:
    """Read the reply of /api/ps."""
    return tuple(RunningModel.of(item) for item in objects_of(raw.get("models")))
