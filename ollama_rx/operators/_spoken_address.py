"""What a voice should say of an address on the web."""

import re
from typing import Literal

UNSPACED = "\u0e00-\u109f\u1780-\u17ff\u2e80-\ud7ff\uf900-\ufaff\ufe10-\uffef\U00020000-\U0003ffff"
"""Ranges of the scripts that write words without spaces between them; such words end an address."""

# Punctuation and signs that no address has.
_SIGNS = (
    "\u00a1-\u00bf\u00d7\u00f7\u0589\u060c\u061b\u061f\u06d4\u0964\u0965\u1361-\u1368\u2000-\u2bff\u2e00-\u2e7f"
    "\U0001f000-\U0001faff"
)
_FULLWIDTH_SIGNS = (
    "\u3000-\u3004\u3008-\u3020\u3030\ufe10-\ufe6f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
_IN_PATH = (  # words of those scripts only where an encyclopedia has its titles
    rf"[^\s<>()\[\]\"`{UNSPACED}{_SIGNS}]"
    rf"|(?:(?<=/wiki/)|(?<=/item/)|(?<=/w/))(?:(?![{_FULLWIDTH_SIGNS}])[{UNSPACED}])+"
)
_IN_HOST = rf"[^\s/?#:<>()\[\]\"`{UNSPACED}{_SIGNS}]"
_HOST = rf"(?:{_IN_HOST}+|[^\s/?#:<>()\[\]\"`{_SIGNS}\u3000-\u303f\uff00-\uffef]+|\[[\dA-Fa-f:.]+\])"
ADDRESS = (
    r"(?<![A-Za-z0-9])"
    rf"(?:[A-Za-z][A-Za-z0-9+.-]{{1,15}}://(?:[^\s/?#@{UNSPACED}{_SIGNS}]{{1,100}}@)?(?:www\.)?(?P<host>{_HOST})"
    r"|www\.(?P<www>[\w.-]+\w))"
    rf"(?:{_IN_PATH}|\([^\s<>()]*\))*"
)
"""A pattern for an address, with groups for its host. Stands in a group ``url``."""

_END = ".,;:!?'*_~|"  # belongs to the sentence, or is formatting

Urls = Literal["host", "skip", "full"]
"""How to say an address."""


def spoken_address(match: re.Match[str], urls: Urls) -> tuple[str, str]:
    """Return what to say of an `ADDRESS`, and the marks after it, which do not belong to it."""
    address = match["url"].rstrip(_END)
    marks = match["url"][len(address) :]
    if urls == "full":
        return address, marks
    return "" if urls == "skip" else (match["host"] or match["www"]).rstrip(_END), marks
