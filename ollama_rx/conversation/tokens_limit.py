"""The size of the model's context, asked for while the model answers."""

from collections.abc import Sequence

from reactivex import Observable, of
from reactivex import operators as rx
from reactivex.abc import DisposableBase
from reactivex.disposable import Disposable

from ollama_rx.client import Client
from ollama_rx.client.bodies import Options, options_field
from ollama_rx.client.hosts.model_names import full_name
from ollama_rx.protocol.json_fields import number_of
from ollama_rx.responses import ModelInfo, RunningModel


class TokensLimit:
    """Knows the limit from the options, or asks the server once."""

    def __init__(self, client: Client, options: Options | None) -> None:
        self.value = number_of((options_field(options) or {}).get("num_ctx"))
        """The limit; None as long as it is not known, and if the server does not tell."""
        self._client = client
        self._is_known = self.value is not None

    def ask(self, model: str) -> DisposableBase:
        """Ask for the limit of a model that is in memory, unless it is known; return what ends that."""
        if self._is_known:
            return Disposable()
        return find_tokens_limit(self._client, model).subscribe(self._set)

    def _set(self, value: int | None) -> None:
        self.value = value
        self._is_known = True


def find_tokens_limit(client: Client, model: str) -> Observable[int | None]:
    """Emit the size of a model's context in tokens, or None if the server does not tell.

    That is the size with which the model was loaded, so ask while it is in memory, or else the largest size
    that it can have.
    """

    def largest_unless(loaded: int | None) -> Observable[int | None]:
        return client.show(model).pipe(rx.map(_largest_context)) if loaded is None else of(loaded)

    def unknown(_: Exception, __: Observable[int | None]) -> Observable[int | None]:
        return of(None)

    def loaded(running: Sequence[RunningModel]) -> int | None:
        return _loaded_context(running, model)

    return client.running().pipe(rx.map(loaded), rx.flat_map(largest_unless), rx.catch(unknown))


def _loaded_context(running: Sequence[RunningModel], model: str) -> int | None:
    """Return the smallest context with which a model was loaded; on several hosts they may differ."""
    name = full_name(model)
    sizes = [one.context_length for one in running if full_name(one.name) == name]
    return min((size for size in sizes if size is not None), default=None)


def _largest_context(info: ModelInfo) -> int | None:
    sizes = (number_of(value) for name, value in info.model_info.items() if name.endswith(".context_length"))
    return next(sizes, None)
