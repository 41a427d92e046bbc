"""How Ollama words the lines of generate and chat."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from ollama_rx.testing.parts import Part
from ollama_rx.testing.record import Request

_TOKEN_NANOSECONDS = 20_000_000  # the metrics pretend 50 tokens a second


def is_chat(request: Request) -> bool:
    """Tell whether the request wants chat lines."""
    return request.path.endswith("/api/chat")


def line_of(
    request: Request,
    part: Part,
    *,
    model: str | None = None,
    ending: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Make one line as Ollama words it for this request, still as an object."""
    value: dict[str, object] = {
        "model": request.json.get("model", "") if model is None else model,
        "created_at": _now(),
    }
    more: dict[str, object] = {}
    if part.thinking:
        more["thinking"] = part.thinking
    if part.tool_calls:
        more["tool_calls"] = list(part.tool_calls)
    if is_chat(request):
        value["message"] = {"role": "assistant", "content": part.text, **more}
    else:
        value.update(response=part.text, **more)
    return {**value, "done": False, **(ending or {})}


def metrics_of(request: Request, parts: int) -> dict[str, int]:
    """Make the six metrics of an answer of so many parts, plausible and the same in every run."""
    prompt = len(str(request.json.get("prompt", request.json.get("messages", ""))).split())
    evaluating = parts * _TOKEN_NANOSECONDS
    return {
        "total_duration": 3 * _TOKEN_NANOSECONDS + evaluating,
        "load_duration": _TOKEN_NANOSECONDS,
        "prompt_eval_count": prompt,
        "prompt_eval_duration": _TOKEN_NANOSECONDS,
        "eval_count": parts,
        "eval_duration": evaluating,
    }


def _now() -> str:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"
