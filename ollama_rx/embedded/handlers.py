"""The requests that need the engine or the network, handled in a worker thread: answer a prompt, pull."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.engine import CONTEXT_TOKENS, Engine, EngineEvent
from ollama_rx.embedded.model_cache import ModelLease, RequestCancelledError
from ollama_rx.embedded.parsed_request import ParsedRequest
from ollama_rx.embedded.reply_lines import AnswerWriter, load_reply
from ollama_rx.embedded.weights import SMOLLM2, fetch_weights, sha256_of
from ollama_rx.errors import EmbeddedModelError
from ollama_rx.protocol.go_json import encode
from ollama_rx.rx.mailbox import Mailbox

_ANY_TEXT = "x"
_MOST_CHARACTERS = 32  # that a token has; few have more
_DIGEST = f"sha256:{SMOLLM2.sha256}"
_PULLING = f"pulling {SMOLLM2.sha256[:12]}"


def answer(request: ParsedRequest, model: str, lease: ModelLease, lines: Mailbox[bytes]) -> None:
    """Answer ``/api/generate`` or ``/api/chat``: wait for a slot, read the prompt, write the answer.

    Closing the mailbox stops it at any point.
    """
    started = time.perf_counter_ns()
    try:
        loaded = lease.model(lambda: lines.ended)
    except RequestCancelledError:
        return
    if request.action == "unload":
        loaded.unload()
        lines.put(load_reply(request, model))
        return
    engine = loaded.acquire_slot(lambda: lines.ended)
    if engine is None:
        return
    try:
        if request.action == "load":
            lines.put(load_reply(request, model))
        else:
            _compute(request, model, engine, lines, started)
    finally:
        loaded.release_slot(request.keep_alive)


def _compute(request: ParsedRequest, model: str, engine: Engine, lines: Mailbox[bytes], started: int) -> None:
    loaded = time.perf_counter_ns()
    prompt = prompt_tokens(engine, request, CONTEXT_TOKENS)
    writer = AnswerWriter(request, model)

    def on_event(event: EngineEvent) -> bool:
        line = writer.feed(event)
        if line is not None:
            lines.put(line)
        return lines.ended

    completion: dict[str, object] = {**request.settings, "prompt": prompt}
    if request.top_logprobs is not None:
        completion["logprobs"] = max(1, request.top_logprobs)
    engine.complete(completion, on_event)
    if lines.ended:
        return
    if not writer.complete:
        raise ApiError(500, "the embedded model stopped without a reason")
    context = None
    if request.kind == "generate" and request.raw_prompt is None:
        context = [*prompt, *engine.tokenize(writer.text, start=False, special=False)]
    total = time.perf_counter_ns() - started
    lines.put(writer.finish(total_ns=total, load_ns=loaded - started, context=context))


class Tokenizer(Protocol):
    """The part of the engine that turns messages into token ids."""

    def render(self, messages: Sequence[Mapping[str, object]]) -> str:
        """Turn chat messages into the model's prompt."""
        ...

    def tokenize(self, text: str, *, start: bool, special: bool) -> list[int]:
        """Turn text into token ids."""
        ...


def prompt_tokens(engine: Tokenizer, request: ParsedRequest, limit: int) -> list[int]:
    """Return the token ids of the prompt, truncated to fewer than ``limit``."""
    if request.raw_prompt is not None:
        ids = _tokenize(engine, request.raw_prompt, limit, start=True)
    elif request.context:
        ids = [*request.context, *_tokenize(engine, _next_turn(engine, request), limit, start=False)]
    else:
        ids = _tokenize(engine, engine.render(request.messages), limit, start=True)
    if len(ids) < limit:
        return ids
    if not request.truncate:
        raise ApiError(400, "the input length exceeds the context length")
    return _truncate(ids, limit // 2, request.settings["n_keep"])


def _tokenize(engine: Tokenizer, text: str, limit: int, *, start: bool) -> list[int]:
    """Return the token ids of a text; for one that cannot fit, those of its middle may be missing.

    Megabytes would take seconds, in which nothing can stop the engine, for tokens that are dropped again.
    """
    part = limit * _MOST_CHARACTERS
    if len(text) > 2 * part:
        ids = engine.tokenize(text[:part] + text[-part:], start=start, special=True)
        if len(ids) >= limit:
            return ids
    return engine.tokenize(text, start=start, special=True)


def _next_turn(engine: Tokenizer, request: ParsedRequest) -> str:
    """Render the text that follows an answer: the end of that answer's turn, then the new turn.

    A context ends with the last token of the answer. To find what the template writes after an answer, a
    conversation is rendered with and without one.
    """
    question = [{"role": "user", "content": _ANY_TEXT}]
    reply = [{"role": "assistant", "content": _ANY_TEXT}]
    before = engine.render(question) + _ANY_TEXT
    whole = engine.render([*question, *reply, *request.messages])
    return whole.removeprefix(before) if whole.startswith(before) else engine.render(request.messages)


def _truncate(ids: list[int], size: int, keep: object) -> list[int]:
    """Keep the first ``keep`` ids and as many of the last as fit, so that there is room for an answer."""
    head = min(max(keep, 0), size) if isinstance(keep, int) else 0
    return ids[:head] + ids[len(ids) - (size - head) :]


def pull(weights: Path | None, lines: Mailbox[bytes], *, refusal: str, stream: bool) -> None:
    """Answer ``/api/pull``: fetch the weights unless they are in the cache; closing the mailbox stops it.

    Args:
        weights: the user's own, which need not be fetched.
        lines: where to put the answer.
        refusal: why the model that was asked for cannot be pulled, "" if it can.
        stream: whether the answer reports the progress.
    """

    def send(status: str, **figures: object) -> None:
        if stream:
            lines.put(encode({"status": status, **figures}) + b"\n")

    reported = False

    def report(done: int, total: int) -> None:
        nonlocal reported
        if lines.ended:
            raise RequestCancelledError
        reported = True
        send(_PULLING, digest=_DIGEST, total=total, **({"completed": done} if done else {}))

    send("pulling manifest")
    if refusal:
        raise ApiError(500, refusal)
    try:
        path = weights or fetch_weights(report)
    except EmbeddedModelError as error:
        raise ApiError(500, str(error)) from error
    if not reported:  # nothing had to be fetched
        digest, size = sha256_of(path), path.stat().st_size
        send(f"pulling {digest[:12]}", digest=f"sha256:{digest}", total=size, completed=size)
    send("verifying sha256 digest")
    send("writing manifest")
    lines.put(encode({"status": "success"}) + (b"\n" if stream else b""))
