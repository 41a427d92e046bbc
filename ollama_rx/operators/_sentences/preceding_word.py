"""What the word before a dot is: an abbreviation, an initial, an ordinal, or a word that ends a sentence."""

import re
from typing import Final
from unicodedata import category

from ollama_rx.operators._sentences.characters import DIRECTIONS, OPENERS, is_wide
from ollama_rx.operators._sentences.lexicon import Kind, Lexicon, lexicon_of_letter

_ORDINAL: Final = re.compile(r"\d{1,2}|[IVXLC]{2,6}")
_YEAR: Final = re.compile(r"\d{4}")
_ROMAN: Final = re.compile(r"[IVXLCІХ]{2,6}|[VXХ]")
# Latin words without a vowel are nearly always abbreviations ("Bldg", "Mgr"), except all capitals ("TV").
_NO_VOWEL: Final = re.compile(r"[A-Z]?[b-df-hj-np-tv-xz]{1,4}")
_INTERJECTION: Final = re.compile("[hms]+|ok|[aeou]h+|[eu]r?m+|grr+|brr+|pff+t?|psst?|tsk|zz+")
_EDGES: Final = OPENERS + DIRECTIONS + "`"
# Separates words, of which only the last belongs to the dot: "km/Std", "dell'Ing", "l'art".
_INNER_EDGE: Final = re.compile(r"[—–/]|(?<=\w)['’](?=[A-Z]\w)|(?<=^[^\W\d_])['’](?=\w\w)")
_WIDE: Final = re.compile("[\u2e80-\u9fff\uf900-\ufaff]")
_LONGEST: Final = 48  # characters looked at before a dot
_LONGEST_PART: Final = 3  # letters in the second part of a spaced abbreviation: "и др."
_LONGEST_DOTTED: Final = 2  # letters in a part of a dotted abbreviation: "Ph.D."
_PARTS: Final = 4  # of a spaced abbreviation: "s. r. o."


def words_before(text: str, mark: int) -> list[str]:
    """Return the last words before a mark; the last one is empty if a space precedes the mark."""
    words = text[max(0, mark - _LONGEST) : mark].split()
    if not words or text[mark - 1].isspace():
        return ["", ""]
    last = words[-1].lstrip(_EDGES).rstrip(DIRECTIONS)
    if not last.isalnum():
        last = _INNER_EDGE.split(last)[-1]
    if not last.isascii():
        last = _WIDE.split(last)[-1] or last  # "これはU.S"
    words[-1] = last
    return words


def kind_of(words: list[str], named: Lexicon) -> tuple[Kind | None, Lexicon]:
    """Return the class of the last word as an abbreviation, None for other words, and the lexicon used."""
    word = words[-1]
    if not word:
        return None, named
    bare = word.lstrip("0123456789.,:-")
    if not bare:
        if not (named.ordinals and _is_ordinal(words, named)):
            return None, named
        return (Kind.NUMERIC if named.small_ordinals else Kind.AMBIGUOUS), named
    numbered = len(bare) < len(word) or (len(words) > 1 and words[-2][-1:].isdigit())
    lexicon = lexicon_of_letter(bare[0], named)
    kind = _listed(words, bare, lexicon, numbered=numbered)
    if kind is None and not (len(bare) == 1 and _is_counted(words, word, lexicon)):
        kind = _shaped(bare, lexicon, numbered=numbered)
    return kind, lexicon


def is_plain(word: str, named: Lexicon) -> bool:
    """Return whether a lower-case word is certainly not an abbreviation; cheap, and False if in doubt."""
    lexicon = lexicon_of_letter(word[0], named)
    return (
        len(word) > _LONGEST_PART
        and word not in lexicon.kinds
        and not (lexicon.suffixes and word.endswith(lexicon.suffixes))
        and (lexicon.short_words or _NO_VOWEL.fullmatch(word) is None)
    )


def _is_counted(words: list[str], word: str, lexicon: Lexicon) -> bool:
    """Return whether a letter counts something and is not an initial: "2a", "option B", "vol. V"."""
    if len(word) > 1 or len(words) == 1:
        return len(word) > 1
    before = words[-2].rstrip(".").lower()
    return before in lexicon.labels or (word in "IVX" and lexicon.kinds.get(before) is Kind.NUMERIC)


def _is_ordinal(words: list[str], lexicon: Lexicon) -> bool:
    """Return whether a number with a dot is an ordinal; it is not after "No." or another number."""
    before = words[-2].rstrip(".") if len(words) > 1 else ""
    if before.lower() in lexicon.labels or (words[-2:-1] == [before] and before.isdigit()):
        return False
    return bool(_ORDINAL.fullmatch(words[-1]) or (lexicon.dotted_years and _YEAR.fullmatch(words[-1])))


def _is_number(words: list[str], at: int) -> bool:
    if len(words) < -at:
        return False
    word = words[at]
    return word[:1].isdigit() or word[-1:].isdigit() or _ROMAN.fullmatch(word) is not None


def _listed(words: list[str], bare: str, lexicon: Lexicon, *, numbered: bool) -> Kind | None:
    lower = bare.lower()
    is_unit = bare in lexicon.units or (len(bare) > 1 and lower in lexicon.units)  # "S" is an initial
    if is_unit and (numbered or _is_number(words, -2)):
        return Kind.UNIT
    kind = _spaced(words, bare, lexicon) or lexicon.kinds.get(bare)
    if kind or len(bare) == 1:
        return kind
    kind = lexicon.kinds.get(lower)
    if kind is Kind.AMBIGUOUS and bare.isalpha() and bare.isupper() and not "".join(words[-2:-1]).isupper():
        return None  # "in CT": capitals have no dot, unless all the text is in capitals
    if kind is None and lexicon.suffixes and lower.endswith(lexicon.suffixes):
        return Kind.AMBIGUOUS
    if kind is None and "." in bare and lower.count(".") == 1 and lower.partition(".")[0] in lexicon.titles:
        return Kind.NEVER  # "Dr.med"
    return kind


def _spaced(words: list[str], bare: str, lexicon: Lexicon) -> Kind | None:
    """Return the class of an abbreviation with spaces inside: "s. r. o", "5 cu. ft"."""
    joined = bare
    at = -2
    for part in words[-2 : -_PARTS - 1 : -1]:
        if len(part) > _LONGEST_PART and part[-1] != ".":
            break
        joined = part.lstrip(OPENERS) + joined
        kind = lexicon.kinds.get(joined) or lexicon.kinds.get(joined.lower())
        if kind:
            return kind
        if len(part) > _PARTS or not part.endswith("."):
            break
        at -= 1
        if joined in lexicon.units and _is_number(words, at):
            return Kind.UNIT
    return None


def _shaped(bare: str, lexicon: Lexicon, *, numbered: bool) -> Kind | None:
    if (len(bare) == 1 or "." in bare) and all(map(_is_short, bare.replace(".-", ".").split("."))):
        return Kind.AMBIGUOUS
    if lexicon.ordinals and _ORDINAL.fullmatch(bare):
        return Kind.AMBIGUOUS
    if not lexicon.short_words and _NO_VOWEL.fullmatch(bare) and not _INTERJECTION.fullmatch(bare.lower()):
        return Kind.UNIT if numbered else Kind.AMBIGUOUS
    return None


def _is_short(part: str) -> bool:
    """Return whether a part of a dotted word has one or two letters; vowel signs and accents do not count."""
    if not part or len(part) > _PARTS or is_wide(part[0]) or "\uac00" <= part[0] <= "\ud7af":
        return False
    letters = [char for char in part if not category(char).startswith("M")]
    return len(letters) <= _LONGEST_DOTTED and all(char.isalpha() for char in letters)
