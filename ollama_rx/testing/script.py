"""Write what the server answers: `answer("Hello", pause(1), " world", context=[1, 2])`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ollama_rx.protocol.go_json import encode
from ollama_rx.testing.parts import Endless, Part, Raw
from ollama_rx.testing.record import Request
from ollama_rx.testing.reply import JSON, Reply
from ollama_rx.testing.steps import Cut, Gate, Pause, Step, Until
from ollama_rx.testing.wording import is_chat, line_of, metrics_of

Said = str | Part | Raw | Endless | Pause | Gate | Cut
Ending = Literal["done", "reason_only", "none"]


def answer(
    *said: Said,
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
        answer(pause(3), "Hello")                     three seconds of nothing first, headers held back
        answer("Hel", midstream_error("out of memory"))
        answer("Hel", cut())                          the connection breaks
        answer("Hel", ending="none")                  a clean end that is no end

    Args:
        *said: text (one line each, "" too), `thinking`, `tool_call`, `piece`, `line`, `raw`, `endless`,
            `pause`, a `Gate`, `cut`, `midstream_error`.
        final: what the last line carries besides being the last.
        context: for the last line, on generate only, as Ollama does; a long one makes a last line of
            megabytes.
        metrics: True for all six, False for none, or those you want (cloud models send three).
        done_reason: "stop", "length" or any other; None leaves it out, as old servers do.
        ending: "done"; "reason_only" for a last line with `done_reason` that is not `done`; "none" for no
            last line.
        model: the name in the lines; by default the one the request asks for.
        extra: fields no client knows, added to every line.
        every: seconds between the parts, a pace that does not drift.
    """
    if not every >= 0 or math.isinf(every):
        raise ValueError(f"every must be a number of seconds, got {every}")
    script = _Script(
        said=tuple(Part(it) if isinstance(it, str) else it for it in said),
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
    """Answer as to an empty prompt: one JSON document, done, nothing said."""
    return Reply(
        lambda request: [encode(line_of(request, Part(), ending={"done": True, "done_reason": reason}))],
        content_type=JSON,
        framing="length",
    )


def progress(*statuses: str | Mapping[str, object], success: bool = True, every: float = 0.0) -> Reply:
    """Stream the progress of pull, push or create: text for a bare status, or the whole line's object."""
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
    said: tuple[Part | Raw | Endless | Pause | Gate | Cut, ...]
    final: Part
    context: list[int] | None
    metrics: bool | Mapping[str, int]
    done_reason: str | None
    ending: Ending
    model: str | None
    extra: Mapping[str, object]
    every: float

    def steps(self, request: Request) -> Iterator[Step]:
        parts = 0
        for count, said in enumerate(self.said):
            if count and self.every:
                yield Until(count * self.every)
            parts += isinstance(said, Part)
            yield from self._say(request, said)
            if isinstance(said, Cut) or (isinstance(said, Raw) and said.ends):
                return
        if self.ending == "none":
            return
        if self.said and self.every:
            yield Until(len(self.said) * self.every)
        yield self._line(request, self.final, self._ending(request, parts))

    def _say(self, request: Request, said: Part | Raw | Endless | Pause | Gate | Cut) -> Iterator[Step]:
        match said:
            case Part():
                yield self._line(request, said)
            case Raw():
                yield said.data
            case Endless():
                yield from self._endless(request, said)
            case _:
                yield said

    def _line(self, request: Request, part: Part, ending: Mapping[str, object] | None = None) -> bytes:
        value = line_of(request, part, model=self.model, ending=ending)
        return encode({**value, **part.fields, **self.extra}) + b"\n"

    def _endless(self, request: Request, said: Endless) -> Iterator[Step]:
        due = 0.0
        while True:
            if said.every:
                yield Until(due)
            yield self._line(request, Part(said.text))
            due += said.every

    def _ending(self, request: Request, parts: int) -> dict[str, object]:
        ending: dict[str, object] = {"done": self.ending == "done"}
        if self.done_reason is not None:
            ending["done_reason"] = self.done_reason
        if self.context is not None and not is_chat(request):
            ending["context"] = self.context
        if self.metrics is True:
            return {**ending, **metrics_of(request, parts)}
        return {**ending, **(self.metrics or {})}
