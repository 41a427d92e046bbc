"""llama.cpp's events, written as Ollama's NDJSON lines."""

import time
from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from ollama_rx.embedded.engine import Event, refusal_of
from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.requests import Plan

_NANOSECONDS = 1_000_000_000
_PER_MILLISECOND = 1_000_000
# Go's encoder writes these as escapes, so that JSON can stand in HTML and JavaScript.
_ESCAPES = (
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"&", b"\\u0026"),
    ("\u2028".encode(), b"\\u2028"),
    ("\u2029".encode(), b"\\u2029"),
)


def encode(value: Mapping[str, object]) -> bytes:
    """Write JSON as Go does."""
    text = orjson.dumps(value)
    for plain, escape in _ESCAPES:
        text = text.replace(plain, escape)
    return text


def timestamp(nanoseconds: int) -> str:
    """Write a time (since 1970) in UTC as Go does: up to nine digits of a second, no trailing zeros."""
    seconds, fraction = divmod(nanoseconds, _NANOSECONDS)
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + digits + "Z"


class Reply:
    """Builds the lines of one answer: a line per piece of text, or one for all when nothing is streamed."""

    def __init__(self, plan: Plan, model: str) -> None:
        self._plan = plan
        self._model = model
        self._pieces: list[str] = []
        self._logprobs: list[object] = []
        self._last: Event | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    @property
    def complete(self) -> bool:
        """Whether the engine has sent its last event."""
        return self._last is not None

    def feed(self, event: Event) -> bytes | None:
        """Take an event of the engine; returns the line to send now, if any.

        Raises:
            Refusal: the event is an error.
        """
        if "error" in event:
            raise refusal_of(event)
        choice = cast("Sequence[Mapping[str, object]]", event["choices"])[0]
        if choice["finish_reason"] is not None:
            self._last = event
        text = cast(str, choice["text"])
        logprobs = self._read_logprobs(choice.get("logprobs"))
        if not text and not logprobs:
            return None
        if not self._pieces:
            self._check_form(text)
        self._pieces.append(text)
        if self._plan.stream:
            return self._line(text, logprobs, {"done": False})
        self._logprobs += logprobs
        return None

    def _check_form(self, text: str) -> None:
        """Refuse an answer that does not begin as JSON: llama.cpp silently drops a schema it cannot use."""
        schema = cast("Mapping[str, object] | None", self._plan.settings.get("json_schema"))
        if schema is None or not text.strip():
            return
        beginnings = "{" if schema.get("type") == "object" else '{["-0123456789tfn'
        if text.lstrip()[0] not in beginnings:
            raise Refusal(500, "invalid format: the embedded model cannot use this JSON schema")

    def finish(self, *, total_ns: int, load_ns: int, context: Sequence[int] | None) -> bytes:
        """Write the last line: why the answer ended, its context and its figures."""
        event = cast(Event, self._last)
        timings = cast("Mapping[str, float]", event["timings"])
        figures = {
            "context": context,
            "total_duration": total_ns,
            "load_duration": load_ns,
            "prompt_eval_count": int(timings["prompt_n"] + timings["cache_n"]),
            "prompt_eval_duration": round(timings["prompt_ms"] * _PER_MILLISECOND),
            "eval_count": int(timings["predicted_n"]),
            "eval_duration": round(timings["predicted_ms"] * _PER_MILLISECOND),
        }
        reason = cast("Sequence[Mapping[str, object]]", event["choices"])[0]["finish_reason"]
        given = {name: value for name, value in figures.items() if value}  # Go leaves empty fields out
        text = "" if self._plan.stream else self.text
        return self._line(text, self._logprobs, {"done": True, "done_reason": reason, **given})

    def _line(self, text: str, logprobs: Sequence[object], rest: Mapping[str, object]) -> bytes:
        line = {**start_of_line(self._plan, self._model, text), **rest}
        if logprobs:
            line["logprobs"] = logprobs
        return encode(line) + (b"\n" if self._plan.stream else b"")

    def _read_logprobs(self, value: object) -> list[object]:
        if self._plan.top_logprobs is None or not isinstance(value, dict):
            return []
        tokens = cast("Mapping[str, Sequence[Mapping[str, object]]]", value)["content"]
        return [self._token(token) for token in tokens]

    def _token(self, token: Mapping[str, object]) -> dict[str, object]:
        figures = {name: token[name] for name in ("token", "logprob", "bytes")}
        if self._plan.top_logprobs:
            others = cast("Sequence[Mapping[str, object]]", token["top_logprobs"])[: self._plan.top_logprobs]
            figures["top_logprobs"] = [
                {name: other[name] for name in ("token", "logprob", "bytes")} for other in others
            ]
        return figures


def start_of_line(plan: Plan, model: str, text: str) -> dict[str, object]:
    """Build what every line begins with."""
    said: dict[str, object] = (
        {"response": text} if plan.kind == "generate" else {"message": {"role": "assistant", "content": text}}
    )
    return {"model": model, "created_at": timestamp(time.time_ns()), **said}


def load_reply(plan: Plan, model: str) -> bytes:
    """Write the one object that answers a request to load or to unload."""
    return encode({**start_of_line(plan, model, ""), "done": True, "done_reason": plan.only})
