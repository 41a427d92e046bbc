"""How many tokens of a model's context a conversation uses, and how many there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from reactivex import Observable, of
from reactivex import operators as rx

from ollama_rx.chunks import Message
from ollama_rx.client import Client
from ollama_rx.protocol.json_fields import number_of
from ollama_rx.responses import ModelInfo, RunningModel
from ollama_rx.stats import Metrics


class TokenCount:
    """Counts the tokens of a conversation's requests, and notices when the server drops messages.

    A server does not say so when a history no longer fits: it leaves out the oldest messages. But then the
    prompt has fewer tokens than one with fewer messages had. Only the first requests of turns are compared,
    because the later ones hold thinking that templates leave out as soon as the user speaks again; and only
    if the one before is the beginning of the next, which it is not after ``trim``, ``heard`` and ``undo``.

    Source: https://github.com/ollama/ollama/blob/main/server/prompt.go
    """

    def __init__(self, used: int | None = None) -> None:
        self.used = used
        """The tokens of the last prompt and its answer, as far as the server has told."""
        self.cut_by_server = False
        """Whether the server has left messages out of the last prompt."""
        self._sent: tuple[Message, ...] = ()  # by the last first request of a turn
        self._longest = 0  # tokens of a prompt, among those that begin as that one does

    def add(self, sent: Sequence[Message], metrics: Metrics | None, *, first_round: bool) -> None:
        """Count a request and its answer, unless the server did not count them."""
        if metrics is None or metrics.prompt_eval_count is None:
            return
        tokens = metrics.prompt_eval_count
        self.used = tokens + (metrics.eval_count or 0)
        if first_round:
            has_grown = tuple(sent[: len(self._sent)]) == self._sent
            self.cut_by_server = has_grown and tokens < self._longest
            self._longest = max(tokens, self._longest if has_grown else 0)
            self._sent = tuple(sent)


def find_tokens_limit(
    client: Client, model: str, options: Mapping[str, Any] | None
) -> Observable[int | None]:
    """Emit the size of a model's context in tokens, or None if the server does not tell.

    That is ``num_ctx`` of the options, or else the size with which the model was loaded, so ask while it is
    in memory, or else the largest size that it can have.
    """
    limit = number_of((options or {}).get("num_ctx"))
    if limit is not None:
        return of(limit)

    def largest_unless(loaded: int | None) -> Observable[int | None]:
        return client.show(model).pipe(rx.map(_largest_context)) if loaded is None else of(loaded)

    def unknown(_: Exception, __: Observable[int | None]) -> Observable[int | None]:
        return of(None)

    def loaded(running: Sequence[RunningModel]) -> int | None:
        return _loaded_context(running, model)

    return client.running().pipe(rx.map(loaded), rx.flat_map(largest_unless), rx.catch(unknown))


def _loaded_context(running: Sequence[RunningModel], model: str) -> int | None:
    """Return the smallest context with which a model was loaded; on several hosts they may differ."""
    name = _full_name(model)
    sizes = [one.context_length for one in running if _full_name(one.name) == name]
    return min((size for size in sizes if size is not None), default=None)


def _full_name(model: str) -> str:
    """Return a model's name with its tag, as the server has it."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def _largest_context(info: ModelInfo) -> int | None:
    sizes = (number_of(value) for name, value in info.model_info.items() if name.endswith(".context_length"))
    return next(sizes, None)
