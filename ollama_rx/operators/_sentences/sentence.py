"""What is known of the sentence being built: how it began, what is open in it."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import BRACKET_PAIRS, OPENERS, QUOTE_PAIRS

_NESTING: Final = re.compile(r"[()\[\]{}（）【】“”„「」『』《》〈〉«»\"`]")
_LETTER: Final = re.compile(r"[^\W\d_]|[\"“„«「『‘]")
_WORD: Final = re.compile(r"\w")
_OPAQUE: Final = re.compile(r"\s*(?:>\s*)*(?:#{1,6}\s|\||(`{3,}|~{3,}))")
# A bracket or backtick that stays open longer than this is a slip, not a nesting: it must not stall.
_LONGEST_BRACKET: Final = 240
_LONGEST_CODE: Final = 200
_LONGEST_QUOTE: Final = 600
_OPENING: Final = 64
_TEX_QUOTE: Final = 2  # backticks: far more often a quote, as TeX writes it, than code


class Sentence:
    """The state of one sentence; positions are relative to the tail that the machine holds."""

    __slots__ = (
        "_brackets",
        "_code",
        "_quotes",
        "_scanned",
        "_ticks",
        "_worded",
        "begun",
        "fence",
        "first",
        "item",
        "opaque",
        "opening",
        "settled",
    )

    def __init__(self) -> None:
        self._quotes: list[tuple[str, int, str]] = []
        self.fence = ""
        self.settled: list[str] = []
        self.opening = ""  # how it began, once that is settled
        self.begun = False  # anything but space is settled
        self._worded = False
        self.begin()

    def begin(self, offset: int = 0) -> None:
        """Forget what belonged to the sentence that ended ``offset`` characters into the tail."""
        self.first = ""
        self.item = ""
        self.opaque: str | None = None
        self._brackets: list[tuple[str, int]] = []
        self._code: int | None = None
        self._ticks = 0
        self._scanned = 0
        if self._quotes:
            self._quotes = [(quote, at - offset, before) for quote, at, before in self._quotes]
        if self.settled:
            self.settled = []
            self.opening = ""
            self.begun = self._worded = False

    def end_line(self) -> None:
        """Forget open quotes: they do not go over a line break."""
        self._quotes.clear()

    def settle(self, text: str) -> None:
        """Put the beginning of a long tail aside."""
        self.begins_lower(text, len(text))
        self.is_opaque(text, len(text))
        self.scan(text, len(text))
        self.opening = self.opening or text[:_OPENING]
        self.begun = self.begun or not text.isspace()
        self._worded = self._worded or _WORD.search(text) is not None
        self.settled.append(text)
        size = len(text)
        self._scanned -= size
        if self._code is not None:
            self._code -= size
        self._brackets = [(bracket, at - size) for bracket, at in self._brackets]
        self._quotes = [(quote, at - size, before) for quote, at, before in self._quotes]

    def scan(self, text: str, end: int) -> None:
        """Follow brackets, quotes and code up to ``end``; each character is looked at once."""
        start, self._scanned = self._scanned, max(self._scanned, end)
        for found in _NESTING.finditer(text, start, end):
            self._nest(text, found[0], found.start())

    def _nest(self, text: str, char: str, at: int) -> None:
        if char == "`":
            self._tick(text, at)
        elif char in BRACKET_PAIRS:
            if at == 0 or text[at - 1] not in ":;-=":
                self._brackets.append((BRACKET_PAIRS[char], at))
        elif char == '"':
            if self._quotes and self._quotes[-1][0] == '"':
                self._quotes.pop()
            else:
                self._open(text, '"', at)
        elif self._quotes and char in self._quotes[-1][0]:
            self._quotes.pop()
        elif char in QUOTE_PAIRS:
            self._open(text, QUOTE_PAIRS[char], at)
        elif self._brackets and char == self._brackets[-1][0]:
            self._brackets.pop()

    def _tick(self, text: str, at: int) -> None:
        before = text[at - 1] if at else " "
        run = 1
        while text.startswith("`", at + run):
            run += 1
        if before == "`" or run == _TEX_QUOTE:
            return
        if self._code is None:
            # After a letter or a bracket a backtick is an accent or an apostrophe.
            if before.isspace() or before in OPENERS:
                self._code, self._ticks = at, run
        elif run == self._ticks:
            self._code = None

    def _open(self, text: str, closer: str, at: int) -> None:
        self._quotes.append((closer, at, text[:at].rstrip()[-1:]))

    def is_inside(self, at: int, closers: str = "") -> bool:
        """Tell whether a mark is inside brackets or inline code that ``closers`` do not close."""
        if self._code is not None and at - self._code < _LONGEST_CODE:
            return not closers.startswith("'")
        if not self._brackets or at - self._brackets[-1][1] >= _LONGEST_BRACKET:
            return False
        return sum(map(closers.count, ")]}）】》〉")) < len(self._brackets)

    def quote(self, at: int) -> tuple[str, int, str] | None:
        """Return the innermost open quote: its closers, where it began, what stood before it."""
        if self._quotes and at - self._quotes[-1][1] < _LONGEST_QUOTE:
            return self._quotes[-1]
        return None

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
        return "" if self.opaque.startswith("`") and self._code is None else self.opaque

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
