"""What the word before a dot says: an abbreviation, an initial, an ordinal, or the end."""

import re
from typing import Final
from unicodedata import category

from ollama_rx.operators._sentences.characters import OPENERS, is_wide
from ollama_rx.operators._sentences.lexicon import Kind, Lexicon, lexicon_of_letter

_ORDINAL: Final = re.compile(r"\d{1,2}|[IVXLC]{2,6}")
# Latin words without a vowel are abbreviations nearly always ("Bldg", "Mgr"), capitals apart ("TV").
_NO_VOWEL: Final = re.compile(r"[A-Z]?[b-df-hj-np-tv-xz]{1,4}")
_LONGEST: Final = 48  # characters looked at before a dot
_SHORT: Final = 2  # letters of a part of a dotted abbreviation: "Ph.D."
_PARTS: Final = 4  # of a spaced abbreviation: "s. r. o."


def words_before(text: str, mark: int) -> list[str]:
    """Return the last words before a mark; the last is empty if a space stands between."""
    words = text[max(0, mark - _LONGEST) : mark].split()
    if not words or text[mark - 1].isspace():
        return ["", ""]
    last = words[-1].lstrip(OPENERS)
    words[-1] = re.split("[—–/]", last)[-1]
    return words


def kind_of(words: list[str], named: Lexicon) -> tuple[Kind | None, Lexicon]:
    """Return the class of the last of some words, and the lexicon it was found in."""
    word = words[-1]
    if not word:
        return None, named
    bare = word.lstrip("0123456789.,:")
    numbered = len(bare) < len(word) or (len(words) > 1 and words[-2][-1:].isdigit())
    if not bare:
        ordinal = named.ordinals and _ORDINAL.fullmatch(word)
        return (Kind.AMBIGUOUS if ordinal else None), named
    lexicon = lexicon_of_letter(bare[0], named)
    return _listed(words, bare, lexicon, numbered=numbered) or _shaped(
        bare, lexicon, numbered=numbered
    ), lexicon


def _listed(words: list[str], bare: str, lexicon: Lexicon, *, numbered: bool) -> Kind | None:
    lower = bare.lower()
    if numbered and (bare in lexicon.units or lower in lexicon.units):
        return Kind.UNIT
    joined = bare
    for part in words[-2 : -_PARTS - 1 : -1]:
        if len(part) > _PARTS or not part.endswith("."):
            break
        joined = part.lstrip(OPENERS) + joined
        kind = lexicon.kinds.get(joined) or lexicon.kinds.get(joined.lower())
        if kind:
            return kind
    return lexicon.kinds.get(bare) or lexicon.kinds.get(lower)


def _shaped(bare: str, lexicon: Lexicon, *, numbered: bool) -> Kind | None:
    parts = bare.split(".")
    if all(map(_is_short, parts)) and (len(parts) > 1 or len(bare) == 1):
        return Kind.AMBIGUOUS
    if lexicon.ordinals and _ORDINAL.fullmatch(bare):
        return Kind.AMBIGUOUS
    if not lexicon.short_words and _NO_VOWEL.fullmatch(bare):
        return Kind.UNIT if numbered else Kind.AMBIGUOUS
    return None


def _is_short(part: str) -> bool:
    """Tell whether a part of a dotted word has one or two letters; vowel signs and accents do not count."""
    if not part or len(part) > _PARTS or is_wide(part[0]) or "\uac00" <= part[0] <= "\ud7af":
        return False
    letters = [char for char in part if not category(char).startswith("M")]
    return len(letters) <= _SHORT and all(char.isalpha() for char in letters)
