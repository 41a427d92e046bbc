"""One request's way through the engine, in a thread: wait in line, read the prompt, write the answer."""

import time

from ollama_rx.embedded.engine import CONTEXT_TOKENS, Engine, Event
from ollama_rx.embedded.pipe import Pipe
from ollama_rx.embedded.prompts import prompt_tokens
from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.replies import Reply, load_reply
from ollama_rx.embedded.requests import Plan
from ollama_rx.embedded.tenancy import GaveUpError, Tenancy


def answer(plan: Plan, model: str, tenancy: Tenancy, pipe: Pipe) -> None:
    """Answer a request line by line; closing the pipe stops it, wherever it is."""
    started = time.perf_counter_ns()
    try:
        residence = tenancy.residence(lambda: pipe.closed)
    except GaveUpError:
        return
    if plan.only == "unload":
        residence.unload()
        pipe.put(load_reply(plan, model))
        return
    engine = residence.enter(lambda: pipe.closed)
    if engine is None:
        return
    try:
        if plan.only == "load":
            pipe.put(load_reply(plan, model))
        else:
            _compute(plan, model, engine, pipe, started)
    finally:
        residence.leave(plan.keep_alive)


def _compute(plan: Plan, model: str, engine: Engine, pipe: Pipe, started: int) -> None:
    loaded = time.perf_counter_ns()
    prompt = prompt_tokens(engine, plan, CONTEXT_TOKENS)
    reply = Reply(plan, model)

    def on_event(event: Event) -> bool:
        line = reply.feed(event)
        return pipe.closed or (line is not None and not pipe.put(line))

    request: dict[str, object] = {**plan.settings, "prompt": prompt}
    if plan.top_logprobs is not None:
        request["logprobs"] = max(1, plan.top_logprobs)
    engine.complete(request, on_event)
    if pipe.closed:
        return
    if not reply.complete:
        raise Refusal(500, "the embedded model stopped without a reason")
    context = None
    if plan.kind == "generate" and plan.raw_prompt is None:
        context = [*prompt, *engine.tokenize(reply.text, start=False, special=False)]
    total = time.perf_counter_ns() - started
    pipe.put(reply.finish(total_ns=total, load_ns=loaded - started, context=context))
