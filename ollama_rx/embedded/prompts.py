"""From messages to the token ids of the prompt."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.requests import Plan

_ANY = "x"


class Tokenizer(Protocol):
    """What turning a plan into a prompt needs of the engine."""

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        """Turn chat messages into the model's prompt."""
        ...

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        """Turn text into token ids."""
        ...


def prompt_tokens(engine: Tokenizer, plan: Plan, limit: int) -> list[int]:
    """Return the token ids to answer, cut to less than ``limit``."""
    if plan.raw_prompt is not None:
        ids = engine.tokenize(plan.raw_prompt, start=True, special=True)
    elif plan.context:
        ids = [*plan.context, *engine.tokenize(_next_turn(engine, plan), start=False, special=True)]
    else:
        ids = engine.tokenize(engine.render(plan.messages), start=True, special=True)
    if len(ids) < limit:
        return ids
    if not plan.truncate:
        raise Refusal(400, "the input length exceeds the context length")
    return _cut(ids, limit // 2, plan.settings["n_keep"])


def _next_turn(engine: Tokenizer, plan: Plan) -> str:
    """Render what follows an answer: the end of that answer's turn, then the new turn.

    A context ends with the last token of the answer. What a template writes after an answer shows by
    rendering a conversation with and without it.
    """
    question = [{"role": "user", "content": _ANY}]
    answer = [{"role": "assistant", "content": _ANY}]
    before = engine.render(question) + _ANY
    whole = engine.render([*question, *answer, *plan.messages])
    return whole.removeprefix(before) if whole.startswith(before) else engine.render(plan.messages)


def _cut(ids: list[int], size: int, keep: object) -> list[int]:
    """Keep the first ``keep`` ids and as many of the last as fit: room for an answer must remain."""
    head = min(max(keep, 0), size) if isinstance(keep, int) else 0
    return ids[:head] + ids[len(ids) - (size - head) :]
