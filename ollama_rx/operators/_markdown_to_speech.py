"""Turn Markdown into text for a voice; needs markdown-it-py."""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from ollama_rx.operators._close_gaps import close_gaps
from ollama_rx.operators._latex import latex_to_text
from ollama_rx.operators._markdown_code import FENCE, closes_fence
from ollama_rx.operators._pronunciation import Pronunciation
from ollama_rx.operators._rewrite_for_speech import rewrite_for_speech
from ollama_rx.operators._spoken_address import UNSPACED, Urls
from ollama_rx.operators._spoken_tags import HIDDEN_TAG, SpokenTags

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FENCE = re.compile(FENCE)
_OPENING = re.compile(r"[ \t>]*(?:(?P<formula>\$\$(?!\$)(?=\S|\s*\Z)|\\\[)|(?P<comment><!--))")
_CLOSING = {"$$": "$$", "\\[": "\\]", "<!--": "-->"}
_BLOCK = re.compile(r"```|~~~|\$\$|\\\[|<!--")
# Text without any of these stays as it is; most sentences of an answer have none.
_MARKUP = re.compile(
    r"[*_`~\[\]<>|\\$&【\n\xad\u061c•]|//|www\.|mailto:|^\s*(?:#|[-+]\s|\d+[.)]\s|[-=]+\s*$)"
    r"|[^\x00-\u1fff\u2010-\u2021\u2024-\u2027\u3000-\ud7ff]"
)
_SAYABLE = re.compile(r"[^\W_]")
_SAYABLE_OR_TAG = re.compile(rf"[^\W_]|{HIDDEN_TAG}")
_INVISIBLE = re.compile("[\xad\u061c\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")  # also turns text around
_SPACES = re.compile(r"(?<=\S)[ \t]{2,}")
_BEFORE_MARKER = frozenset(" \t\n\r-+>")  # the first characters that `_escape_marker` looks at
_MARKER = re.compile(r"[ \t]*(?=[-+*>#](?:\s|$))")
_SIGNED = re.compile(r"(?=[-+>][ \t]+[$€£¥.]?\d)")
_SENTENCE_END = re.compile(r"[.!?…。！？।؟][^\w\s]*\s*\Z")
_ITEM = re.compile(r"\s*[-+*•][ \t]")

_LONGEST = 1000
"""Characters that are parsed together: the parser takes quadratic time for some texts, which no answer has
unless its model is in a loop."""

_DEFINITION = re.compile(  # of a link that is used by reference
    r"^[ >]*\[[^\[\]\n]+\]:[ \t]*(?:<[^<>\n]*>|(?:(?:https?|ftp|file|mailto|data):|www\.|\.{0,2}/)\S*)"
    r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*$",
    re.MULTILINE,
)
_ROW = re.compile(r"\s*\|(.*)\|\s*\Z")
_RULER = re.compile(r"(?=[^-]*-)[\s|:+-]*\Z")
_CELL_END = re.compile(r"(?<!\\)\|")
_NUMBER = r"(?![0٠۰०০๐０])\d{1,3}"  # [0] is an index, [2024] is a year
_NUMBERS = rf"{_NUMBER}(?:\s?[,;–،、-]\s?{_NUMBER})*"
_CITATION = rf"(?:\[\^?{_NUMBERS}\]|\[\^[\w.-]+\]|【{_NUMBERS}】|【\d[\d:]*†[^】]*】|［{_NUMBERS}］)"
_CITATIONS = rf"{_CITATION}(?:[,;]?[ \t]?{_CITATION})*"
# Brackets after a sign such as "=" or "∈", or after "]", are a list, an interval or an index.
_REFERENCE = re.compile(
    rf"^\[(?:\^[\w.-]+|{_NUMBER})\]:|(?<![ \t=<>+*/×·≤≥≠≈∈∉⊂⊆\]])[ \t]*(?:{_CITATIONS}|\({_CITATIONS}\))",
    re.MULTILINE,
)
_TASK = re.compile(r"\A\s*\[[ xX]\]\s+")
_BY_REFERENCE = re.compile(  # [text][label], but not [several][words]
    r"!?(?<!\w)\[(?!\^?\d+\])([^\[\]]+)\]\[(?:[a-z0-9_.:/-]*|(?i:\1))\]"
)
_EMOJI = re.compile(  # but not ♭, ♯ and circled numbers: a voice can read them
    "[\U0001f000-\U0001faff\u2600-\u266c\u2670-\u2775\u2794-\u27bf\u2b00-\u2bff\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa"
    "\u25a0-\u25ff\u2934\u2935\u3030\u303d]"
    "(?:[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d(?=[\U0001f000-\U0001faff\u2600-\u27bf]))*"
    "|[\ufe0f\u20e3]"
)
_UNPAIRED = re.compile(  # one half of a formatting pair; the other half is in another sentence
    r"(?P<name>(?<!\w)__\w+__(?!\w)|\b[A-Z]\*(?![\w*]))"  # the A* algorithm
    r"|(?<![\w*)])\*{1,3}(?=[^\s*])|(?<=[^\s*])\*{1,3}(?![\w*(])|\A\s*\*{2,3}\s*\Z"
    rf"|(?<=[{UNSPACED}])\*{{1,3}}|\*{{1,3}}(?=[{UNSPACED}])"
    r"|(?<!\w)_{1,3}(?=[^\W_])|(?<=[^\s_])_{1,3}(?!\w)|~~|`"
    r"|\\\Z"  # a line break; the next line is another sentence
)


@cache
def parser() -> "MarkdownIt":
    """Return the Markdown parser; raises ImportError if it is not installed."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - an extra

    rules = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
    # Indented text is an item of a list, not code. "[Ada]: Hello" is what Ada says, not a link's address.
    # What was escaped stays apart from the text around it, so that it is not taken for markup again.
    return rules.disable(["code", "reference", "text_join"])


class MarkdownToSpeech:
    """Says what `speakable` emits; tracks blocks of code, formulas and comments that span sentences."""

    def __init__(
        self,
        code: str | None,
        urls: Urls,
        tags: SpokenTags | None = None,
        pronunciation: Pronunciation | None = None,
    ) -> None:
        self._code = code
        self._is_sayable = (_SAYABLE if tags is None else _SAYABLE_OR_TAG).search
        self._speaker = _Speaker(urls, self._is_sayable)
        self._tags = tags
        self._pronunciation = pronunciation
        self._before = "\n"
        self._fence = ""  # the opening fence of the current block of code
        self._closing = ""  # the mark that will close the current formula or comment
        self._is_formula = False

    def say(self, text: str, /) -> str:
        """Return what to say of the next sentence; empty if there is nothing to say."""
        if self._tags is None:
            said = self._read(text)
        else:
            text, hidden = self._tags.hide(text)
            said = self._tags.show(self._read(text), hidden)
        return said if self._pronunciation is None else self._pronunciation.say(said)

    def _read(self, text: str) -> str:
        """Return what to say of a sentence of Markdown."""
        sentence = _escape_marker(text, self._before) if text[:1] in _BEFORE_MARKER else text
        self._before = sentence
        if self._fence or self._closing or _BLOCK.search(sentence):
            parts = self._split_blocks(sentence)
        else:
            parts = [self._speaker.say(sentence)]
        return "\n".join(part for part in parts if part)

    def _split_blocks(self, text: str) -> list[str]:
        """Return what to say of each block in the text, and of the text around the blocks."""
        parts: list[str] = []
        lines: list[str] = []
        for line in text.splitlines():
            match = _FENCE.match(line)
            if self._fence:
                if match and closes_fence(match, self._fence):
                    self._fence = ""
            elif self._closing:
                before, closing, after = line.partition(self._closing)
                lines.append(before)
                if closing:
                    parts.append(self._take(lines))
                    self._closing = ""
                    lines.append(after)
            elif match:
                parts += [self._take(lines), self._code or ""]
                self._fence = match["fence"]
            elif opening := _find_opening(line):
                parts.append(self._take(lines))
                lines.append(line[opening.end() :])
                self._is_formula = opening["formula"] is not None
                self._closing = _CLOSING[opening["formula"] or opening["comment"]]
            else:
                lines.append(line)
        return [*parts, self._take(lines)]

    def _take(self, lines: list[str]) -> str:
        """Clear the lines, which are all of one block or all outside; return what to say of them."""
        text = "\n".join(lines)
        lines.clear()
        if not self._closing:
            return self._speaker.say(text)
        formula = latex_to_text(text) if self._is_formula else ""
        return formula if self._is_sayable(formula) else ""


def _find_opening(line: str) -> re.Match[str] | None:
    """Find the start of a formula or comment that does not end in the same line."""
    opening = _OPENING.match(line)
    if opening is None or _CLOSING[opening["formula"] or opening["comment"]] in line[opening.end() :]:
        return None
    return opening


def _escape_marker(text: str, before: str) -> str:
    """Escape what looks like the marker of a list, quote or heading, but stands in the middle of a line.

    White space tells where a line begins. If `split_sentences` has removed it, a sign before a number is text
    after a sentence that is complete and is not an item of a list itself.
    """
    if text[:1].isspace():
        match = None if "\n" in before[-1:] + text[: len(text) - len(text.lstrip())] else _MARKER.match(text)
    elif _SENTENCE_END.search(before[-20:]) and not _ITEM.match(before):
        match = _SIGNED.match(text)
    else:
        match = None
    return text if match is None else f"\\{text[match.end() :]}"


def _cut(line: str) -> Iterator[str]:
    """Cut a line that is too long, if possible at the end of a sentence or of a word."""
    begin = 0
    while len(line) - begin > _LONGEST:
        middle, end = begin + _LONGEST // 2, begin + _LONGEST
        found = (line.rfind(mark, middle, end) + len(mark) for mark in (". ", "。", " "))
        cut = next((at for at in found if at > middle), end)
        yield line[begin:cut]
        begin = cut
    yield line[begin:]


class _Speaker:
    """Says text in Markdown that contains no blocks of code."""

    def __init__(self, urls: Urls, is_sayable: Callable[[str], object]) -> None:
        self._urls: Urls = urls
        self._is_sayable = is_sayable
        self._in_table = False

    def say(self, text: str) -> str:
        """Return what to say, without white space around it; empty if there is nothing to say."""
        if not _MARKUP.search(text):
            self._in_table = False
            return text.strip() if self._is_sayable(text) else ""
        lines = self._say_lines(_INVISIBLE.sub("", text).splitlines())
        if self._urls == "skip":  # may leave "See ." and "()"
            lines = map(close_gaps, lines)
        lines = (" ".join(line.split()) for line in lines)
        return "\n".join(line for line in lines if self._is_sayable(line))

    def _say_lines(self, lines: list[str]) -> Iterator[str]:
        """Yield the lines to say. Rows are rendered here: the parser needs a whole table."""
        group: list[str] = []  # is parsed together
        size = 0
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            row = _ROW.match(line)
            self._in_table = "|" in line and (self._in_table or _is_ruler(line) or _is_ruler(following))
            if row or self._in_table:
                yield from self._render_lines(group)
                group, size = [], 0
                yield self._render_row(row[1] if row else line)
                continue
            short = _SPACES.sub(" ", line)
            if size + len(short) > _LONGEST:
                yield from self._render_lines(group)
                group, size = [], 0
            first, *others = _cut(short)
            group.append(first)
            size += len(first)
            for piece in others:
                yield from self._render_lines(group)
                group, size = [_escape_marker(f" {piece.lstrip()}", "")], len(piece)
        yield from self._render_lines(group)

    def _render_lines(self, lines: list[str]) -> list[str]:
        if not lines:
            return []
        text = _DEFINITION.sub("", "\n".join(lines))
        return _render_blocks(parser().parse(rewrite_for_speech(text, self._urls)))

    def _render_row(self, row: str) -> str:
        if _RULER.match(row):
            return ""
        cells = (piece for cell in _CELL_END.split(_SPACES.sub(" ", row)) for piece in _cut(cell))
        texts = (self._render_cell(cell) for cell in cells)
        return ", ".join(cell for cell in texts if cell)

    def _render_cell(self, cell: str) -> str:
        source = rewrite_for_speech(cell.replace("\\|", "|"), self._urls)
        return "".join(_render_inline(token.children or ()) for token in parser().parseInline(source)).strip()


def _is_ruler(line: str) -> bool:
    """Tell whether a line separates the head of a table from its rows."""
    return "|" in line and _RULER.match(line) is not None


def _render_blocks(tokens: "Iterable[Token]") -> list[str]:
    """Return one line for each block."""
    lines: list[str] = []
    number = ""  # of the item that begins; of several items if they begin in the same line
    for token in tokens:
        if token.type == "list_item_open":
            number += f"{token.info}. " if token.info else ""
        elif token.type == "inline":
            text = _render_inline(token.children or ())
            lines.append(number + text if text.strip() else "")
            number = ""
        elif token.type == "list_item_close":
            lines.append(number)  # what looks like an empty item may be an answer: "4."
            number = ""
    return lines


def _render_inline(tokens: "Iterable[Token]") -> str:
    parts: list[str] = []
    run: list[str] = []  # neighbouring texts; unpaired formatting is found only in their joined text
    for token in tokens:
        if token.type in ("code_inline", "text_special"):
            parts += [_strip_markup("".join(run)), token.content]
            run = []
        elif token.type == "image":
            run.append(_render_inline(token.children or ()))
        elif token.type in ("softbreak", "hardbreak"):
            run.append("\n")
        else:
            run.append(token.content)
    return "".join([*parts, _strip_markup("".join(run))])


def _strip_markup(text: str) -> str:
    """Remove references, emoji and unpaired formatting."""
    text = _BY_REFERENCE.sub(r"\1", _TASK.sub("", text))
    without = _REFERENCE.sub("", text)
    without = _EMOJI.sub("", without)
    without = _UNPAIRED.sub(_keep_name, without)
    return close_gaps(without) if without != text else text


def _keep_name(match: re.Match[str]) -> str:
    return match["name"] or ""
