"""Where text must not be cut: inside what a reader sees as one character.

The rules are those of Unicode's extended grapheme clusters (https://unicode.org/reports/tr29/), decided
from `unicodedata` without tables of our own. Where a rule would need a property that Python does not
have, more is kept together than necessary: a zero width joiner joins whatever symbol follows, and all
spacing marks join. White space is never joined to what stands before it.
"""

import unicodedata

_JOINER = "\u200d"
_SYLLABLES = {
    "L": ("L", "V", "LV", "LVT"),
    "LV": ("V", "T"),
    "V": ("V", "T"),
    "LVT": ("T",),
    "T": ("T",),
    "": (),
}
_EXTENDING = frozenset(
    "\u200c\u0e33\u0eb3\uff9e\uff9f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff" + _JOINER
)
# Conjunct linkers (Indic_Conjunct_Break=Linker, Unicode 17): the consonant after them is joined.
_LINKERS = frozenset(
    "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2\u1a60\u1b44\u1bab\ua9c0\uaaf6"
    "\U00010a3f\U00011133\U000113d0\U0001193e\U00011a47\U00011a99\U00011f42"
)
# Grapheme_Cluster_Break=Prepend: they belong to the letter or digit after them.
_PREPENDED = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd"
    "\U000111c2\U000111c3\U000113d1\U0001193f\U00011941\U00011a3a\U00011a84\U00011a85\U00011a86"
    "\U00011a87\U00011a88\U00011a89\U00011d46\U00011f02"
)


def joined(text: str, place: int) -> bool:
    """Say whether the characters before and after a place are one grapheme.

    The text must begin at a boundary; nothing is joined at its beginning and its end.

    >>> joined("e\u0301a", 1), joined("e\u0301a", 2)
    (True, False)
    """
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if before < "\u0300" and after < "\u0300":
        return before == "\r" and after == "\n"
    if before < " " or after.isspace() or _is_control(before):
        return False
    return (
        _extends(after)
        or (_reaches_on(before, after) and not _is_control(after))
        or (_is_flag_half(after) and _flag_halves(text, place) % 2 == 1)
        or _hangul(after) in _SYLLABLES[_hangul(before)]
        or (_is_consonant(after) and _is_linked(text, place))
    )


def after_joined(text: str, place: int) -> int:
    """Return the first place from this one on where no grapheme is cut."""
    while joined(text, place):
        place += 1
    return place


def last_start(text: str) -> int:
    """Return where the last grapheme of a text that begins at a boundary starts."""
    start = len(text) - 1
    while start > 0 and joined(text, start):
        start -= 1
    return max(start, 0)


def _extends(character: str) -> bool:
    if character in _EXTENDING or unicodedata.category(character) in ("Mn", "Me", "Mc"):
        return True
    return "\U000e0020" <= character <= "\U000e007f"  # the tags of a region's flag


def _reaches_on(before: str, after: str) -> bool:
    if before == _JOINER:
        return after > "\u00a8" and (after == "\u2139" or not after.isalnum())  # an emoji, as far as we know
    return before in _PREPENDED


def _is_control(character: str) -> bool:
    if character in _EXTENDING or character in _PREPENDED:
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") and not _extends(character)


def _is_consonant(character: str) -> bool:
    """Whether a letter may be one of a script with linkers, going by where those scripts are."""
    return unicodedata.category(character) == "Lo" and (
        "\u0900" <= character < "\u2000" or "\ua800" <= character < "\uac00" or character > "\U00010900"
    )


def _is_linked(text: str, place: int) -> bool:
    """Whether a linker stands before, with nothing but marks between."""
    for i in range(place - 1, -1, -1):
        if text[i] in _LINKERS:
            return True
        if not _extends(text[i]):
            return False
    return False


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves(text: str, place: int) -> int:
    start = place
    while start > 0 and _is_flag_half(text[start - 1]):
        start -= 1
    return place - start


def _hangul(character: str) -> str:
    if "\uac00" <= character <= "\ud7a3":
        return "LVT" if (ord(character) - 0xAC00) % 28 else "LV"
    if "\u1100" <= character <= "\u115f" or "\ua960" <= character <= "\ua97c":
        return "L"
    if "\u1160" <= character <= "\u11a7" or "\ud7b0" <= character <= "\ud7c6":
        return "V"
    if "\u11a8" <= character <= "\u11ff" or "\ud7cb" <= character <= "\ud7fb":
        return "T"
    return ""
