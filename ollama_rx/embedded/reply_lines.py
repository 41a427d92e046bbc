"""llama.cpp's events, translated into Ollama's NDJSON lines."""

import time
from collections.abc import Mapping, Sequence
from typing import cast

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.engine import EngineEvent, to_api_error
from ollama_rx.embedded.model_options import INVALID_SCHEMA
from ollama_rx.embedded.parsed_request import ParsedRequest
from ollama_rx.protocol.go_json import encode

_NANOSECONDS_PER_SECOND = 1_000_000_000
_NANOSECONDS_PER_MS = 1_000_000


def timestamp(nanoseconds: int) -> str:
    """Format a time (nanoseconds since 1970) in UTC as Go does: up to nine decimals, no trailing zeros."""
    seconds, fraction = divmod(nanoseconds, _NANOSECONDS_PER_SECOND)
    digits = f".{fraction:09d}".rstrip("0").rstrip(".")
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + digits + "Z"


class AnswerWriter:
    """Builds the lines of one answer: a line per piece of text, or a single one if streaming is off."""

    def __init__(self, request: ParsedRequest, model: str) -> None:
        self._request = request
        self._model = model
        self._pieces: list[str] = []
        self._logprobs: list[object] = []
        self._last: EngineEvent | None = None

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._pieces)

    @property
    def complete(self) -> bool:
        """Whether the engine has sent its last event."""
        return self._last is not None

    def feed(self, event: EngineEvent) -> bytes | None:
        """Process an event of the engine; returns the line to send now, if any.

        Raises:
            ApiError: the event is an error.
        """
        if "error" in event:
            raise to_api_error(event)
        choice = cast("Sequence[Mapping[str, object]]", event["choices"])[0]
        if choice["finish_reason"] is not None:
            self._last = event
        text = cast(str, choice["text"])
        logprobs = self._read_logprobs(choice.get("logprobs"))
        if not text and not logprobs:
            return None
        if not self._pieces:
            self._check_start(text)
        self._pieces.append(text)
        if self._request.stream:
            return self._line(text, logprobs, {"done": False})
        self._logprobs += logprobs
        return None

    def _check_start(self, text: str) -> None:
        """Reject an answer that does not start as JSON: llama.cpp silently drops a schema it cannot use."""
        schema = cast("Mapping[str, object] | None", self._request.settings.get("json_schema"))
        if schema is None or not text.strip():
            return
        first_characters = "{" if schema.get("type") == "object" else '{["-0123456789tfn'
        if text.lstrip()[0] not in first_characters:
            raise ApiError(500, INVALID_SCHEMA)

    def finish(self, *, total_ns: int, load_ns: int, context: Sequence[int] | None) -> bytes:
        """Build the last line: why the answer ended, its context and its figures."""
        event = cast(EngineEvent, self._last)
        timings = cast("Mapping[str, float]", event["timings"])
        figures = {
            "context": context,
            "total_duration": total_ns,
            "load_duration": load_ns,
            "prompt_eval_count": int(timings["prompt_n"] + timings["cache_n"]),
            "prompt_eval_duration": round(timings["prompt_ms"] * _NANOSECONDS_PER_MS),
            "eval_count": int(timings["predicted_n"]),
            "eval_duration": round(timings["predicted_ms"] * _NANOSECONDS_PER_MS),
        }
        reason = cast("Sequence[Mapping[str, object]]", event["choices"])[0]["finish_reason"]
        present = {name: value for name, value in figures.items() if value}  # Go omits empty fields
        text = "" if self._request.stream else self.text
        return self._line(text, self._logprobs, {"done": True, "done_reason": reason, **present})

    def _line(self, text: str, logprobs: Sequence[object], rest: Mapping[str, object]) -> bytes:
        line = {**_common_fields(self._request, self._model, text), **rest}
        if logprobs:
            line["logprobs"] = logprobs
        return encode(line) + (b"\n" if self._request.stream else b"")

    def _read_logprobs(self, value: object) -> list[object]:
        if self._request.top_logprobs is None or not isinstance(value, dict):
            return []
        tokens = cast("Mapping[str, Sequence[Mapping[str, object]]]", value)["content"]
        return [self._token(token) for token in tokens]

    def _token(self, token: Mapping[str, object]) -> dict[str, object]:
        figures = {name: token[name] for name in ("token", "logprob", "bytes")}
        if count := self._request.top_logprobs:
            others = cast("Sequence[Mapping[str, object]]", token["top_logprobs"])[:count]
            figures["top_logprobs"] = [
                {name: other[name] for name in ("token", "logprob", "bytes")} for other in others
            ]
        return figures


def _common_fields(request: ParsedRequest, model: str, text: str) -> dict[str, object]:
    """Return the fields that every line starts with."""
    content: dict[str, object] = (
        {"response": text}
        if request.kind == "generate"
        else {"message": {"role": "assistant", "content": text}}
    )
    return {"model": model, "created_at": timestamp(time.time_ns()), **content}


def load_reply(request: ParsedRequest, model: str) -> bytes:
    """Build the single object that answers a request to load or unload the model."""
    return encode({**_common_fields(request, model, ""), "done": True, "done_reason": request.action})
