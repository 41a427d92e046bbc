"""Script the answers of generate, chat and long tasks: `answer("Hello", pause(1), context=[1, 2])`."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from ollama_rx.arguments import check_seconds
from ollama_rx.protocol.go_json import encode
from ollama_rx.testing.server.observed import Request
from ollama_rx.testing.server.parts import Endless, Part, Raw
from ollama_rx.testing.server.reply import JSON, Reply
from ollama_rx.testing.server.steps import Cut, Gate, Pause, Step, Until

Ending = Literal["done", "reason_only", "none"]
_ScriptPart = Part | Raw | Endless | Pause | Gate | Cut

_TOKEN_NANOSECONDS = 20_000_000  # the metrics pretend 50 tokens a second


def answer(
    *parts: str | _ScriptPart,
    final: str | Part = "",
    context: Sequence[int] | None = None,
    metrics: bool | Mapping[str, int] = True,
    done_reason: str | None = "stop",
    ending: Ending = "done",
    model: str | None = None,
    extra: Mapping[str, object] | None = None,
    every: float = 0.0,
) -> Reply:
    """Stream an answer, in the shape of generate or chat, whichever the request asks for.

    ::

        answer("Hello", " world")                     two lines of text and the last line with its metrics
        answer(pause(3), "Hello")                     nothing for three seconds, headers held back
        answer("Hel", midstream_error("out of memory"))
        answer("Hel", cut())                          the connection breaks
        answer("Hel", ending="none")                  a complete body without a last line

    Args:
        *parts: text (one line each, "" too), `thinking`, `tool_call`, `piece`, `line`, `raw`, `endless`,
            `pause`, a `Gate`, `cut`, `midstream_error`.
        final: content of the last line.
        context: token ids for the last line; sent on generate only, as Ollama does. A long context makes a
            last line of megabytes.
        metrics: True for all six, False for none, or a mapping of your own (cloud models send three).
        done_reason: "stop", "length" or any other; None leaves it out, as old servers do.
        ending: "done"; "reason_only" for a last line with `done_reason` that is not `done`; "none" for no
            last line.
        model: the model name in the lines; by default the one in the request.
        extra: fields that no client expects, added to every line.
        every: seconds from one part to the next, and from one text of `endless()` to the next unless that
            has its own; the pace does not drift.

    If the request has `"stream": false`, all of it comes in one JSON object, as from Ollama; an error in the
    stream is then the status of the reply.
    """
    check_seconds("every", every, zero=True)
    script = _Script(
        parts=tuple(Part(it) if isinstance(it, str) else it for it in parts),
        final=Part(final) if isinstance(final, str) else final,
        context=None if context is None else list(context),
        metrics=metrics,
        done_reason=done_reason,
        ending=ending,
        model=model,
        extra=dict(extra or {}),
        every=every,
    )
    return Reply(script.steps)


def loaded(reason: Literal["load", "unload"] = "load") -> Reply:
    """Answer as Ollama does to an empty prompt: one JSON document, done, without text."""
    return Reply(
        lambda request: [encode(_build_line(request, Part(), last={"done": True, "done_reason": reason}))],
        content_type=JSON,
        framing="length",
    )


def progress(*statuses: str | Mapping[str, object], success: bool = True, every: float = 0.0) -> Reply:
    """Stream the progress of pull, push or create: text is a bare status, a mapping is the whole line."""
    check_seconds("every", every, zero=True)
    values: list[Mapping[str, object]] = [{"status": it} if isinstance(it, str) else it for it in statuses]
    if success:
        values.append({"status": "success"})

    def steps(_request: Request) -> Iterator[Step]:
        for count, value in enumerate(values):
            if every:
                yield Until(count * every)
            yield encode(value) + b"\n"

    return Reply(steps)


@dataclass(frozen=True, slots=True)
class _Script:
    parts: tuple[_ScriptPart, ...]
    final: Part
    context: list[int] | None
    metrics: bool | Mapping[str, int]
    done_reason: str | None
    ending: Ending
    model: str | None
    extra: Mapping[str, object]
    every: float

    def steps(self, request: Request) -> Iterator[Step]:
        lines = 0
        for count, part in enumerate(self.parts):
            if count and self.every:
                yield Until(count * self.every)
            lines += isinstance(part, Part)
            yield from self._steps_of(request, part, begin=count * self.every)
            if isinstance(part, Cut) or (isinstance(part, Raw) and part.ends):
                return
        if self.ending == "none":
            return
        if self.parts and self.every:
            yield Until(len(self.parts) * self.every)
        yield self._line(request, self.final, self._last_fields(request, lines))

    def _steps_of(self, request: Request, part: _ScriptPart, begin: float) -> Iterator[Step]:
        match part:
            case Part():
                yield self._line(request, part)
            case Raw():
                yield part.data
            case Endless():
                yield from self._repeat(request, part, begin)
            case _:
                yield part

    def _line(self, request: Request, part: Part, last: Mapping[str, object] | None = None) -> bytes:
        value = _build_line(request, part, model=self.model, last=last)
        return encode({**value, **part.fields, **self.extra}) + b"\n"

    def _repeat(self, request: Request, part: Endless, begin: float) -> Iterator[Step]:
        every = part.every or self.every
        due = begin
        while True:
            if every:
                yield Until(due)
            yield self._line(request, Part(part.text))
            due += every

    def _last_fields(self, request: Request, lines: int) -> dict[str, object]:
        fields: dict[str, object] = {"done": self.ending == "done"}
        if self.done_reason is not None:
            fields["done_reason"] = self.done_reason
        if self.context is not None and not _is_chat(request):
            fields["context"] = self.context
        if self.metrics is True:
            return {**fields, **_build_metrics(request, lines)}
        return {**fields, **(self.metrics or {})}


def _is_chat(request: Request) -> bool:
    return request.path.endswith("/api/chat")


def _build_line(
    request: Request,
    part: Part,
    *,
    model: str | None = None,
    last: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Build one line as Ollama sends it, not yet encoded; `last` are the fields of a last line."""
    value: dict[str, object] = {
        "model": request.json.get("model", "") if model is None else model,
        "created_at": _now(),
    }
    more: dict[str, object] = {}
    if part.thinking:
        more["thinking"] = part.thinking
    if part.tool_calls:
        more["tool_calls"] = list(part.tool_calls)
    if _is_chat(request):
        value["message"] = {"role": "assistant", "content": part.text, **more}
    else:
        value.update(response=part.text, **more)
    return {**value, "done": False, **(last or {})}


def _build_metrics(request: Request, lines: int) -> dict[str, int]:
    """Build six plausible metrics for an answer of `lines` lines, the same in every run."""
    prompt_tokens = len(str(request.json.get("prompt", request.json.get("messages", ""))).split())
    evaluation = lines * _TOKEN_NANOSECONDS
    return {
        "total_duration": 3 * _TOKEN_NANOSECONDS + evaluation,
        "load_duration": _TOKEN_NANOSECONDS,
        "prompt_eval_count": prompt_tokens,
        "prompt_eval_duration": _TOKEN_NANOSECONDS,
        "eval_count": lines,
        "eval_duration": evaluation,
    }


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"
