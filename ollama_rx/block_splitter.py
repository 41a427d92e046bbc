"""Split Markdown that arrives in pieces into the blocks at its top level: CommonMark and tables.

This is the first half of CommonMark's parsing strategy: each line is looked at once, and decides which blocks
it closes, continues and opens. Where that would need more than lines, as with the definition of a link's
address over several lines, two blocks stay together: a cut that is missing changes nothing in what is drawn.

Source: https://spec.commonmark.org/0.31.2/#appendix-a-parsing-strategy
"""

import re
from dataclasses import dataclass
from typing import Literal

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r(?!\Z))")  # a "\r" at the end may be the first half of a "\r\n"

_Leaf = Literal["", "paragraph", "definition", "table", "code", "fence", "html"]

_MAX_CONTAINERS = 20  # quotes and list items inside each other; deeper ones are text, as in markdown-it
_CODE_INDENT = 4  # columns
_TAB = 4  # columns

_START = re.compile(  # of a block, after the indentation
    r"(?P<quote>>)"
    r"|(?P<heading>\#{1,6}(?=[ \t]|\Z))"
    r"|(?P<fence>`{3,}(?=[^`]*\Z)|~{3,})"
    r"|(?P<rule>(?P<mark>[-*_])[ \t]*(?:(?P=mark)[ \t]*+){2,}+\Z)"
    r"|(?P<item>(?:[-+*]|(?P<number>\d{1,9})[.)])(?=[ \t]|\Z))"
    r"|(?P<html><)",
    re.ASCII,
)
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*\Z")  # of a heading
_FENCE_END = re.compile(r"(`+|~+)[ \t]*\Z")
_DEFINITION = re.compile(  # of a link's address, in one line
    r"\[(?:[^\[\]\\]|\\.){1,999}\]:[ \t]*(?!(?:javascript|vbscript|file|data):)"
    r"(?:<[^<>\\]*>|(?!<)(?:[^\s()\\]|\([^\s()\\]*\))+)(?:[ \t]+(?:\"[^\"\\]*\"|'[^'\\]*'))?[ \t]*\Z",
    re.IGNORECASE,
)
_RULER = re.compile(r"(?:[|:][-:| \t]|-[-:|])[-:| \t]*\Z")  # between a table's header and its rows
_ALIGNMENT = re.compile(r":?-+:?\Z")
_CELL_END = re.compile(r"(?<!\\)\|")

_HTML_BLOCKS = (
    "address article aside base basefont blockquote body caption center col colgroup dd details dialog dir "
    "div dl dt fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6 head header hr html "
    "iframe legend li link main menu menuitem nav noframes ol optgroup option p param search section summary "
    "table tbody td tfoot th thead title tr track ul"
)
_HTML = (  # how each kind of HTML block starts, and what ends it
    (
        r"<(?:script|pre|style|textarea)(?=\s|>|\Z)",
        re.compile("</(?:script|pre|style|textarea)>", re.IGNORECASE),
    ),
    (r"<!--", re.compile("-->")),
    (r"<\?", re.compile(r"\?>")),
    (r"<![a-zA-Z]", re.compile(">")),
    (r"<!\[CDATA\[", re.compile(r"\]\]>")),
    (rf"</?(?:{'|'.join(_HTML_BLOCKS.split())})(?=\s|/?>|\Z)", None),  # a blank line
)
_HTML_START = re.compile("|".join(f"({start})" for start, _ in _HTML), re.IGNORECASE | re.ASCII)
_HTML_ENDS = (None, *(end for _, end in _HTML))  # by the number of the group
_ATTRIBUTE = r"\s+[a-zA-Z_:][\w:.-]*+(?:\s*=\s*(?:[^\"'=<>`\x00-\x20]++|'[^']*'|\"[^\"]*\"))?"
_HTML_TAG = re.compile(  # of any other name, alone on its line
    rf"(?:<[a-zA-Z][a-zA-Z0-9-]*(?:{_ATTRIBUTE})*+\s*/?>|</[a-zA-Z][a-zA-Z0-9-]*\s*>)\s*\Z", re.ASCII
)


class BlockSplitter:
    """Takes Markdown in pieces; gives each block as soon as it is certain that the block is complete.

    The blocks' texts joined are the whole text, except for blank lines at its end. Any cutting into pieces
    gives the same blocks, since lines are looked at when they are complete.
    """

    def __init__(self) -> None:
        self._structure = _Structure()
        self._lines: list[str] = []  # of the open block, or blank ones before it
        self._pieces: list[str] = []  # of the line that is not complete
        self._ends_with_return = False  # the last piece, and a "\n" that belongs to it may follow

    @property
    def open_lines(self) -> list[str]:
        """The lines of the block that is not complete; the last one may be unfinished."""
        return [*self._lines, "".join(self._pieces)]

    @property
    def open_text(self) -> str:
        """The text that is in no complete block yet: that of the open block, or white space."""
        return "".join(self._lines) + "".join(self._pieces)

    def feed(self, text: str, /) -> list[str]:
        """Take a piece of text; return the blocks that are complete now."""
        self._pieces.append(text)
        if not (self._ends_with_return or "\n" in text or "\r" in text):
            return []
        self._ends_with_return = text.endswith("\r")
        text = "".join(self._pieces)
        blocks: list[str] = []
        end = 0
        while line := _LINE.match(text, end):
            end = line.end()
            blocks += self._add_line(line[0])
        self._pieces = [text[end:]] if end < len(text) else []
        return blocks

    def flush(self) -> list[str]:
        """Return the blocks that are left: the text is complete. A new text may follow."""
        rest, self._pieces, self._ends_with_return = "".join(self._pieces), [], False
        blocks = self._add_line(rest) if rest else []
        if text := "".join(self._lines).strip(" \t\r\n") and "".join(self._lines):
            blocks.append(text)
        self._lines.clear()
        self._structure = _Structure()
        return blocks

    def _add_line(self, line: str) -> list[str]:
        blocks: list[str] = []
        text = line.rstrip("\r\n")
        was_open = self._structure.is_open
        self._lines.append(line)
        if count := self._structure.add(text):
            blocks.append("".join(self._lines[:-count]))
            del self._lines[:-count]
        if not self._structure.is_open and (was_open or text.strip(" \t")):
            blocks.append("".join(self._lines))
            self._lines.clear()
        return blocks


@dataclass(slots=True)
class _Container:
    """A quote or an item of a list that is open."""

    indent: int  # columns of an item's text; 0 for a quote
    is_empty: bool = False  # an item that has no text yet


class _Rest:
    """The rest of a line: its indentation in columns, and the text after that."""

    __slots__ = ("column", "indent", "text")

    def __init__(self, line: str) -> None:
        self.indent = 0
        self.text = line
        self.column = 0  # of the text
        self.skip(0)

    def skip(self, characters: int) -> None:
        """Go on after some characters of the text."""
        self.column += characters
        rest = self.text[characters:]
        self.text = rest.lstrip(" \t")
        start = self.column
        for space in rest[: len(rest) - len(self.text)]:
            self.column += _TAB - self.column % _TAB if space == "\t" else 1
        self.indent = self.column - start

    def skip_quote(self) -> None:
        """Skip the mark of a quote, and the space after it that belongs to the mark."""
        self.skip(1)
        self.indent -= self.indent > 0


class _Structure:
    """Which blocks are open after each line: those that contain others, and the innermost one, the leaf."""

    def __init__(self) -> None:
        self._containers: list[_Container] = []
        self._leaf: _Leaf = ""
        self._list = ""  # the mark of the items, if the block is a list; it stays open between two items
        self._fence = ""  # that has opened the leaf
        self._html_end: re.Pattern[str] | None = None
        self._may_define = False  # the paragraph may start with the definition of a link's address
        self._header = ""  # the last line of the paragraph, if it may be the header of a table
        self._first_line = ""  # the last line, if it is the block's first and may be the header of a table

    @property
    def is_open(self) -> bool:
        """Whether a block at the top level is open after the last line."""
        return bool(self._leaf or self._containers or self._list or self._first_line)

    def add(self, line: str) -> int:
        """Take a line; return how many of the last lines belong to a new block, which ends the open one."""
        was_open = self.is_open
        rest = _Rest(line)
        first_line, self._first_line = self._first_line, ""
        if first_line and rest.indent < _CODE_INDENT and _makes_table(first_line, rest.text):
            self._close(0)  # what looked like a heading or a list: markdown-it looks for tables first
            self._leaf, self._list = "table", ""
            return 0
        depth = self._count_continued(rest)
        inside = depth == len(self._containers)
        if not inside and self._leaf != "paragraph":
            self._leaf = ""
        if self._leaf == "definition":  # its title may stand on the next line
            self._leaf = "paragraph" if inside and rest.text.startswith(("'", '"', "(")) else ""
        if inside and self._continues_verbatim(rest):
            return 0
        if not rest.text:
            self._close(depth)
            return 0
        if inside and self._leaf == "paragraph" and rest.indent < _CODE_INDENT:
            if _makes_table(self._header, rest.text):
                self._leaf = "table"
                return 0 if self._containers else 2
            if _UNDERLINE.match(rest.text):
                self._leaf = "paragraph" if self._may_define else ""
                return 0
        starts_table = rest.indent < _CODE_INDENT and "|" in line
        is_new = self._open_blocks(rest, depth)
        if is_new and starts_table:
            self._first_line = line
        return 1 if is_new and was_open else 0

    def _count_continued(self, rest: _Rest) -> int:
        """Return how many of the containers continue with a line, and skip their marks and indentation."""
        for depth, container in enumerate(self._containers):
            if not container.indent:
                if not rest.text.startswith(">"):
                    return depth
                rest.skip_quote()
            elif rest.text:
                if rest.indent < container.indent:
                    return depth
                rest.indent -= container.indent
                container.is_empty = False
            elif container.is_empty:
                return depth
        return len(self._containers)

    def _continues_verbatim(self, rest: _Rest) -> bool:
        """Whether a line belongs to a leaf in which nothing is formatting; it may be its last line."""
        if self._leaf == "fence":
            end = _FENCE_END.match(rest.text) if rest.indent < _CODE_INDENT else None
            if end and end[1].startswith(self._fence):
                self._leaf = ""
            return True
        if self._leaf == "html":
            if self._ends_html(rest.text):
                self._leaf = ""
            return True
        return self._leaf == "code" and (not rest.text or rest.indent >= _CODE_INDENT)

    def _ends_html(self, text: str) -> bool:
        return not text if self._html_end is None else self._html_end.search(text) is not None

    def _close(self, depth: int) -> None:
        """Close the leaf and the containers below some depth."""
        self._leaf = ""
        del self._containers[depth:]

    def _open_blocks(self, rest: _Rest, depth: int) -> bool:
        """Open the blocks that start in a line that is not blank; return whether one is at the top level."""
        is_new = False
        inside = depth == len(self._containers)
        while start := self._find_start(rest, inside=inside):
            self._close(depth)
            if not self._containers:
                mark = start[0][-1] if start["item"] else ""
                is_new = not mark or mark != self._list
                self._list = mark
            if not self._open_container(start, rest):
                self._open_leaf(start, rest.text)
                return is_new
            depth += 1
            inside = True
        if not rest.text:
            return is_new
        if self._leaf == "table" and rest.indent < _CODE_INDENT and not rest.text.isspace():
            return False
        if self._leaf == "paragraph":
            self._header = rest.text if inside and rest.indent < _CODE_INDENT else ""
            return False
        self._close(depth)
        if not self._containers:
            is_new = True
            self._list = ""
        self._open_text(rest)
        return is_new

    def _find_start(self, rest: _Rest, *, inside: bool) -> re.Match[str] | None:
        """Find the start of a block other than text, if a block may start here."""
        start = _START.match(rest.text) if rest.indent < _CODE_INDENT else None
        if start is None:
            return None
        if start["html"] and not _HTML_START.match(rest.text):
            is_text = self._leaf in {"paragraph", "table"} or not _HTML_TAG.match(rest.text)
            return None if is_text else start
        if start["quote"] or start["item"]:
            if len(self._containers) >= _MAX_CONTAINERS:
                return None
            if start["item"] and inside and self._leaf == "paragraph" and not _interrupts(start, rest.text):
                return None
        return start

    def _open_container(self, start: re.Match[str], rest: _Rest) -> bool:
        """Open a quote or an item of a list and skip its mark; return False for other blocks."""
        if start["quote"]:
            rest.skip_quote()
            self._containers.append(_Container(indent=0))
        elif start["item"]:
            indent = rest.indent + start.end()
            rest.skip(start.end())
            spaces = rest.indent if rest.text and rest.indent <= _CODE_INDENT else 1
            rest.indent -= spaces
            self._containers.append(_Container(indent + spaces, is_empty=not rest.text))
        return bool(start["quote"] or start["item"])

    def _open_leaf(self, start: re.Match[str], text: str) -> None:
        """Open a block that is not text; one that is a single line is closed again."""
        if start["fence"]:
            self._leaf = "fence"
            self._fence = start["fence"]
        elif start["html"]:
            kind = _HTML_START.match(text)
            self._html_end = _HTML_ENDS[kind.lastindex or 0] if kind else None
            self._leaf = "" if self._ends_html(text) else "html"

    def _open_text(self, rest: _Rest) -> None:
        """Open a paragraph, a block of indented code, or the definition of a link's address."""
        if rest.indent >= _CODE_INDENT:
            self._leaf = "code"
        else:
            self._leaf = "definition" if _DEFINITION.match(rest.text) else "paragraph"
            self._may_define = rest.text.startswith("[")
            self._header = rest.text


def _makes_table(header: str, ruler: str) -> bool:
    """Whether two lines are the start of a table."""
    if "|" not in header or not _RULER.match(ruler):
        return False
    titles = _CELL_END.split(header.strip())
    columns = len(titles) - (not titles[0]) - (len(titles) > 1 and not titles[-1])
    cells = [cell.strip() for cell in ruler.split("|")]
    alignments = cells[not cells[0] : len(cells) - (not cells[-1])]
    return columns == len(alignments) > 0 and all(map(_ALIGNMENT.match, alignments))


def _interrupts(item: re.Match[str], text: str) -> bool:
    """Whether an item can follow a paragraph without a blank line: "1986. A year" is text."""
    return item["number"] in {None, "1"} and not text[item.end() :].isspace() and item.end() < len(text)
