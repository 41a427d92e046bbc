"""What is known of the sentence being built: how it began, what kind of line it is."""

import re
from typing import Final

from ollama_rx.operators._sentences.nesting import Nesting

_LETTER: Final = re.compile(r"[^\W\d_]|[\"“„«「『‘]")
_WORD: Final = re.compile(r"\w")
_OPAQUE: Final = re.compile(r"\s*(?:>\s*)*(?:#{1,6}\s|\||(`{3,}|~{3,}))")
_OPENING: Final = 64  # characters of its beginning that rules may ask for


class Sentence(Nesting):
    """The state of one sentence."""

    __slots__ = ("_worded", "begun", "fence", "first", "item", "opaque", "opening", "settled")

    def __init__(self) -> None:
        self.fence = ""
        self.settled: list[str] = []
        self.opening = ""  # how it began, once that is settled
        self.begun = False  # anything but space is settled
        self._worded = False
        super().__init__()
        self.begin(0)

    def begin(self, offset: int) -> None:
        """Forget what belonged to the sentence that ended ``offset`` characters into the tail."""
        self.first = ""
        self.item = ""
        self.opaque: str | None = None
        self._close(offset)
        if self.settled:
            self.settled = []
            self.opening = ""
            self.begun = self._worded = False

    def settle(self, text: str) -> None:
        """Put the beginning of a long tail aside."""
        self.begins_lower(text, len(text))
        self.is_opaque(text, len(text))
        self.scan(text, len(text))
        self.opening = self.opening or text[:_OPENING]
        self.begun = self.begun or not text.isspace()
        self._worded = self._worded or _WORD.search(text) is not None
        self.settled.append(text)
        self._shift(text)

    def has_word(self, text: str, end: int) -> bool:
        """Tell whether anything but marks has been seen."""
        return self._worded or _WORD.search(text, 0, end) is not None

    def begins_with(self, text: str) -> str:
        """Return how the sentence begins, as far as that can matter."""
        return self.opening or text[:_OPENING]

    def opens_fence(self, text: str, end: int) -> str:
        """Return the marks of a code fence that the line up to ``end`` opens; none if it closes it too."""
        if not self.is_opaque(text, end) or self.opaque is None or self.opaque == "line":
            return ""
        self.scan(text, end)
        return "" if self.opaque.startswith("`") and not self.in_code else self.opaque

    def begins_lower(self, text: str, end: int) -> bool:
        """Tell whether the sentence is written in the all-lower-case style of chats."""
        if not self.first:
            letter = _LETTER.search(text, 0, end)
            self.first = letter[0] if letter else ""
        return self.first.islower()

    def is_opaque(self, text: str, end: int) -> bool:
        """Tell whether the line is a heading, a table row or a code fence: only its end ends it."""
        if self.opaque is None:
            found = _OPAQUE.match(text, 0, end)
            self.opaque = (found[1] or "line") if found else ""
        return self.opaque != ""
