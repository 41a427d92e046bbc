"""What a voice says of a piece of Markdown; needs markdown-it-py."""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

from ollama_rx.operators._latex import plain_formula
from ollama_rx.operators._plain import plain

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
