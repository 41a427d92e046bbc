"""What a client may send through a WebSocket, and how much of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, cast

import orjson

from ollama_rx.arguments import check_flag, check_seconds, check_text

_MOST_CHARACTERS = 2**18  # of a frame: a prompt with a long document
_BURST = 40  # frames that may come at once
_PER_SECOND = 10.0  # frames: more than anybody types or says


@dataclass(frozen=True, slots=True)
class PromptFrame:
    """The user asks something."""

    text: str


@dataclass(frozen=True, slots=True)
class StopFrame:
    """The user wants no more of the answer."""


@dataclass(frozen=True, slots=True)
class InterruptFrame:
    """The user has begun to speak, or to write."""

    played: float | None
    """Seconds of the answer's audio that were played; None if the client does not know."""
    resume: bool
    """Whether it was a false alarm: the voice goes on with the next sentence."""


ClientFrame: TypeAlias = PromptFrame | StopFrame | InterruptFrame


def read_frame(text: str) -> ClientFrame:
    """Return what a frame says.

    Raises:
        ValueError, TypeError: it is not a frame of ours; the message tells the client why.

    >>> read_frame('{"type": "prompt", "text": "Hello"}')
    PromptFrame(text='Hello')
    """
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"expected a frame of at most {_MOST_CHARACTERS} characters, got {len(text)}")
    try:
        fields = cast("object", orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise ValueError(f"expected JSON: {error}") from error
    if not isinstance(fields, dict):
        raise ValueError("expected a JSON object")  # noqa: TRY004 - it is a wrong value of a right frame
    fields = cast("dict[str, object]", fields)
    read = _READERS.get(str(fields.get("type")))
    if read is None:
        raise ValueError(f"type: expected one of {', '.join(_READERS)}")
    return read(fields)


def _prompt(fields: dict[str, object]) -> PromptFrame:
    text = fields.get("text")
    if text is None:
        raise ValueError("text: expected text, got none")
    check_text("text", text)
    if not isinstance(text, str) or not text.strip():
        raise ValueError("text: expected a text that is not blank")
    return PromptFrame(text)


def _stop(_: dict[str, object]) -> StopFrame:
    return StopFrame()


def _interrupt(fields: dict[str, object]) -> InterruptFrame:
    played, resume = fields.get("played"), fields.get("resume", False)
    if played is not None:
        check_seconds("played", played, zero=True)
    check_flag("resume", resume)
    return InterruptFrame(cast("float | None", played), resume=bool(resume))


_READERS: dict[str, Callable[[dict[str, object]], ClientFrame]] = {
    "prompt": _prompt,
    "stop": _stop,
    "interrupt": _interrupt,
}


class FrameLimit:
    """Says how many frames of a client are too many.

    Args:
        now: a clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._left = float(_BURST)
        self._last = now()
        self.refused = 0
        """How many were too many."""

    def allows_one(self) -> bool:
        """Count a frame; return whether it is one of those that are allowed."""
        now = self._now()
        self._left = min(_BURST, self._left + (now - self._last) * _PER_SECOND)
        self._last = now
        if self._left < 1:
            self.refused += 1
            return False
        self._left -= 1
        return True
