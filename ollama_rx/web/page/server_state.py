"""What the page needs to know of the server of models: whether it answers, and its models."""

import asyncio
from collections.abc import Iterable
from typing import TypeVar

from reactivex import Observable

from ollama_rx.client import Client
from ollama_rx.delivery.iterate import iterate
from ollama_rx.errors import OllamaError
from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.responses import Model

T = TypeVar("T")

_SECONDS = 10.0  # for all requests together: the page waits for them before it shows the models
_AT_ONCE = 8  # requests


class ServerState:
    """Asks the server; remembers what a model can do, as long as it is the same model.

    Args:
        client: asks.
        name: what the server is called on the page; by default its address.
        model: the default model of the page; by default the first that can answer.
    """

    def __init__(self, client: Client, name: str | None = None, model: str | None = None) -> None:
        self._client = client
        self._name = client.url if name is None else name
        self._model = model
        self._capabilities: dict[tuple[str, str], tuple[str, ...]] = {}  # by name and digest
        self._at_once = asyncio.Semaphore(_AT_ONCE)

    async def read(self) -> JsonObject:
        """Return the state; a server that cannot be reached is a part of it."""
        models: list[JsonObject] = []
        problem = None
        try:
            async with asyncio.timeout(_SECONDS):
                models = await self._models()
        except TimeoutError:
            problem = f"{self._name} does not answer."
        except OllamaError as error:
            problem = str(error)
        is_reachable = problem is None
        if is_reachable and not models:
            problem = f"{self._name} has no models that can answer; `ollama pull llama3.2` fetches one."
        return {
            "server": self._name,
            "reachable": is_reachable,
            "problem": problem,
            "models": models,
            "default_model": self._default(str(model["name"]) for model in models),
        }

    def _default(self, names: Iterable[str]) -> str | None:
        return next(iter(names), None) if self._model is None else self._model

    async def _models(self) -> list[JsonObject]:
        models = [model for model in await _first(self._client.models()) if model.name]
        found = await asyncio.gather(*map(self._capabilities_of, models))
        return [
            {
                "name": model.name,
                "vision": "vision" in can,
                "thinking": "thinking" in can,
                "bytes": model.size,
            }
            for model, can in zip(models, found, strict=True)
            if not can or "completion" in can  # older servers tell nothing
        ]

    async def _capabilities_of(self, model: Model) -> tuple[str, ...]:
        known = self._capabilities.get((model.name, model.digest))
        if known is not None:
            return known
        async with self._at_once:
            try:
                info = await _first(self._client.show(model.name))
            except OllamaError:  # this model is damaged, or was removed in this moment
                return ()
        self._capabilities[model.name, model.digest] = found = tuple(info.capabilities)
        return found


async def _first(stream: Observable[T]) -> T:
    """Return the only item of a stream."""
    (item,) = [item async for item in iterate(stream)]
    return item
