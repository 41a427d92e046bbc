"""Which characters may end, close, open or accompany a sentence, over all scripts.

Source: the properties STerm, ATerm and Close of Unicode Standard Annex 29, narrowed to what a
language model writes.
"""

import re
from typing import Final

LINE_ENDS: Final = "\n\u2028\u2029"
SPACES: Final = " \t\u00a0\u2009\u202f\u3000"
# End a sentence by themselves: in these scripts no abbreviation or number carries them.
FULL: Final = "。｡।॥۔։።၏။៕᠃᠉"
ASKS: Final = "!?！？؟‼⁇⁈⁉፧"
DOTS: Final = ".…．"
MARKS: Final = FULL + ASKS + DOTS
BULLETS: Final = "•⁃◦‣▪"
# Invisible marks of the writing direction, which stand next to marks in Arabic and Hebrew.
DIRECTIONS: Final = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
OPENERS: Final = "\"'“‘«‹„‚「『《〈（(【[{¿¡*_<–—―-" + DIRECTIONS
CLOSERS: Final = "\"'”’»›«)]}」』】》〉）*_~$\\" + DIRECTIONS
OPEN_OR_CLOSE: Final = "“‘"  # close in German, open in English: the letter after them tells
CURRENCY: Final = "$€£¥₹₽₩#@§°\\~→🛈"
# Arrows, dingbats, pictographs and the joiners inside them.
EMOJI: Final = "\u200d\u20e3\ufe0f\u2190-\u21ff\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"

QUOTE_PAIRS: Final = {"“": "”", "„": "“”", "「": "」", "『": "』", "«": "»"}
# 《》 and 〈〉 hold a title, whose marks are its own.
BRACKET_PAIRS: Final = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "《": "》", "〈": "〉"}


def is_wide(char: str) -> bool:
    """Tell whether a character belongs to a script that is written without spaces."""
    return (
        "\u2e80" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" or "\U00020000" <= char <= "\U0003ffff"
    )


def one_of(characters: str) -> str:
    """Return a regular expression class of these characters."""
    return f"[{re.escape(characters)}]"


CLOSING: Final = rf"(?:{one_of(CLOSERS)}|{one_of(OPEN_OR_CLOSE)}(?!\w))*+"
