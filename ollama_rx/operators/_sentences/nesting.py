"""What is open at a place in the text: brackets, quotes, inline code."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import BRACKET_PAIRS, OPENERS, QUOTE_PAIRS

_NESTING: Final = re.compile(r"[()\[\]{}（）【】“”„「」『』《》〈〉«»\"`]")
# A bracket or backtick that stays open longer than this is a slip, not a nesting: it must not stall.
_LONGEST_BRACKET: Final = 240
_LONGEST_CODE: Final = 200
_LONGEST_QUOTE: Final = 600
_DEEPEST: Final = 16
_TEX_QUOTE: Final = 2  # backticks: far more often a quote, as TeX writes it, than code


class Nesting:
    """Follows the text; positions are relative to the tail that the machine holds."""

    __slots__ = ("_before", "_brackets", "_code", "_quotes", "_scanned", "_ticks")

    def __init__(self) -> None:
        self._quotes: list[tuple[str, int, str]] = []
        self._close(0)

    def _close(self, offset: int) -> None:
        """Forget what a sentence left open; a quote may go on over the next ones."""
        self._brackets: list[tuple[str, int]] = []
        self._code: int | None = None
        self._ticks = 0
        self._scanned = 0
        self._before = " "  # the character before the tail
        if self._quotes:
            self._quotes = [(quote, at - offset, before) for quote, at, before in self._quotes]

    def _shift(self, settled: str) -> None:
        """Follow the tail when its beginning is put aside."""
        size = len(settled)
        self._before = settled[-1]
        self._scanned -= size
        if self._code is not None:
            self._code -= size
        self._brackets = [(bracket, at - size) for bracket, at in self._brackets]
        self._quotes = [(quote, at - size, before) for quote, at, before in self._quotes]

    def end_line(self) -> None:
        """Forget open quotes: they do not go over a line break."""
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
                self._open(text, '"', at)
        elif self._quotes and char in self._quotes[-1][0]:
            self._quotes.pop()
        elif char in QUOTE_PAIRS:
            self._open(text, QUOTE_PAIRS[char], at)
        elif self._brackets and char == self._brackets[-1][0]:
            self._brackets.pop()

    def _tick(self, text: str, at: int) -> None:
        before = text[at - 1] if at else self._before
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
        self._quotes.append((closer, at, text[:at].rstrip()[-1:] or self._before))
        del self._quotes[:-_DEEPEST]

    def is_inside(self, at: int, closers: str = "") -> bool:
        """Tell whether a mark is inside brackets or inline code that ``closers`` do not close."""
        if self._code is not None and at - self._code < _LONGEST_CODE:
            return not closers.startswith("'")
        if not self._brackets or at - self._brackets[-1][1] >= _LONGEST_BRACKET:
            return False
        return sum(map(closers.count, ")]}）】》〉")) < len(self._brackets)

    def is_open(self, text: str, mark: int) -> bool:
        """Tell whether brackets, a quote or inline code are open at a mark."""
        self.scan(text, mark)
        if not self._brackets and not self._quotes and self._code is None:
            return False
        return self.is_inside(mark) or self.quote(mark) is not None

    def quote(self, at: int) -> tuple[str, int, str] | None:
        """Return the innermost open quote: its closers, where it began, what stood before it."""
        if self._quotes and at - self._quotes[-1][1] < _LONGEST_QUOTE:
            return self._quotes[-1]
        return None
