"""The part of the client that looks after models: pull, create, show, list, delete."""

from collections.abc import Mapping, Sequence
from typing import Any

from reactivex import Observable

from ollama_rx import bodies, replies
from ollama_rx.bodies import MessageLike
from ollama_rx.chunks import Progress
from ollama_rx.endpoints import Endpoints


class Library(Endpoints):
    """The server's models."""

    def pull(self, model: str | None = None, *, insecure: bool | None = None) -> Observable[Progress]:
        """Fetch a model from its library."""
        return self._progress("/api/pull", {"model": self._named(model), "insecure": insecure})

    def push(self, model: str | None = None, *, insecure: bool | None = None) -> Observable[Progress]:
        """Send a model to its library."""
        return self._progress("/api/push", {"model": self._named(model), "insecure": insecure})

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
        bodies.check_text("model", model)
        body = {
            "model": model,
            "from": from_,
            "system": system,
            "template": template,
            "messages": None if messages is None else bodies.messages_field(messages),
            "parameters": parameters,
            "license": license,
            "quantize": quantize,
            "files": files,
            "adapters": adapters,
        }
        return self._progress("/api/create", body)

    def show(self, model: str | None = None, *, verbose: bool | None = None) -> Observable[replies.ModelInfo]:
        """Tell what the server knows about a model."""
        body = {"model": self._named(model), "verbose": verbose}
        return self._one("POST", "/api/show", body, replies.ModelInfo.of)

    def models(self) -> Observable[tuple[replies.Model, ...]]:
        """List the models on the server's disk."""
        return self._one("GET", "/api/tags", None, replies.models_of)

    def running(self) -> Observable[tuple[replies.RunningModel, ...]]:
        """List the models in memory."""
        return self._one("GET", "/api/ps", None, replies.running_of)

    def version(self) -> Observable[str]:
        """Tell the server's version."""
        return self._one("GET", "/api/version", None, lambda raw: str(raw.get("version") or ""))

    def copy(self, source: str, destination: str) -> Observable[None]:
        """Give a model a second name; one item, None."""
        return self._one("POST", "/api/copy", {"source": source, "destination": destination}, _nothing)

    def delete(self, model: str) -> Observable[None]:
        """Delete a model from the server's disk; one item, None."""
        bodies.check_text("model", model)
        return self._one("DELETE", "/api/delete", {"model": model}, _nothing)


def _nothing(_: dict[str, Any]) -> None:
    return None
