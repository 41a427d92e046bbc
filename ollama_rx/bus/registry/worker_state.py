"""What a worker registers about itself."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from ollama_rx.bus.registry.compact_json import pack_object, unpack_object
from ollama_rx.client.hosts.model_names import full_name
from ollama_rx.protocol.json_fields import JsonObject, list_of, number_of, objects_of, text_of

_KEPT = ("name", "model", "modified_at", "size", "digest")  # of a model, without its details

_log = logging.getLogger("ollama_rx.bus")


@dataclass(frozen=True, kw_only=True)
class WorkerState:
    """A worker and its hosts' models: an entry in the bucket ``<namespace>_workers`` with its id as key.

    The entry is a JSON object with the fields below except ``id``, compressed by zlib if it is long (see
    `pack`). A reader ignores fields that it does not know, and takes the default for a field that is missing
    or has another type. The bucket drops an entry that is not renewed.
    """

    id: str
    """Unique for each start of a worker; can be used as a word of a subject."""
    name: str = ""
    """The name shown to people: the user's choice, or that of the machine; need not be unique."""
    version: str = ""
    """The version of Ollama on its host, or on one of them."""
    models: Sequence[JsonObject] = ()
    """The models on the disks of its hosts, each as GET /api/tags lists it."""
    offered: Sequence[str] = ()
    """Models of ollama.com that its hosts can use without listing them; known only once they were shown."""
    running: Sequence[JsonObject] = ()
    """The models in the memory of its hosts, each as GET /api/ps lists it."""
    streams: int = 0
    """How many prompts it is answering now."""
    parallel: int = 1
    """How many prompts it can answer at the same time."""
    problem: str = ""
    """Why its hosts do not answer, in which case it has no models; empty if they answer."""

    @cached_property
    def model_names(self) -> frozenset[str]:
        """The full names of its models."""
        listed = map(name_of, self.models)
        return frozenset(map(full_name, (*listed, *self.offered)))

    def has_model(self, name: str) -> bool:
        """Return whether it has a model, whichever of its names is given."""
        return full_name(name) in self.model_names

    def encode(self, most_bytes: int) -> bytes:
        """Return the entry, in at most ``most_bytes`` bytes if leaving out models is enough.

        If it does not fit, the details of the models are left out, and then the models that are listed last.
        """
        entry = self._entry(self.models)
        if len(entry) <= most_bytes:
            return entry
        models = [_without_details(model) for model in self.models]
        while len(entry := self._entry(models)) > most_bytes and models:
            models = models[: len(models) // 2]
        if len(models) < len(self.models):
            _log.warning(
                "worker %s: only %d of %d models fit into a message of %d bytes; raise max_payload",
                self.name,
                len(models),
                len(self.models),
                most_bytes,
            )
        return entry

    def _entry(self, models: Sequence[JsonObject]) -> bytes:
        return pack_object(
            {
                "name": self.name,
                "version": self.version,
                "models": models,
                "offered": self.offered,
                "running": self.running,
                "streams": self.streams,
                "parallel": self.parallel,
                "problem": self.problem,
            }
        )

    @classmethod
    def decode(cls, worker: str, entry: bytes) -> Self:
        """Read the entry of a worker.

        Raises:
            ValueError: the entry is not a JSON object.
        """
        fields = unpack_object(entry)
        return cls(
            id=worker,
            name=text_of(fields.get("name")),
            version=text_of(fields.get("version")),
            models=_models(fields.get("models")),
            offered=tuple(name for name in list_of(fields.get("offered")) if text_of(name)),
            running=_models(fields.get("running")),
            streams=number_of(fields.get("streams")) or 0,
            parallel=number_of(fields.get("parallel")) or 1,
            problem=text_of(fields.get("problem")),
        )


def name_of(model: JsonObject) -> str:
    """Return the name of a model as /api/tags or /api/ps lists it, or "" if it has none."""
    return text_of(model.get("name")) or text_of(model.get("model"))


def _models(value: object) -> tuple[JsonObject, ...]:
    return tuple(model for model in objects_of(value) if name_of(model))


def _without_details(model: JsonObject) -> JsonObject:
    return {field: model[field] for field in _KEPT if field in model}
