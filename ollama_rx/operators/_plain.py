"""Take out of a text what nobody would read aloud."""

import re

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
