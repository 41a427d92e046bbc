"""Which characters may end, close, open or accompany a sentence, over all scripts.

Source: the properties STerm, ATerm and Close of Unicode Standard Annex 29; closing marks are narrowed to
what a language model writes.
"""

import re
from collections.abc import Iterable
from typing import Final

from ollama_rx.operators._sentences.sentence_terminal import SENTENCE_TERMINAL

LINE_ENDS: Final = "\n\u2028\u2029"
SPACES: Final = " \t\u00a0\u2009\u202f\u3000"
QUESTION_OR_EXCLAMATION: Final = "!?！？؟‼‽⁇⁈⁉፧︕︖﹖﹗"
DOTS: Final = ".…．․﹒"
# These always end a sentence: in their scripts they are not used in abbreviations or numbers.
FULL_STOPS: Final = "၏" + "".join(
    char for char in SENTENCE_TERMINAL if char not in QUESTION_OR_EXCLAMATION + DOTS
)
MARKS: Final = FULL_STOPS + QUESTION_OR_EXCLAMATION + DOTS
BULLETS: Final = "•⁃◦‣▪"
# Invisible marks of the writing direction, which stand next to marks in Arabic and Hebrew.
DIRECTIONS: Final = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
OPENERS: Final = "\"'“‘«‹„‚「『《〈（(【[{¿¡*_<–—―-" + DIRECTIONS
CLOSERS: Final = "\"'”’»›«‹)]}」』】》〉）*_~$\\`" + DIRECTIONS
QUOTES: Final = "\"”’'»"  # those that close
OPEN_OR_CLOSE: Final = "“‘"  # German closes with them, English opens: a letter after them means "open"
CURRENCY: Final = "$€£¥₹₽₩#@§°\\~→🛈"
SYMBOLS: Final = "=+%&/^≈≠≤≥±×÷√∑∏∫∂∇∞∴∵∀∃¬∧∨©®™"
# Arrows, dingbats, pictographs and the joiners inside them.
EMOJI: Final = "\u200d\u20e3\ufe0f\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"

QUOTE_PAIRS: Final = {"“": "”", "„": "“”", "「": "」", "『": "』", "«": "»"}
TITLE_BRACKETS: Final = "《〈"  # they enclose a title; marks inside belong to the title
BRACKET_PAIRS: Final = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "《": "》", "〈": "〉"}

_CJK: Final = "[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]"  # compiled at first use: that takes milliseconds
_PLANE: Final = 0x10000  # characters of the basic multilingual plane
_CJK_WEIGHT: Final = 3  # a CJK character carries about as much as three Latin letters


def is_wide(char: str) -> bool:
    """Return whether a character belongs to a script that is written without spaces."""
    return (
        "\u2e80" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" or "\U00020000" <= char <= "\U0003ffff"
    )


def weight(text: str) -> int:
    """Return the length of a text, counted in Latin letters."""
    if text.isascii():
        return len(text)
    return len(text) + (_CJK_WEIGHT - 1) * len(re.findall(_CJK, text))


def one_of(characters: str) -> str:
    """Return a regular expression class of these characters."""
    return f"[{re.escape(characters)}]"


def one_of_and_rare(characters: Iterable[str]) -> str:
    """Return a regular expression class of these characters and all beyond the basic multilingual plane.

    Emoji and the marks of historic scripts are there. A class that lists them is eight times slower, so it
    names what it does not contain instead.
    """
    codes = sorted(code for code in map(ord, characters) if code < _PLANE)
    gaps = zip((-1, *codes), (*codes, _PLANE), strict=False)
    return "[^" + "".join(rf"\u{low + 1:04x}-\u{high - 1:04x}" for low, high in gaps if high - low > 1) + "]"


CLOSING: Final = rf"(?:{one_of(CLOSERS)}|{one_of(OPEN_OR_CLOSE)}(?!\w))*+"
