"""The words and rules of each language, read from `languages/*.toml` when first needed.

Each table lists abbreviations by class; `languages/README.md` explains the classes.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain
from typing import Final

from ollama_rx.arguments import wrong_value

_REMEMBERED_LETTERS: Final = 1024


class Kind(IntEnum):
    """The class of an abbreviation: what the dot after it can mean."""

    NEVER = 1  # the sentence never ends at it: "Dr. Who"
    AMBIGUOUS = 2  # the sentence ends if the next word is a starter: "Acme Inc. She"
    NUMERIC = 3  # an abbreviation only before a number: "No. 5"
    CLOSING = 4  # the sentence ends before any capital: "pens, etc. Our shop"
    UNIT = 5  # CLOSING after a number, but the sentence continues before another: "5 ft. 6 in."


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """The words and rules of one language, as in its table."""

    code: str
    kinds: dict[str, Kind]
    units: frozenset[str]
    titles: frozenset[str]
    suffixes: tuple[str, ...]
    starters: frozenset[str]
    prepositions: frozenset[str]
    labels: frozenset[str]
    joiners: frozenset[str]
    continuers: frozenset[str]
    months: frozenset[str]
    times: frozenset[str]
    subjects: frozenset[str]
    determiners: frozenset[str]
    speech: frozenset[str]
    files: frozenset[str]
    modules: frozenset[str]
    names: frozenset[str]
    marks: str
    not_marks: str
    question_marks: str
    double_marks: str
    ordinals: bool
    small_ordinals: bool
    dotted_years: bool
    short_words: bool
    spaced_closers: str


# The languages of each script; the first is used if nothing tells which of them it is.
LATIN: Final = (
    *("en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "sk"),
    *("sv", "da", "nb", "fi", "hu", "ro", "tr", "vi", "id"),
)
_SCRIPTS: Final = (
    ("\u0370", "\u03ff", ("el",)),
    ("\u0400", "\u052f", ("ru", "uk", "bg", "kk")),
    ("\u0530", "\u058f", ("hy",)),
    ("\u0590", "\u05ff", ("he",)),
    ("\u0600", "\u06ff", ("ar", "fa", "ur")),
    ("\u0900", "\u097f", ("hi", "mr")),
    ("\u0980", "\u09ff", ("bn",)),
    ("\u0a00", "\u0a7f", ("pa",)),
    ("\u0a80", "\u0aff", ("gu",)),
    ("\u0b80", "\u0bff", ("ta",)),
    ("\u0c00", "\u0c7f", ("te",)),
    ("\u0c80", "\u0cff", ("kn",)),
    ("\u0d00", "\u0d7f", ("ml",)),
    ("\u0e00", "\u0e7f", ("th",)),
    ("\u1000", "\u109f", ("my",)),
    ("\u1200", "\u137f", ("am",)),
    ("\u3040", "\u30ff", ("ja",)),
    ("\u4e00", "\u9fff", ("zh", "ja")),
    ("\uac00", "\ud7af", ("ko",)),
)
SHARED_SCRIPTS: Final = (LATIN, *(codes for _, _, codes in _SCRIPTS if len(codes) > 1))
"""The languages of each script that more than one of them is written in."""
# Languages without a table use that of a near relative, whose words are closer than those of English.
_RELATIVES: Final = (
    "no=nb nn=nb iw=he af=nl as=bn be=ru ca=es et=fi fo=da gl=es gsw=de ky=kk lb=de mk=bg ne=hi ms=id"
)
_ALIASES: Final = {code: near for code, _, near in (pair.partition("=") for pair in _RELATIVES.split())}
_TAG: Final = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*")


def lexicon_for(language: str | None) -> Lexicon:
    """Return the lexicon for a BCP 47 tag, the English one for an unknown language."""
    if language is None:
        return _read("en")
    if not _TAG.fullmatch(language):
        raise wrong_value("language", "a BCP 47 tag such as 'en' or 'pt-BR'", language)
    code = re.split("[-_]", language)[0].lower()
    code = _ALIASES.get(code, code)
    return _read(code if code in languages() else "en")


@lru_cache(_REMEMBERED_LETTERS)
def languages_of_letter(letter: str) -> tuple[str, ...]:
    """Return the languages that are written in the script of a letter; Latin stands for unknown scripts."""
    if letter >= _SCRIPTS[0][0]:
        for first, last, codes in _SCRIPTS:
            if first <= letter <= last:
                return codes
    return LATIN


def lexicon_of_letter(letter: str, named: Lexicon) -> Lexicon:
    """Return the named lexicon if it covers the script of a letter, else the default one of that script."""
    codes = languages_of_letter(letter)
    return named if named.code in codes else _read(codes[0])


@cache
def languages() -> frozenset[str]:
    """Return the codes of all languages that have a table."""
    return frozenset(
        entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml")
    )


def _folder() -> Traversable:
    return files("ollama_rx.operators._sentences") / "languages"


@cache
def _read(code: str) -> Lexicon:
    table = tomllib.loads((_folder() / f"{code}.toml").read_text("utf-8"))
    abbreviations = table.get("abbreviations", {})
    words = table.get("words", {})
    habits = table.get("habits", {})
    kinds = {
        normal(word): kind
        for kind in (Kind.CLOSING, Kind.NUMERIC, Kind.AMBIGUOUS, Kind.NEVER)
        for word in abbreviations.get(kind.name.lower(), ())
    }
    kinds |= {normal(word): Kind.NEVER for word in abbreviations.get("titles", ())}
    kinds = dict.fromkeys(chain.from_iterable(map(_beginnings, kinds)), Kind.NEVER) | kinds
    units = frozenset(map(normal, abbreviations.get("units", ())))

    def lower(words_of: list[str]) -> frozenset[str]:
        return frozenset(word.lower() for word in words_of)

    return Lexicon(
        code=code,
        kinds=kinds,
        units=units,
        titles=frozenset(map(normal, abbreviations.get("titles", ()))),
        suffixes=tuple(abbreviations.get("suffixes", ())),
        starters=lower(words.get("starters", ())),
        prepositions=lower(words.get("prepositions", ())),
        labels=lower(words.get("labels", ())),
        joiners=lower(words.get("joiners", ())),
        continuers=frozenset(words.get("continuers", ())),
        months=frozenset(words.get("months", ())),
        subjects=lower(words.get("subjects", ())),
        times=lower(words.get("times", ())),
        determiners=lower(words.get("determiners", ())),
        speech=frozenset(words.get("speech", ())),
        files=frozenset(words.get("files", ())),
        modules=frozenset(words.get("modules", ())),
        names=frozenset(words.get("names", ())),
        marks=habits.get("marks", ""),
        not_marks=habits.get("not_marks", ""),
        question_marks=habits.get("question_marks", ""),
        double_marks="፡" + habits.get("double_marks", ""),
        ordinals=habits.get("ordinals", False),
        small_ordinals=habits.get("small_ordinals", False),
        dotted_years=habits.get("dotted_years", False),
        short_words=habits.get("words_without_vowels", False),
        spaced_closers=habits.get("spaced_closers", ""),
    )


def _beginnings(abbreviation: str) -> Iterator[str]:
    """For caseless scripts, yield each dotted prefix of an abbreviation, which may stand before a space.

    In other scripts a lower-case letter after the space shows that the abbreviation continues.
    """
    if abbreviation.lower() == abbreviation.upper():
        for dot in re.finditer(r"\.", abbreviation):
            yield abbreviation[: dot.start()]


def normal(abbreviation: str) -> str:
    """Return the form in which abbreviations are compared: without spaces and without the last dot."""
    return abbreviation.replace(" ", "").removesuffix(".")
