"""The part of the client that looks after models: pull, create, show, list, delete."""

from collections.abc import Mapping, Sequence
from typing import Any

from reactivex import Observable

from ollama_rx.chunks import Progress
from ollama_rx.endpoints import Endpoints
from ollama_rx.fields import text_of
from ollama_rx.replies import Model, ModelInfo, RunningModel, models_of, running_of
from ollama_rx.requests.checks import check_text, flags, mapping_field, texts, texts_of
from ollama_rx.requests.messages import MessageLike, messages_field


class Library(Endpoints):
    """The server's models."""

    def pull(self, model: str | None = None, *, insecure: bool | None = None) -> Observable[Progress]:
        """Fetch a model from its library."""
        return self._progress("/api/pull", {"model": self._named(model), **flags(insecure=insecure)})

    def push(self, model: str | None = None, *, insecure: bool | None = None) -> Observable[Progress]:
        """Send a model to its library."""
        return self._progress("/api/push", {"model": self._named(model), **flags(insecure=insecure)})

    def create(
        self,
        model: str,
        *,
        from_: str | None = None,
        system: str | None = None,
        template: str | None = None,
        messages: Sequence[MessageLike] | None = None,
        parameters: Mapping[str, Any] | None = None,
        license: str | Sequence[str] | None = None,  # noqa: A002 - the wire's own name
        quantize: str | None = None,
        files: Mapping[str, str] | None = None,
        adapters: Mapping[str, str] | None = None,
    ) -> Observable[Progress]:
        """Make a model from another one (``from_``) or from files already on the server (name: digest)."""
        check_text("model", model)
        body = {
            "model": model,
            "from": texts(from_=from_)["from_"],
            **texts(system=system, template=template, quantize=quantize),
            "messages": None if messages is None else messages_field(messages),
            "parameters": mapping_field("parameters", parameters),
            "license": None if license is None else texts_of("license", license),
            "files": mapping_field("files", files),
            "adapters": mapping_field("adapters", adapters),
        }
        return self._progress("/api/create", body)

    def show(self, model: str | None = None, *, verbose: bool | None = None) -> Observable[ModelInfo]:
        """Tell what the server knows about a model."""
        body = {"model": self._named(model), **flags(verbose=verbose)}
        return self._one("POST", "/api/show", body, ModelInfo.of)

    def models(self) -> Observable[tuple[Model, ...]]:
        """List the models on the server's disk."""
        return self._one("GET", "/api/tags", None, models_of)

    def running(self) -> Observable[tuple[RunningModel, ...]]:
        """List the models in memory."""
        return self._one("GET", "/api/ps", None, running_of)

    def version(self) -> Observable[str]:
        """Tell the server's version."""
        return self._one("GET", "/api/version", None, lambda raw: text_of(raw.get("version")))

    def copy(self, source: str, destination: str) -> Observable[None]:
        """Give a model a second name; one item, None."""
        check_text("source", source)
        check_text("destination", destination)
        return self._nothing("POST", "/api/copy", {"source": source, "destination": destination})

    def delete(self, model: str) -> Observable[None]:
        """Delete a model from the server's disk; one item, None."""
        check_text("model", model)
        return self._nothing("DELETE", "/api/delete", {"model": model})
