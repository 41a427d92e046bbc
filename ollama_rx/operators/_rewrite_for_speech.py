"""Rewrite Markdown so that its parser gives what a voice should say."""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import TypeAlias

from ollama_rx.operators._latex import latex_to_text
from ollama_rx.operators._spoken_address import ADDRESS, Urls, spoken_address

_DUNDER_NAMES = (  # __names__ that people write about; other words between double underscores are bold
    "all|annotations|builtins|call|class|contains|del|dict|doc|enter|eq|exit|file|future|getattr|getitem|hash|init"
    "|iter|len|lt|main|module|name|new|next|path|post_init|pycache|repr|setattr|setitem|slots|str|version"
)
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
_TAG = rf"<!--.*?-->|</?(?:{'|'.join(_TAGS.split())})(?:\s+{_ATTRIBUTE})*\s*/?>"
_STAR = r"(?:\*\*?|\w*[\w-]?\*(?:\.[\w-]+)+|\*?\.\*)"  # a part of a path that has a wildcard
_PART = r"[\w.~@$-]*"
_GLOB = (
    rf"(?<![^\s(\"'“\[,:={{])(?:(?:{_PART}/)+{_STAR}|\*\*?(?=/)|[\w-]*\*(?:\.[\w-]+)+|\*?\.\*)"
    rf"(?:/(?:{_STAR}|{_PART}))*(?![\w*/])"
)
_PRICE = re.compile(r"\d[\d.,]*[kKmM]?\s+[A-Za-z]{2}")
_NO_WORD = frozenset("\n.,;:!?-+#>|([/")
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#+\-.!|~$&])")
_INLINE_TAG = re.compile(  # does not separate the text before it from the text after it
    r"<!|</?(?:abbr|a|b|cite|code|del|em|font|i|ins|kbd|label|mark|q|s|samp|small|span|strike|strong|style"
    r"|sub|sup|time|tt|u|var|wbr)\b",
    re.IGNORECASE,
)

_Match: TypeAlias = re.Match[str]


def rewrite_for_speech(text: str, urls: Urls) -> str:
    r"""Return Markdown of which the parser takes no wildcards, names or formulas for formatting.

    >>> print(rewrite_for_speech(r"**/*.py and \(2 \cdot x\) → *see* https://x.org/a_b", "host"))
    \*\*/\*.py and 2 · x, *see* x\.org
    """
    rules = _compile_rules("*" in text, "//" in text or "www." in text or "mailto:" in text)
    return rules.sub(partial(_rewrite, urls=urls), text)


def _rewrite(match: _Match, urls: Urls) -> str:
    rule = match.lastgroup or ""
    if rule == "address":
        spoken, marks = spoken_address(match, urls)
        return _escape(spoken) + marks
    return _RULES[rule][1](match)


def _escape(text: str) -> str:
    """Escape characters that the parser would take for formatting."""
    return _SPECIAL.sub(r"\\\1", text)


def _keep(match: _Match) -> str:
    return match[0]


def _keep_literally(match: _Match) -> str:
    return _escape(match[0])


def _replace_with(text: str) -> Callable[[_Match], str]:
    return lambda _: text


def _replace_tag(match: _Match) -> str:
    return "" if _INLINE_TAG.match(match[0]) else " "


def _unlink_citation(match: _Match) -> str:
    return f"[{match['citation'].strip('[]')}]"


def _pause(match: _Match) -> str:
    """Return a comma if words stand before and after the match."""
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    if before and after and not {before, after} & _NO_WORD:
        return ", "
    return "" if after in ".,;:!?" else " "


def _replace_formula(match: _Match) -> str:
    return _escape(latex_to_text(match[0][2:-2]))


def _replace_command(match: _Match) -> str:
    return _escape(latex_to_text(match[0]))


def _replace_dollar_formula(match: _Match) -> str:
    formula = match[0][1:-1]
    return match[0] if _PRICE.match(formula) else _escape(latex_to_text(formula))


_CITED = (
    r"\[(?P<citation>\[?\^?[1-9]\d{0,2}\]?)\]"
    r"\(https?://(?:[^\s()]|\([^\s()]*\))*(?:\s+\"[^\"\n]*\")?\)"
)
_PRODUCT = (
    r"(?=\*)(?:(?<=\d)\*+(?=\w)|(?<=\w)\*+(?=\d)|(?<=\b[A-Za-z])\*{1,2}(?=[A-Za-z]\b)"
    r"|(?<=[A-Za-z0-9)])\*(?=\()|(?<=\))\*(?=[A-Za-z0-9]))"
)
_SPREAD = (  # f(*args, **kwargs)
    r"(?=\*)(?:(?<=\w\()\*\*?(?=[A-Za-z_]\w*(?![\w*]))|(?<=[(,] )\*\*?(?=\w+\))"
    r"|(?<![\w*])\*\*?(?=(?:args|kwargs|kw)\b(?!\*))|(?<=[ (])\*(?=[,;)]))"
)
_ARROWS = r"[\u2190-\u21ff\u2794\u2798-\u27af\u27b1-\u27be\u27f0-\u27ff\u2900-\u297f\u2b00-\u2b11]+\ufe0f?"
_ARROW = rf"(?=[ \t]*[-=<\u2190-\u2b11])[ \t]*(?:{_ARROWS}|(?<!\S)(?:<?[-=]{{1,2}}>|<-{{1,2}})(?!\S))[ \t]*"
_TEX_QUOTE = r"``(?=[^\s`][^`]*(?:''|&#39;&#39;))"

# Of the rules that match at a position, the first counts.
_RULES: dict[str, tuple[str, Callable[[_Match], str]]] = {
    "quote": (_TEX_QUOTE, _replace_with("“")),
    "code": (r"(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)", _keep),
    "cited": (_CITED, _unlink_citation),
    "target": (r"\]\([ \t]*(?:<[^<>\n]*>|(?:[^\s()<>]|\([^\s()<>]*\))+)", _keep),  # of a link
    "tag": (rf"(?i:{_TAG})", _replace_tag),
    "address": (rf"<?(?P<url>{ADDRESS})>?", _keep),  # see `_rewrite`
    "mail": (r"\bmailto:(?=[^\s@]{1,100}@)", _replace_with("")),
    "display": (r"\\\[[^\\]*(?:\\[^\[\]][^\\]*)*\\\]", _replace_formula),
    "inline": (r"\\\([^\\]*(?:\\[^()][^\\]*)*\\\)", _replace_formula),
    "boxed": (r"\\boxed\{(?:[^{}\n]|\{[^{}\n]*\})*\}", _replace_command),
    "double": (r"\$\$(?<!\$\$\$)(?!\$).+?(?<!\$)\$\$(?!\$)", _replace_formula),
    "single": (r"\$(?<![\w$\\]\$)(?![\s$])[^$\n]*?[^\s$\\]\$(?![\d\w$])", _replace_dollar_formula),
    "glob": (_GLOB, _keep_literally),
    "escaped": (r"\\(?:(?<![\w\\]\\)\*(?=\w)|(?<=\w\\)\*(?![\w(.]))", _replace_with("")),  # \*text\*
    "product": (_PRODUCT, _keep_literally),
    "spread": (_SPREAD, _keep_literally),
    "dunder": (rf"__(?<!\w__)(?:{_DUNDER_NAMES})__(?!\w)", _keep_literally),
    "arrow": (_ARROW, _pause),
    "bullet": (
        r"^[ \t]*(?:[•‣\u2043◦●○■□▪▸►][ \t]+|[\u2500-\u259f][ \t\u2500-\u259f]*)",
        _replace_with("- "),
    ),
    "drawing": (r"[\u2500-\u259f]+", _replace_with(" ")),
}
_FOR_STARS = frozenset({"glob", "escaped", "product", "spread"})
_FOR_ADDRESSES = frozenset({"address", "mail"})
_NONE: frozenset[str] = frozenset()


@cache
def _compile_rules(stars: bool, addresses: bool) -> re.Pattern[str]:  # noqa: FBT001
    """Compile the rules for text with or without stars and addresses: each rule takes time at each letter."""
    left_out = (_NONE if stars else _FOR_STARS) | (_NONE if addresses else _FOR_ADDRESSES)
    rules = (f"(?P<{name}>{pattern})" for name, (pattern, _) in _RULES.items() if name not in left_out)
    return re.compile("|".join(rules), re.DOTALL | re.MULTILINE)
