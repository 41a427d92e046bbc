r"""Grapheme boundaries: where text can be cut without splitting what a reader sees as one character.

The rules are those of Unicode's extended grapheme clusters (https://unicode.org/reports/tr29/), decided
from `unicodedata` without tables of our own. Where a rule needs a property that Python does not have, more
is kept together than necessary: a zero width joiner joins any symbol that follows, and every spacing mark
extends the character before it. White space is never joined to the character before it, except in ``\r\n``.
"""

import unicodedata
from functools import lru_cache

_ZERO_WIDTH_JOINER = "\u200d"
# For each Hangul syllable type the types that can follow it inside a grapheme (rules GB6 to GB8).
_HANGUL_FOLLOWERS = {
    "L": ("L", "V", "LV", "LVT"),
    "LV": ("V", "T"),
    "V": ("V", "T"),
    "LVT": ("T",),
    "T": ("T",),
    "": (),
}
# Characters with Grapheme_Cluster_Break=Extend or SpacingMark whose category is not that of a mark.
_EXTENDERS = frozenset(
    "\u200c\u0e33\u0eb3\uff9e\uff9f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff" + _ZERO_WIDTH_JOINER
)
# Indic_Conjunct_Break=Linker (Unicode 17): the consonant after a linker is joined.
_LINKERS = frozenset(
    "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2\u1a60\u1b44\u1bab\ua9c0\uaaf6"
    "\U00010a3f\U00011133\U000113d0\U0001193e\U00011a47\U00011a99\U00011f42"
)
# Grapheme_Cluster_Break=Prepend: joined to the letter or digit that follows.
_PREPENDS = frozenset(
    "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd"
    "\U000111c2\U000111c3\U000113d1\U0001193f\U00011941\U00011a3a\U00011a84\U00011a85\U00011a86"
    "\U00011a87\U00011a88\U00011a89\U00011d46\U00011f02"
)

_CACHED = 4096  # answers to keep: a text has few characters, but each of them many times


class GraphemeCursor:
    """Moves through a text that arrives in pieces, and says where its graphemes end.

    It keeps what decides about the next character, not the text, since a grapheme may be of any length.
    """

    __slots__ = ("_after_linker", "_before", "_half_flag")

    def __init__(self) -> None:
        self._before = ""  # the last character
        self._half_flag = False  # an odd number of regional indicators precedes
        self._after_linker = False  # a linker precedes, with nothing but extenders after it

    def copy(self) -> "GraphemeCursor":
        """Return a cursor at the same place."""
        twin = GraphemeCursor()
        twin._before, twin._half_flag = self._before, self._half_flag
        twin._after_linker = self._after_linker
        return twin

    def is_boundary_before(self, character: str) -> bool:
        """Return whether the character that follows begins a grapheme."""
        if "\n" != character < "\u0300" > self._before:  # most text; what follows would say the same
            return True
        boundary = is_boundary_between(self._before, character)
        if boundary is not None:
            return boundary
        return not (self._half_flag if _is_regional_indicator(character) else self._after_linker)

    def move_over(self, character: str) -> None:
        """Move over the character that follows."""
        self._before = character
        if character < "\u0300":
            self._half_flag = self._after_linker = False
            return
        self._half_flag = _is_regional_indicator(character) and not self._half_flag
        self._after_linker = character in _LINKERS or (self._after_linker and _is_extender(character))

    def move_over_text(self, text: str, start: int, end: int) -> None:
        """Move over text; only its end is looked at, as far as it says something about what follows."""
        first = end - 1
        while first > start and (_is_regional_indicator(text[first]) or _is_extender(text[first])):
            first -= 1
        for offset in range(max(first, start), end):
            self.move_over(text[offset])

    def next_boundary(self, text: str, start: int = 0) -> int:
        """Move to the first boundary at or after the start of the text; return where it is."""
        for offset in range(start, len(text)):
            if self.is_boundary_before(text[offset]):
                return offset
            self.move_over(text[offset])
        return len(text)


def is_boundary(text: str, offset: int, start: int = 0) -> bool:
    r"""Return whether the text can be cut at an offset without cutting a grapheme.

    The text must have a boundary at ``start``. Its beginning and its end are boundaries.

    >>> is_boundary("e\u0301a", 1), is_boundary("e\u0301a", 2)
    (False, True)
    """
    if not start < offset < len(text):
        return True
    boundary = is_boundary_between(text[offset - 1], text[offset])
    if boundary is not None:
        return boundary
    cursor = GraphemeCursor()
    cursor.move_over_text(text, start, offset)
    return cursor.is_boundary_before(text[offset])


@lru_cache(maxsize=_CACHED)
def is_boundary_between(before: str, after: str) -> bool | None:
    """Return whether there is a boundary between two characters; None if it depends on what precedes them."""
    if before < "\u0300" and after < "\u0300":
        return before != "\r" or after != "\n"
    if before < " " or after.isspace() or _is_control(before):
        return True
    if (
        _is_extender(after)
        or (_joins_next(before, after) and not _is_control(after))
        or _hangul_syllable_type(after) in _HANGUL_FOLLOWERS[_hangul_syllable_type(before)]
    ):
        return False
    return None if _is_regional_indicator(after) or _is_consonant(after) else True


def last_boundary(text: str) -> int:
    """Return where the last grapheme of a text starts; the text must begin at a boundary."""
    start = len(text) - 1
    while start > 0 and not is_boundary(text, start):
        start -= 1
    return max(start, 0)


@lru_cache(maxsize=_CACHED)
def _is_extender(character: str) -> bool:
    if character in _EXTENDERS or unicodedata.category(character) in ("Mn", "Me", "Mc"):
        return True
    return "\U000e0020" <= character <= "\U000e007f"  # the tags in the flag of a region


def _joins_next(before: str, after: str) -> bool:
    if before == _ZERO_WIDTH_JOINER:
        # An emoji, as far as `unicodedata` can show.
        return after > "\u00a8" and (after == "\u2139" or not after.isalnum())
    return before in _PREPENDS


def _is_control(character: str) -> bool:
    if character in _EXTENDERS or character in _PREPENDS:
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") and not _is_extender(character)


def _is_consonant(character: str) -> bool:
    """Return whether a letter may be a consonant of a script with linkers; a guess from its code point."""
    return unicodedata.category(character) == "Lo" and (
        "\u0900" <= character < "\u2000" or "\ua800" <= character < "\uac00" or character > "\U00010900"
    )


def _is_regional_indicator(character: str) -> bool:
    """Return whether a character is one half of the flag of a country."""
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _hangul_syllable_type(character: str) -> str:
    if "\uac00" <= character <= "\ud7a3":
        return "LVT" if (ord(character) - 0xAC00) % 28 else "LV"
    if "\u1100" <= character <= "\u115f" or "\ua960" <= character <= "\ua97c":
        return "L"
    if "\u1160" <= character <= "\u11a7" or "\ud7b0" <= character <= "\ud7c6":
        return "V"
    if "\u11a8" <= character <= "\u11ff" or "\ud7cb" <= character <= "\ud7fb":
        return "T"
    return ""
