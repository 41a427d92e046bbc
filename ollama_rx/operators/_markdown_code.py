"""Know whether streamed Markdown is inside of code."""

import re

FENCE = r"[ \t>]*(?P<item>(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)*)(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)\Z"
"""A pattern for the line that opens or closes a block of code, also in a quote or list (`closes_fence`)."""

_LONGEST_HEAD = 200  # characters; a line that begins with more of them than this is not a fence


def closes_fence(match: re.Match[str], opening: str) -> bool:
    """Tell whether a line that is a `FENCE` ends the block of code with this opening fence."""
    return match["fence"].startswith(opening) and not match["info"].strip() and not match["item"]


class MarkdownCode:
    """Follows code spans and fences through text that arrives in pieces, however it is cut.

    A code span that is still open at the end of its line was none.
    """

    def __init__(self) -> None:
        # Compiled here, because importing an operator shall compile nothing.
        self._match_fence = re.compile(FENCE).match
        self._find_runs = re.compile(r"`+|[^`]+").findall
        self._fence = ""  # the marks that opened the current block of code
        self._span = 0  # how many backticks opened the current code span
        self._run = 0  # how many backticks the text ends with
        self._head = ""  # the beginning of the current line
        self.tail = ""
        """The last piece that was not empty."""

    def read(self, text: str) -> None:
        """Take the next piece of text."""
        if not text:
            return
        first, *others = text.split("\n")
        self._read_in_line(first)
        for line in others:
            self._end_line()
            self._read_in_line(line)
        self.tail = text

    @property
    def inside(self) -> bool:
        """Whether text that follows is in a code span or in a block of code."""
        return bool(self._fence or self._open_span())

    @property
    def at_line_start(self) -> bool:
        """Whether only white space stands before text that follows in its line."""
        return not self._head.strip() and len(self._head) < _LONGEST_HEAD

    def _read_in_line(self, text: str) -> None:
        self._head += text[: _LONGEST_HEAD - len(self._head)]
        if not self._run and "`" not in text:
            return
        for run in self._find_runs(text):
            if run[0] == "`":
                self._run += len(run)
            else:
                self._span, self._run = self._open_span(), 0

    def _open_span(self) -> int:
        """Return how many backticks open the span in which text that follows would be, or 0."""
        if not self._run or (self._span and self._span != self._run):
            return self._span
        return 0 if self._span else self._run

    def _end_line(self) -> None:
        match = self._match_fence(self._head) if len(self._head) < _LONGEST_HEAD else None
        if match is not None and not self._fence:
            self._fence = match["fence"]
        elif match is not None and closes_fence(match, self._fence):
            self._fence = ""
        self._span = self._run = 0
        self._head = ""
