"""The state of the sentence being built: how it began, its kind of line, what is open in it."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import BRACKET_PAIRS, OPENERS, QUOTE_PAIRS

_NESTING: Final = re.compile(r"[()\[\]{}（）【】“”„「」『』《》〈〉«»\"`]")
# A bracket, backtick or quote that stays open longer than this was not meant to open: it must not stall.
_LONGEST_BRACKET: Final = 240
_LONGEST_CODE: Final = 200
_LONGEST_QUOTE: Final = 600
_DEEPEST: Final = 16
LONGEST_TICKS: Final = 40
"""Backticks: a longer run is an ornament."""
_TEX_QUOTE: Final = 2  # two backticks are far more often a quote, as TeX writes it, than code
_LETTER: Final = re.compile(r"[^\W\d_]|[\"“„«「『‘]")
_WORD: Final = re.compile(r"\w")
_OPAQUE: Final = re.compile(r"\s*(?:>\s*)*(?:#{1,6}\s|\||(`{3,}|~{3,}))")
_OPENING: Final = 64  # characters of its beginning that rules may ask for


class Nesting:
    """Which brackets, quotes and inline code are open at a position of the splitter's tail."""

    __slots__ = ("_before", "_brackets", "_code", "_last_visible", "_quotes", "_scanned", "_ticks")

    def __init__(self) -> None:
        self._quotes: list[tuple[str, int, str]] = []
        self._close(0)

    def _close(self, offset: int) -> None:
        """Forget what a sentence left open, except quotes, which may continue in the next sentences."""
        self._brackets: list[tuple[str, int]] = []
        self._code: int | None = None
        self._ticks = 0
        self._scanned = 0
        self._before = " "  # the character before the tail
        self._last_visible = " "  # of those before the tail
        if self._quotes:
            self._quotes = [(quote, at - offset, before) for quote, at, before in self._quotes]

    def _shift(self, settled: str) -> None:
        """Adapt all positions when the beginning of the tail is put aside."""
        size = len(settled)
        self._before = settled[-1]
        self._last_visible = settled.rstrip()[-1:] or self._last_visible
        self._scanned -= size
        if self._code is not None:
            self._code -= size
        self._brackets = [(bracket, at - size) for bracket, at in self._brackets]
        self._quotes = [(quote, at - size, before) for quote, at, before in self._quotes]

    def end_line(self) -> None:
        """Forget open quotes: they do not continue on the next line."""
        self._quotes.clear()

    @property
    def in_code(self) -> bool:
        """Whether inline code or a code fence is open."""
        return self._code is not None

    def scan(self, text: str, end: int) -> None:
        """Follow brackets, quotes and code up to ``end``; each character is looked at once."""
        start, self._scanned = self._scanned, max(self._scanned, end)
        while found := _NESTING.search(text, start, end):
            self._nest(text, found[0], found.start())
            start = found.end()

    def _nest(self, text: str, char: str, at: int) -> None:
        if char == "`":
            self._tick(text, at)
        elif char in BRACKET_PAIRS:
            if (text[at - 1] if at else self._before) not in ":;-=":
                self._brackets.append((BRACKET_PAIRS[char], at))
                del self._brackets[:-_DEEPEST]
        elif char == '"':
            if self._quotes and self._quotes[-1][0] == '"':
                self._quotes.pop()
            else:
                self._open_quote(text, '"', at)
        elif self._quotes and char in self._quotes[-1][0]:
            self._quotes.pop()
        elif char in QUOTE_PAIRS:
            self._open_quote(text, QUOTE_PAIRS[char], at)
        elif self._brackets and char == self._brackets[-1][0]:
            self._brackets.pop()

    def _tick(self, text: str, at: int) -> None:
        before = text[at - 1] if at else self._before
        if before == "`":
            return
        run = 1
        while run <= LONGEST_TICKS and text.startswith("`", at + run):
            run += 1
        if run == _TEX_QUOTE or run > LONGEST_TICKS:
            return
        if self._code is None:
            # After a letter or a bracket a backtick is an accent or an apostrophe.
            if before.isspace() or before in OPENERS:
                self._code, self._ticks = at, run
        elif run == self._ticks:
            self._code = None

    def _open_quote(self, text: str, closer: str, at: int) -> None:
        self._quotes.append((closer, at, text[:at].rstrip()[-1:] or self._last_visible))
        del self._quotes[:-_DEEPEST]

    def is_inside(self, at: int, closers: str = "") -> bool:
        """Return whether a mark is inside brackets or inline code that ``closers`` do not close."""
        if self._code is not None and at - self._code < _LONGEST_CODE:
            return not closers.lstrip().startswith("'") and not self.closes_code(closers)
        if not self._brackets or at - self._brackets[-1][1] >= _LONGEST_BRACKET:
            return False
        return sum(map(closers.count, ")]}）】》〉")) < len(self._brackets)

    def closes_code(self, closers: str) -> bool:
        """Return whether the characters after a mark close the inline code that is open."""
        return self.in_code and len(closers) - len(closers.lstrip("`")) == self._ticks

    def is_open(self, text: str, mark: int) -> bool:
        """Return whether brackets, a quote or inline code are open at a mark."""
        self.scan(text, mark)
        if not self._brackets and not self._quotes and self._code is None:
            return False
        return self.is_inside(mark) or self.quote(mark) is not None

    def quote(self, at: int) -> tuple[str, int, str] | None:
        """Return the innermost open quote: its closers, where it began, the character before it."""
        if self._quotes and at - self._quotes[-1][1] < _LONGEST_QUOTE:
            return self._quotes[-1]
        return None


class Sentence(Nesting):
    """The state of the sentence being built.

    ``settled`` is the beginning of a long sentence, which the splitter has put aside; the text given to the
    methods is the tail, the part after it. ``fence`` is the marker of an open code fence, ``item`` the
    number, letter or bullet of a list item.
    """

    __slots__ = ("_first_letter", "_has_word", "begun", "fence", "item", "opaque", "opening", "settled")

    def __init__(self) -> None:
        self.fence = ""
        self.settled: list[str] = []
        self.opening = ""  # the first characters, once they are settled
        self.begun = False  # whether anything but white space is settled
        self._has_word = False
        super().__init__()
        self.begin(0)

    def begin(self, offset: int) -> None:
        """Forget the sentence that ended ``offset`` characters into the tail."""
        self._first_letter = ""
        self.item = ""
        self.opaque: str | None = None  # not known yet; see `is_opaque`
        self._close(offset)
        if self.opening:  # `MaxLengthSplitter` has emptied `settled` by itself
            self.settled = []
            self.opening = ""
            self.begun = self._has_word = False

    def settle(self, text: str) -> None:
        """Put the beginning of a long tail aside."""
        self.begins_lower(text, len(text))
        self.is_opaque(text, len(text))
        self.scan(text, len(text))
        self.opening = self.opening or text[:_OPENING]
        self.begun = self.begun or not text.isspace()
        self._has_word = self._has_word or _WORD.search(text) is not None
        self.settled.append(text)
        self._shift(text)

    def has_word(self, text: str, end: int) -> bool:
        """Return whether the sentence up to ``end`` has a letter or a digit."""
        return self._has_word or _WORD.search(text, 0, end) is not None

    def begins_with(self, text: str) -> str:
        """Return the first characters of the sentence, as many as any rule needs."""
        return self.opening or text[:_OPENING]

    @property
    def is_code(self) -> bool:
        """Whether a code fence is open, or the line that opens one is not complete."""
        return self.fence != "" or (self.opaque or "line") != "line"

    def opens_fence(self, text: str, end: int) -> str:
        """Return the marker of a code fence that the line up to ``end`` opens and does not close, or ""."""
        if not self.is_opaque(text, end) or self.opaque is None or self.opaque == "line":
            return ""
        self.scan(text, end)
        return "" if self.opaque.startswith("`") and not self.in_code else self.opaque

    def begins_lower(self, text: str, end: int) -> bool:
        """Return whether the sentence is written in the all-lower-case style of chats."""
        if not self._first_letter:
            letter = _LETTER.search(text, 0, end)
            self._first_letter = letter[0] if letter else ""
        return self._first_letter.islower()

    def is_opaque(self, text: str, end: int) -> bool:
        """Return whether the line is a heading, a table row or a code fence, which no mark inside can end."""
        if self.opaque is None:
            found = _OPAQUE.match(text, 0, min(end, _OPENING))
            self.opaque = (found[1] or "line") if found else ""
        return self.opaque != ""
