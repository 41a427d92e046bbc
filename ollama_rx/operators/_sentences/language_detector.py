"""Which language a text is written in, judged by its script, its commonest words and its letters.

The words and letters are in `common_words.toml`. Whatever speaks for a language is a clue. The clues are kept
in one integer with a byte for each language, so that one addition counts for all languages at once.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Final, NamedTuple

from ollama_rx.operators._sentences.lexicon import LATIN, SHARED_SCRIPTS, languages_of_letter

_WINDOW: Final = 76  # characters looked at before a candidate, fewer than the splitter keeps
_WORD: Final = re.compile(r"[^\s\d!-/:-@\[-`{-~¡«»¿\u2010-\u205e\u3000-\u303f\uff00-\uff0f।॥،؛؟۔]+")
_ADDRESS: Final = re.compile(r"\S*/\S*")
_LETTER: Final = re.compile(r"[^\W\d_]")
_NOT_LATIN: Final = re.compile("[\u0370-\u1dff\u2c80-\u2dff\u2e80-\ua71f\ua800-\uffff]")
_REMEMBERED_WORDS: Final = 4096
_EMBEDDED: Final = 2  # a letter of another script counts as two Latin ones: brands and code are Latin
_BY_WORD: Final = 2  # clues for each common word, against one for its letters
_BY_EARLIER: Final = 3  # clues for the language of the sentence before: one foreign word is a name or a quote
_BYTE_OF_ONE: Final = 255  # times one clue for a language: its byte
_BYTE: Final = 8  # bits; a window has at most three clues for every second character, fewer than 256


class LanguageDetector:
    """Finds the language at each candidate of a text, from the characters before it.

    The clues in the sentence up to the candidate decide, with a head start for the language of the sentence
    before: a sentence with few clues is taken to be in that language, but a change of language is followed.
    """

    __slots__ = ("_clues", "_earlier", "_found", "_head_start", "_tables", "_window")

    def __init__(self) -> None:
        self._tables = _tables()
        self._found = self._earlier = LATIN[0]
        self._clues = self._head_start = 0
        self._window = ""  # the text in which the language was found last

    def language_at(self, text: str, mark: int) -> str:
        """Return the code of the language at a candidate; ``text`` begins where its sentence begins."""
        start = max(0, mark - _WINDOW)
        window = text[start:mark]
        if start:
            window = window.partition(" ")[2] or window  # the first word may have been cut
        if window == self._window:  # the candidate has waited for more text
            return self._found
        self._window = window
        clues = self._clues = sum(map(_CLUES.__getitem__, window.split()))
        # In ASCII a clue is a Latin word; that is much cheaper than looking at the letters.
        languages = LATIN if clues and window.isascii() else _languages_of_script(window)
        if len(languages) > 1:
            first = self._tables.places[languages[0]]
            counts = (clues + self._head_start).to_bytes(self._tables.size, "little")
            counts = counts[first : first + len(languages)]
            self._found = languages[counts.index(max(counts))]  # the first one wins a tie
        else:
            self._found = languages[0] if languages else self._earlier
        return self._found

    def end_sentence(self) -> None:
        """Remember the language of the sentence that ended at the last candidate."""
        self._earlier = self._found
        self._window = ""
        one = self._tables.one.get(self._found, 0)
        # The clues may be too few to decide, but against it.
        only_others = self._clues and one and not self._clues & _BYTE_OF_ONE * one
        self._head_start = 0 if only_others else _BY_EARLIER * one


def _languages_of_script(text: str) -> tuple[str, ...]:
    """Return the languages of the script that most of a text is written in; none if it has no letters."""
    if text.isascii() or not _NOT_LATIN.search(text):
        return LATIN if _LETTER.search(text) else ()
    letters: dict[tuple[str, ...], int] = {}  # how many, by the languages of their script
    if "/" in text:
        text = _ADDRESS.sub("", text)
    for word in _WORD.findall(text):
        native = _NOT_LATIN.search(word)  # a foreign word may be in front, without a space: "Kim은"
        languages = languages_of_letter(native[0] if native else word[0])
        size = len(word) if languages is LATIN else _EMBEDDED * len(word)
        letters[languages] = letters.get(languages, 0) + size
    return max(letters, key=letters.__getitem__, default=())


class _Clues(dict[str, int]):
    """The clues in pieces of text without spaces, which it finds out when it is asked for them."""

    def __missing__(self, text: str) -> int:
        if len(self) >= _REMEMBERED_WORDS:
            self.clear()
        self[text] = clues = _clues_in(text)
        return clues


_CLUES: Final = _Clues()  # a dictionary because `lru_cache` takes twice as long


def _clues_in(text: str) -> int:
    """Return the clues that the words in a piece of text without spaces give."""
    tables = _tables()
    clues = 0
    for word in _WORD.findall(text):
        if len(word) > 1:
            clues += _BY_WORD * tables.by_word.get(word.lower(), 0)
        elif "." not in text:  # else it is an initial or belongs to an abbreviation
            clues += _BY_WORD * tables.by_word.get(word, 0)
        if not word.isascii():
            by_letters = 0
            for letter in word:
                by_letters |= tables.by_letter.get(letter, 0)
            clues += by_letters
    return clues


class _Tables(NamedTuple):
    size: int
    """How many languages share their script, and so how many bytes clues have."""
    one: dict[str, int]
    """One clue for a language."""
    places: dict[str, int]
    """The first byte of a script, by its first language."""
    by_word: dict[str, int]
    """One clue for each of the languages in which a word is common."""
    by_letter: dict[str, int]
    """One clue for each of the languages that a letter speaks for."""


@cache
def _tables() -> _Tables:
    table = tomllib.loads((files("ollama_rx.operators._sentences") / "common_words.toml").read_text("utf-8"))
    codes = list(chain.from_iterable(SHARED_SCRIPTS))
    one = {code: 1 << _BYTE * place for place, code in enumerate(codes)}
    return _Tables(
        size=len(codes),
        one=one,
        places={languages[0]: codes.index(languages[0]) for languages in SHARED_SCRIPTS},
        by_word=_merge({one[code]: words.split() for code, words in table["words"].items()}),
        by_letter=_merge({one[code]: letters for code, letters in table["letters"].items()}),
    )


def _merge(clues: Mapping[int, Iterable[str]]) -> dict[str, int]:
    """Return for each word or letter one clue for each language that has it."""
    merged: dict[str, int] = {}
    for one, those in clues.items():
        for clue in those:
            merged[clue] = merged.get(clue, 0) | one
    return merged
