"""Figures of one answer: the server's own, and those the client measures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ollama_rx.fields import number_of

_NANOSECONDS = 1e9  # the server's durations are Go's time.Duration

EndedBy = Literal["stop", "length", "load", "unload", "error", "disposed"]


@dataclass(frozen=True, slots=True)
class Metrics:
    """The server's own figures: counts in tokens, durations in seconds, None where absent or no number.

    Cloud models send only some of them.
    """

    total_duration: float | None = None
    load_duration: float | None = None
    prompt_eval_count: int | None = None
    prompt_eval_duration: float | None = None
    eval_count: int | None = None
    eval_duration: float | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Metrics":
        """Read the metrics of a last chunk."""
        return cls(
            total_duration=_seconds(raw.get("total_duration")),
            load_duration=_seconds(raw.get("load_duration")),
            prompt_eval_count=number_of(raw.get("prompt_eval_count")),
            prompt_eval_duration=_seconds(raw.get("prompt_eval_duration")),
            eval_count=number_of(raw.get("eval_count")),
            eval_duration=_seconds(raw.get("eval_duration")),
        )


def _seconds(nanoseconds: object) -> float | None:
    found = number_of(nanoseconds)
    return None if found is None else found / _NANOSECONDS
