"""What the one-shot endpoints answer; every reply keeps the server's object in ``raw``."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ollama_rx.chunks import JsonObject, parse_time
from ollama_rx.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector for each input, of length one."""

    model: str
    vectors: Sequence[Sequence[float]]
    metrics: Metrics
    raw: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "Embeddings":
        """Read the reply of /api/embed."""
        return cls(raw.get("model") or "", raw.get("embeddings") or (), Metrics.of(raw), raw)


@dataclass(frozen=True, slots=True)
class Model:
    """A model on the server's disk; ``size`` in bytes."""

    name: str
    size: int
    digest: str
    modified_at: datetime | None
    details: JsonObject
    raw: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "Model":
        """Read one item of /api/tags."""
        return cls(
            name=raw.get("name") or raw.get("model") or "",
            size=raw.get("size") or 0,
            digest=raw.get("digest") or "",
            modified_at=parse_time(raw.get("modified_at") or ""),
            details=raw.get("details") or {},
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class RunningModel:
    """A model in memory; sizes in bytes, ``expires_at`` None if it stays for ever."""

    name: str
    size: int
    size_vram: int
    expires_at: datetime | None
    context_length: int | None
    raw: JsonObject = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: JsonObject) -> "RunningModel":
        """Read one item of /api/ps."""
        return cls(
            name=raw.get("name") or raw.get("model") or "",
            size=raw.get("size") or 0,
            size_vram=raw.get("size_vram") or 0,
            expires_at=parse_time(raw.get("expires_at") or ""),
            context_length=raw.get("context_length"),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the server knows about one model."""

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
            capabilities=raw.get("capabilities") or (),
            template=raw.get("template") or "",
            system=raw.get("system") or "",
            parameters=raw.get("parameters") or "",
            details=raw.get("details") or {},
            model_info=raw.get("model_info") or {},
            raw=raw,
        )


def models_of(raw: dict[str, Any]) -> tuple[Model, ...]:
    """Read the reply of /api/tags."""
    return tuple(Model.of(item) for item in raw.get("models") or ())


def running_of(raw: dict[str, Any]) -> tuple[RunningModel, ...]:
    """Read the reply of /api/ps."""
    return tuple(RunningModel.of(item) for item in raw.get("models") or ())
