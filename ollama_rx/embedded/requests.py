"""What an Ollama request asks for, in terms the engine understands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

from ollama_rx.embedded.fields import Fields, parse_object
from ollama_rx.embedded.options import read_format, read_keep_alive, read_options
from ollama_rx.embedded.refusal import Refusal

_MAX_TOP_LOGPROBS = 20
_MAX_TOKEN = 2**31 - 1  # llama.cpp's ids have 32 bits, and it drops what is above
_THINK_LEVELS = ("high", "medium", "low", "max")

Turn = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One request, checked."""

    kind: Literal["generate", "chat"]
    messages: Sequence[Turn]
    raw_prompt: str | None = None
    context: Sequence[int] | None = None
    only: Literal["load", "unload"] | None
    stream: bool
    keep_alive: float | None
    truncate: bool
    top_logprobs: int | None
    settings: dict[str, object]


def read_generate(body: bytes, model: str, parameters: Mapping[str, object]) -> Plan:
    """Check the body of ``POST /api/generate``; ``parameters`` are the model's own defaults."""
    fields = Fields(parse_object(body, "GenerateRequest"), "GenerateRequest")
    prompt, system = fields.text("prompt"), fields.text("system")
    context, raw = fields.integers("context"), fields.flag("raw", default=False)
    if not all(0 <= token <= _MAX_TOKEN for token in context or ()):
        raise Refusal(400, "Prompt contains invalid tokens")
    template = fields.text("template")
    if raw and (template or system or context):
        raise Refusal(400, "raw mode does not support template, system, or context")
    if template:
        raise Refusal(400, "the embedded model does not support `template`: it uses the one in its file")
    if fields.text("suffix"):
        raise Refusal(400, f"{model} does not support insert")
    _refuse_images(fields, model)
    turns: list[Turn] = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": prompt})
    raw_prompt = prompt if raw else None
    plan = _plan(fields, model, "generate", turns, parameters, empty=not prompt)
    return replace(plan, raw_prompt=raw_prompt, context=context)


def read_chat(body: bytes, model: str, parameters: Mapping[str, object]) -> Plan:
    """Check the body of ``POST /api/chat``; ``parameters`` are the model's own defaults."""
    fields = Fields(parse_object(body, "ChatRequest"), "ChatRequest")
    if fields.array("tools"):
        raise Refusal(400, f"{model} does not support tools")
    turns = [_turn(fields, message, model) for message in fields.array("messages") or ()]
    return _plan(fields, model, "chat", turns, parameters, empty=not turns)


def read_model(body: bytes, struct: str) -> str:
    """Read the model's name of any request; older clients call it `name`."""
    fields = Fields(parse_object(body, struct), struct)
    return fields.text("model") or fields.text("name")


def read_pull(body: bytes) -> tuple[str, bool]:
    """Read the name to pull and whether the progress is streamed."""
    fields = Fields(parse_object(body, "PullRequest"), "PullRequest")
    return fields.text("model") or fields.text("name"), fields.flag("stream", default=True)


def _turn(fields: Fields, message: object, model: str) -> Turn:
    if not isinstance(message, dict):
        raise fields.mistyped("messages", message, "api.Message")
    parts = Fields(cast("dict[str, object]", message), "ChatRequest.messages")
    _refuse_images(parts, model)
    return {"role": parts.text("role").lower(), "content": parts.text("content")}


def _refuse_images(fields: Fields, model: str) -> None:
    if fields.array("images"):
        raise Refusal(400, f"{model} does not support vision")


def _plan(
    fields: Fields,
    model: str,
    kind: Literal["generate", "chat"],
    turns: Sequence[Turn],
    parameters: Mapping[str, object],
    *,
    empty: bool,
) -> Plan:
    _check_think(fields.raw("think"), model)
    keep_alive = read_keep_alive(fields.raw("keep_alive"))
    return Plan(
        kind=kind,
        messages=turns,
        only=("unload" if keep_alive == 0 else "load") if empty else None,
        stream=fields.flag("stream", default=True),
        keep_alive=keep_alive,
        truncate=fields.flag("truncate", default=True),
        top_logprobs=_top_logprobs(fields),
        settings=read_options(fields.mapping("options"), parameters) | read_format(fields.raw("format")),
    )


def _check_think(think: object, model: str) -> None:
    if think in (None, False):
        return
    if think is not True and think not in _THINK_LEVELS:
        raise Refusal(
            400, f'invalid think value: "{think}" (must be "high", "medium", "low", "max", true, or false)'
        )
    raise Refusal(400, f'"{model}" does not support thinking')


def _top_logprobs(fields: Fields) -> int | None:
    top = fields.integer("top_logprobs")
    if not 0 <= top <= _MAX_TOP_LOGPROBS:
        raise Refusal(400, "top_logprobs must be between 0 and 20")
    return top if fields.flag("logprobs", default=False) else None
