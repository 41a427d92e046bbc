"""Turn Markdown into text for a voice; needs markdown-it-py."""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from ollama_rx.operators._latex import latex_to_text
from ollama_rx.rx import Emitter

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FENCE = re.compile(r"[ \t]*(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)\Z")
_OPENING = re.compile(r"[ \t>]*(?:(?P<formula>\$\$(?=\S|\s*\Z)|\\\[)|(?P<comment><!--))")
_CLOSING = {"$$": "$$", "\\[": "\\]", "<!--": "-->"}
_BLOCK = re.compile(r"```|~~~|\$\$|\\\[|<!--")
# Text without any of these stays as it is; most sentences of an answer have none.
_MARKUP = re.compile(
    r"[*_`~\[\]<>|\\$&【\n]|//|www\.|^\s*(?:#|[-+]\s|\d+[.)]\s|[-=]+\s*$)"
    r"|[^\x00-\u1fff\u2010-\u2027\u3000-\ud7ff]"
)
_DUNDER_NAMES = (  # __names__ that people write about; other words between double underscores are bold
    "all|annotations|builtins|call|class|contains|del|dict|doc|enter|eq|exit|file|future|getattr|getitem|hash|init"
    "|iter|len|lt|main|module|name|new|next|path|post_init|pycache|repr|setattr|setitem|slots|str|version"
)
_PROTECTED = re.compile(  # what the parser must not take for formatting
    r"(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|\[(?P<cited>\[?\^?[1-9]\d{0,2}\]?)\]\(https?://(?:[^\s()]|\([^\s()]*\))*(?:\s+\"[^\"\n]*\")?\)"
    r"|\\\[(?P<display>.+?)\\\]|\\\((?P<inline>.+?)\\\)|\$\$(?P<double>.+?)\$\$"
    r"|(?<![\w$\\])\$(?![\s$])(?P<single>[^$\n]*?[^\s$\\])\$(?![\d\w$])"
    r"|(?P<product>(?<=\d)\*+(?=\w)|(?<=\w)\*+(?=\d)|(?<=\b[A-Za-z])\*{1,2}(?=[A-Za-z]\b)"
    r"|(?<=[A-Za-z0-9)])\*(?=\()|(?<=\))\*(?=[A-Za-z0-9]))"
    rf"|(?P<dunder>(?<!\w)__(?:{_DUNDER_NAMES})__(?!\w))",
    re.DOTALL,
)
_PRICE = re.compile(r"\d[\d.,]*[kKmM]?\s+[A-Za-z]{2}")
_DEFINITION = re.compile(  # of a link that is used by reference
    r"^[ >]*\[[^\[\]\n]+\]:[ \t]*(?:<[^<>\n]*>|(?:(?:https?|ftp|file|mailto|data):|www\.|\.{0,2}/)\S*)"
    r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*$",
    re.MULTILINE,
)
_UNDERLINE = re.compile(r"\s*={3,}\s*")  # of a heading, which came as the sentence before
_ROW = re.compile(r"\s*\|(.*)\|\s*\Z")
_RULER = re.compile(r"[\s|:+-]*-[\s|:+-]*\Z")
_CELL_END = re.compile(r"(?<!\\)\|")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#+\-.!|~$&])")
_TAGS = (
    "a abbr address article aside audio b blockquote body br button caption center cite code col dd del "
    "details div dl dt em figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i "
    "iframe img input ins kbd label li link main mark meta nav ol option p picture pre q s samp script "
    "section select small span strike strong style sub summary sup table tbody td template tfoot th "
    "thead time title tr tt u ul var video wbr "
)
# An attribute has a "=" or is one of those that have no value: "a <b and c> d" contains no tag.
_ATTRIBUTE = (
    r"(?:[\w:-]+=(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+)"
    "|open|controls|hidden|disabled|checked|selected|required|autoplay|loop|muted|async|defer|reversed)"
)
_TAG = re.compile(
    rf"<!--.*?-->|</?(?:{'|'.join(_TAGS.split())})(?:\s+{_ATTRIBUTE})*\s*/?>", re.IGNORECASE | re.DOTALL
)
_INLINE_TAG = re.compile(  # does not separate the text before it from the text after it
    r"<!|</?(?:abbr|a|b|cite|code|del|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|style"
    r"|sub|sup|time|tt|u|var|wbr)\b",
    re.IGNORECASE,
)
_CJK = (  # end an address even without a space between
    "\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff00-\uffef“”‘’"
)
_PATH = rf"(?:[^\s<>()\[\]{_CJK}]|\([^\s<>()]*\))*"
_ADDRESS = re.compile(
    rf"(?:https?|ftp)://(?:[^\s/?#@{_CJK}]*@)?(?:www\.)?([^\s/?#:<>()\[\]\u3000-\u303f\uff00-\uffef]+){_PATH}"
    rf"|\bwww\.([\w.-]+\w){_PATH}"
)
_ADDRESS_END = re.compile(r"[.,;:!?'\"”’*_~]+\Z")
_NUMBER = r"[1-9]\d{0,2}"  # [0] is an index, [2024] is a year
_CITATION = rf"(?:\[\^?{_NUMBER}(?:\s*[,;–-]\s*{_NUMBER})*\]|\[\^\w+\]|【[^】]*】)"
_CITATIONS = rf"{_CITATION}(?:[,;]?[ \t]?{_CITATION})*"
# Brackets after a sign such as "=" or "∈", or after "]", are a list, an interval or an index.
_REFERENCE = re.compile(
    rf"^\[(?:\^\w+|{_NUMBER})\]:|(?<![ \t=<>+*/×·≤≥≠≈∈∉⊂⊆\]])[ \t]*(?:{_CITATIONS}|\({_CITATIONS}\))",
    re.MULTILINE,
)
_TASK = re.compile(r"\A\s*\[[ xX]\]\s+")
_BRACKETED = re.compile(r"!?\[(?!\^?\d+\])([^\[\]]*)\]\[[^\[\]]*\]")
_EMOJI = re.compile(  # but not ♭, ♯ and circled numbers: a voice can read them
    "[\U0001f000-\U0001faff\u2600-\u266c\u2670-\u2775\u2794-\u27bf\u2b00-\u2bff\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa"
    "\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2934\u2935\u3030\u303d]"
    "(?:[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d(?=[\U0001f000-\U0001faff\u2600-\u27bf]))*"
    "|[\ufe0f\u20e3]"
)
_UNPAIRED = re.compile(  # one half of a formatting pair; the other half is in another sentence
    r"(?P<name>(?<!\w)__\w+__(?!\w)|\b[A-Z]\*(?![\w*]))"  # the A* algorithm
    r"|(?<![\w*)])\*{1,3}(?=[^\s*])|(?<=[^\s*])\*{1,3}(?![\w*(])|\A\s*\*{2,3}\s*\Z"
    r"|(?<!\w)_{1,3}(?=[^\W_])|(?<=[^\s_])_{1,3}(?!\w)|~~|`"
)
_SPACE_BEFORE_MARK = re.compile(r"[ \t]+(?=[.,;:!?](?:\s|\Z))")


@cache
def parser() -> "MarkdownIt":
    """Return the Markdown parser; raises ImportError if it is not installed."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - an extra

    rules = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # Indented text is an item of a list, not code. "[Ada]: Hello" is what Ada says, not a link's address.
    return rules.disable(["code", "reference"])


class MarkdownToSpeech:
    """The machine of `speakable`; tracks blocks of code, formulas and comments that span sentences."""

    def __init__(self, out: Emitter[str], code: str | None) -> None:
        self._emit = out.emit
        self._code = code
        self._fence = ""  # the opening fence of the current block of code
        self._closing = ""  # the mark that will close the current formula or comment
        self._is_formula = False

    def feed(self, text: str, /) -> None:
        """Emit what to say of one sentence, if there is anything to say."""
        if self._fence or self._closing or _BLOCK.search(text):
            parts = self._split_blocks(text)
        else:
            parts = [spoken_text(text)]
        spoken = "\n".join(part for part in parts if part)
        if spoken:
            self._emit(spoken)

    def _split_blocks(self, text: str) -> list[str]:
        """Return what to say of each block in the text, and of the text around the blocks."""
        parts: list[str] = []
        lines: list[str] = []
        for line in text.splitlines():
            match = _FENCE.match(line)
            if self._fence:
                if match and match["fence"].startswith(self._fence) and not match["info"].strip():
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
            return spoken_text(text)
        return latex_to_text(text) if self._is_formula else ""


def _find_opening(line: str) -> re.Match[str] | None:
    """Find the start of a formula or comment that does not end in the same line."""
    opening = _OPENING.match(line)
    if opening is None or _CLOSING[opening["formula"] or opening["comment"]] in line[opening.end() :]:
        return None
    return opening


def spoken_text(text: str) -> str:
    """Return what to say of Markdown, without white space around it; empty if there is nothing to say."""
    if not _MARKUP.search(text):
        return text.strip()
    if _UNDERLINE.fullmatch(text):
        return ""
    return "\n".join(line for line in (" ".join(line.split()) for line in _spoken_lines(text)) if line)


def _spoken_lines(text: str) -> list[str]:
    """Return the lines to say. Rows without their table are rendered here: the parser needs a whole table."""
    lines = text.splitlines()
    if any(_RULER.match(line) and "|" in line for line in lines[1:]):
        return _render_markdown(lines)  # a whole table
    spoken: list[str] = []
    others: list[str] = []
    for line in lines:
        row = _ROW.match(line)
        if row is None:
            others.append(line)
        else:
            spoken += [*_render_markdown(others), _render_row(row[1])]
            others.clear()
    return [*spoken, *_render_markdown(others)]


def _render_markdown(lines: list[str]) -> list[str]:
    text = _DEFINITION.sub("", "\n".join(lines))
    return _render_blocks(parser().parse(_PROTECTED.sub(_escape, text)))


def _render_row(row: str) -> str:
    if _RULER.match(row):
        return ""
    cells = (_PROTECTED.sub(_escape, cell.replace("\\|", "|")) for cell in _CELL_END.split(row))
    texts = (
        _render_inline(token.children or ()).strip() for cell in cells for token in parser().parseInline(cell)
    )
    return ", ".join(cell for cell in texts if cell)


def _escape(match: re.Match[str]) -> str:
    """Escape characters that the parser would take for formatting."""
    if match["code"]:
        return match[0]
    if match["cited"]:
        return f"[{match['cited'].strip('[]')}]"
    if match["product"] or match["dunder"]:
        return _SPECIAL.sub(r"\\\1", match[0])
    if match["single"] and _PRICE.match(match["single"]):
        return match[0]
    formula = match["display"] or match["inline"] or match["double"] or match["single"]
    return _SPECIAL.sub(r"\\\1", latex_to_text(formula))


def _render_blocks(tokens: "Iterable[Token]") -> list[str]:
    """Return one line for each block and each row of a table."""
    lines: list[str] = []
    cells: list[str] | None = None
    number = ""
    for token in tokens:
        if token.type == "list_item_open":
            number = f"{token.info}. " if token.info else ""
        elif token.type == "tr_open":
            cells = []
        elif token.type == "tr_close" and cells is not None:
            lines.append(", ".join(cell for cell in cells if cell))
            cells = None
        elif token.type == "inline":
            text = _render_inline(token.children or ())
            if cells is not None:
                cells.append(text.strip())
            else:
                lines.append(number + text if text.strip() else "")
                number = ""
    return lines


def _render_inline(tokens: "Iterable[Token]") -> str:
    parts: list[str] = []
    run: list[str] = []  # neighbouring texts; unpaired formatting is found only in their joined text
    for token in tokens:
        if token.type == "code_inline":
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
    """Remove tags, references, emoji and unpaired formatting; shorten each address to its host."""
    text = _TASK.sub("", text)
    text = _TAG.sub(_replace_tag, text)
    text = _ADDRESS.sub(_host, text)
    text = _BRACKETED.sub(r"\1", text)
    without = _REFERENCE.sub("", text)
    without = _EMOJI.sub("", without)
    without = _UNPAIRED.sub(_keep_name, without)
    return _SPACE_BEFORE_MARK.sub("", without) if without != text else text


def _replace_tag(match: re.Match[str]) -> str:
    return "" if _INLINE_TAG.match(match[0]) else " "


def _host(match: re.Match[str]) -> str:
    host = match[1] or match[2]
    end = _ADDRESS_END.search(match[0])
    marks = end[0] if end is not None else ""
    return host.rstrip(marks) + marks


def _keep_name(match: re.Match[str]) -> str:
    return match["name"] or ""
