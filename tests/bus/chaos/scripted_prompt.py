"""Prompts whose answers show where they come from: every word names its prompt, its generation and its place.

So a splice, a gap, a word that comes twice and a mixture of two attempts can all be seen in the text.
"""

from dataclasses import asdict, dataclass
from typing import Self

import orjson

END_OF_WORD = ";"
BALLAST = "y" * 1_500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedPrompt:
    """What a `scripted_host` is asked to answer; it travels as the text of the prompt."""

    id: str
    words: int = 20
    every: float = 0.02
    """Seconds between two words."""
    prefill: float = 0.0
    """Seconds before the first word."""
    padding: int = 0
    """Characters that are added to each word."""
    ballast: str = ""
    """Text that makes the prompt longer; above 1 MiB it goes through the object store."""
    dies_at: int | None = None
    """The number of words after which the process of the host kills itself."""

    def to_text(self) -> str:
        """Return the text of the prompt."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read the text of a prompt."""
        return cls(**orjson.loads(text))

    def word(self, generation: str, place: int) -> str:
        """Return one word of an answer; a generation is what one request to a host makes."""
        return f"{self.id}/{generation}/{place}/{'x' * self.padding}{END_OF_WORD}"

    def answer(self, generation: str) -> list[str]:
        """Return all words of an answer."""
        return [self.word(generation, place) for place in range(self.words)]
