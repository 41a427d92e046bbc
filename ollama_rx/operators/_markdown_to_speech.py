"""What a voice says of a piece of Markdown; needs markdown-it-py."""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from ollama_rx.operators._latex import plain_formula

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# Without one of these a text is what it says; most sentences of an answer are.
_MARKED = re.compile(
    r"[*_`~\[\]<>|\\$&【\n]|//|www\.|^\s*(?:#|[-+]\s|\d+[.)]\s|[-=]+\s*$)"
    r"|[^\x00-\u1fff\u2010-\u2027\u3000-\ud7ff]"
)
_PYTHON = (  # __names__ that people write about; other words between such marks are emphasised
    "all|annotations|builtins|call|class|contains|del|dict|doc|enter|eq|exit|file|future|getattr|getitem|hash|init"
    "|iter|len|lt|main|module|name|new|next|path|post_init|pycache|repr|setattr|setitem|slots|str|version"
)
_CODE_OR_FORMULA = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`))"
    r"|\[(?P<cited>\[?\^?[1-9]\d{0,2}\]?)\]\(https?://(?:[^\s()]|\([^\s()]*\))*(?:\s+\"[^\"\n]*\")?\)"
    r"|\\\[(?P<display>.+?)\\\]|\\\((?P<inline>.+?)\\\)|\$\$(?P<double>.+?)\$\$"
    r"|(?<![\w$\\])\$(?![\s$])(?P<single>[^$\n]*?[^\s$\\])\$(?![\d\w$])"
    r"|(?P<product>(?<=\d)\*+(?=\w)|(?<=\w)\*+(?=\d)|(?<=\b[A-Za-z])\*{1,2}(?=[A-Za-z]\b)"
    r"|(?<=[A-Za-z0-9)])\*(?=\()|(?<=\))\*(?=[A-Za-z0-9]))"
    rf"|(?P<dunder>(?<!\w)__(?:{_PYTHON})__(?!\w))",
    re.DOTALL,
)
_PRICE = re.compile(r"\d[\d.,]*[kKmM]?\s+[A-Za-z]{2}")
_DEFINITION = re.compile(  # where a link goes that is elsewhere
    r"^[ >]*\[[^\[\]\n]+\]:[ \t]*(?:<[^<>\n]*>|(?:(?:https?|ftp|file|mailto|data):|www\.|\.{0,2}/)\S*)"
    r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?[ \t]*$",
    re.MULTILINE,
)
_UNDERLINE = re.compile(r"\s*={3,}\s*")  # of a heading that was the sentence before
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
# An attribute needs its "=" or is one of those that have none, so that "a <b and c> d" is no tag.
_ATTRIBUTE = (
    r"(?:[\w:-]+=(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+)"
    "|open|controls|hidden|disabled|checked|selected|required|autoplay|loop|muted|async|defer|reversed)"
)
_TAG = re.compile(
    rf"<!--.*?-->|</?(?:{'|'.join(_TAGS.split())})(?:\s+{_ATTRIBUTE})*\s*/?>", re.IGNORECASE | re.DOTALL
)
_IN_A_LINE = re.compile(  # the text before them goes on after them
    r"<!|</?(?:abbr|a|b|cite|code|del|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|style"
    r"|sub|sup|time|tt|u|var|wbr)\b",
    re.IGNORECASE,
)
_EAST = (
    "\u3000-\u30ff\u3400-\u9fff\uac00-\ud7a3\uff00-\uffef“”‘’"  # nothing parts it from an address before it
)
_PATH = rf"(?:[^\s<>()\[\]{_EAST}]|\([^\s<>()]*\))*"
_ADDRESS = re.compile(
    rf"(?:https?|ftp)://(?:[^\s/?#@{_EAST}]*@)?(?:www\.)?([^\s/?#:<>()\[\]\u3000-\u303f\uff00-\uffef]+){_PATH}"
    rf"|\bwww\.([\w.-]+\w){_PATH}"
)
_ADDRESS_END = re.compile(r"[.,;:!?'\"”’*_~]+\Z")
_NUMBER = r"[1-9]\d{0,2}"  # [0] is an index, [2024] a year
_MARK = rf"(?:\[\^?{_NUMBER}(?:\s*[,;–-]\s*{_NUMBER})*\]|\[\^\w+\]|【[^】]*】)"
_MARKS = rf"{_MARK}(?:[,;]?[ \t]?{_MARK})*"
# After a sign such as "=" or "∈", or after "]", it is a list, an interval or an index.
_REFERENCE = re.compile(
    rf"^\[(?:\^\w+|{_NUMBER})\]:|(?<![ \t=<>+*/×·≤≥≠≈∈∉⊂⊆\]])[ \t]*(?:{_MARKS}|\({_MARKS}\))", re.MULTILINE
)
_TASK = re.compile(r"\A\s*\[[ xX]\]\s+")
_BRACKETED = re.compile(r"!?\[(?!\^?\d+\])([^\[\]]*)\]\[[^\[\]]*\]")
_EMOJI = re.compile(  # but not flats and sharps, and no numbers in circles
    "[\U0001f000-\U0001faff\u2600-\u266c\u2670-\u2775\u2794-\u27bf\u2b00-\u2bff\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa"
    "\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2934\u2935\u3030\u303d]"
    "(?:[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]|\u200d(?=[\U0001f000-\U0001faff\u2600-\u27bf]))*"
    "|[\ufe0f\u20e3]"
)
_LEFT_OVER = re.compile(  # one half of a pair whose other half is in another sentence
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
    # What is indented is an item of a list, not code; "[Ada]: Hello" is what Ada says, not where a link goes.
    return rules.disable(["code", "reference"])


def spoken(text: str) -> str:
    """Return what to say, without white space around it; empty if that is nothing."""
    if not _MARKED.search(text):
        return text.strip()
    if _UNDERLINE.fullmatch(text):
        return ""
    return "\n".join(line for line in (" ".join(line.split()) for line in _said(text)) if line)


def _said(text: str) -> list[str]:
    """Take rows of a table that come without their table apart, since no parser knows them."""
    lines = text.splitlines()
    if any(_RULER.match(line) and "|" in line for line in lines[1:]):
        return _parsed(lines)  # a whole table
    said: list[str] = []
    others: list[str] = []
    for line in lines:
        row = _ROW.match(line)
        if row is None:
            others.append(line)
        else:
            said += [*_parsed(others), _cells(row[1])]
            others.clear()
    return [*said, *_parsed(others)]


def _parsed(lines: list[str]) -> list[str]:
    text = _DEFINITION.sub("", "\n".join(lines))
    return _blocks(parser().parse(_CODE_OR_FORMULA.sub(_protected, text)))


def _cells(row: str) -> str:
    if _RULER.match(row):
        return ""
    cells = (_CODE_OR_FORMULA.sub(_protected, cell.replace("\\|", "|")) for cell in _CELL_END.split(row))
    said = (_inline(token.children or ()).strip() for cell in cells for token in parser().parseInline(cell))
    return ", ".join(cell for cell in said if cell)


def _protected(match: re.Match[str]) -> str:
    """Escape what the parser would take for formatting."""
    if match["code"]:
        return match[0]
    if match["cited"]:
        return f"[{match['cited'].strip('[]')}]"
    if match["product"] or match["dunder"]:
        return _SPECIAL.sub(r"\\\1", match[0])
    if match["single"] and _PRICE.match(match["single"]):
        return match[0]
    formula = match["display"] or match["inline"] or match["double"] or match["single"]
    return _SPECIAL.sub(r"\\\1", plain_formula(formula))


def _blocks(tokens: "Iterable[Token]") -> list[str]:
    """Return a line for each block and row."""
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
            text = _inline(token.children or ())
            if cells is not None:
                cells.append(text.strip())
            else:
                lines.append(number + text if text.strip() else "")
                number = ""
    return lines


def _inline(tokens: "Iterable[Token]") -> str:
    parts: list[str] = []
    run: list[str] = []  # neighbouring texts: what is left of a formatting pair shows in their whole
    for token in tokens:
        if token.type == "code_inline":
            parts += [plain("".join(run)), token.content]
            run = []
        elif token.type == "image":
            run.append(_inline(token.children or ()))
        elif token.type in ("softbreak", "hardbreak"):
            run.append("\n")
        else:
            run.append(token.content)
    return "".join([*parts, plain("".join(run))])


def plain(text: str) -> str:
    """Return a text without tags, addresses, references, emoji and halves of formatting pairs."""
    text = _TASK.sub("", text)
    text = _TAG.sub(_instead_of_tag, text)
    text = _ADDRESS.sub(_host, text)
    text = _BRACKETED.sub(r"\1", text)
    without = _REFERENCE.sub("", text)
    without = _EMOJI.sub("", without)
    without = _LEFT_OVER.sub(_name, without)
    return _SPACE_BEFORE_MARK.sub("", without) if without != text else text


def _instead_of_tag(match: re.Match[str]) -> str:
    return "" if _IN_A_LINE.match(match[0]) else " "


def _host(match: re.Match[str]) -> str:
    host = match[1] or match[2]
    end = _ADDRESS_END.search(match[0])
    marks = end[0] if end is not None else ""
    return host.rstrip(marks) + marks


def _name(match: re.Match[str]) -> str:
    return match["name"] or ""
