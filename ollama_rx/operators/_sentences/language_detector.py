"""Which language a text is written in, judged by its script, its commonest words and its letters.

The words and letters are in `common_words.toml`. Whatever speaks for a language is a clue. Clues are kept as
a string of signs, one character for each language, because nothing counts faster.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
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
_BY_WORD: Final = 2  # signs for each common word, against one for a letter
_BY_EARLIER: Final = 3  # signs for the language of the sentence before: one foreign word is a name or a quote
_FIRST_SIGN: Final = ord("A")


class LanguageDetector:
    """Finds the language at each candidate of a text, from the characters before it.

    The clues in the sentence up to the candidate decide, with a head start for the language of the sentence
    before: a sentence with few clues is taken to be in that language, but a change of language is followed.
    """

    __slots__ = ("_clues", "_earlier", "_found", "_head_start", "_tables", "_window")

    def __init__(self) -> None:
        self._tables = _tables()
        self._found = self._earlier = LATIN[0]
        self._clues = self._head_start = ""
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
        clues = self._clues = "".join(map(_clues_in, window.split()))
        languages = _languages_of_script(window)
        if len(languages) > 1:
            clues += self._head_start
            signs = self._tables.signs[languages[0]]
            # No other has more clues than one that has half of them; the first one wins a tie.
            if 2 * clues.count(signs[0]) < len(clues) and (seen := sorted({*clues}.intersection(signs))):
                self._found = languages[signs.index(max(seen, key=clues.count))]
            else:
                self._found = languages[0]
        else:
            self._found = languages[0] if languages else self._earlier
        return self._found

    def end_sentence(self) -> None:
        """Remember the language of the sentence that ended at the last candidate."""
        self._earlier = self._found
        self._window = ""
        sign = self._tables.sign.get(self._found, "")
        only_others = self._clues and sign not in self._clues  # the clues were too few, but against it
        self._head_start = "" if only_others else _BY_EARLIER * sign


def _languages_of_script(text: str) -> tuple[str, ...]:
    """Return the languages of the script that most of a text is written in; none if it has no letters."""
    if text.isascii() or not _NOT_LATIN.search(text):
        return LATIN if _LETTER.search(text) else ()
    letters: dict[tuple[str, ...], int] = {}  # how many, by the languages of their script
    if "/" in text:
        text = _ADDRESS.sub("", text)
    for word in _WORD.findall(text):
        languages = languages_of_letter(word[0])
        size = len(word) if languages is LATIN else _EMBEDDED * len(word)
        letters[languages] = letters.get(languages, 0) + size
    return max(letters, key=letters.__getitem__, default=())


@lru_cache(_REMEMBERED_WORDS)
def _clues_in(text: str) -> str:
    """Return the signs of the languages that the words in a piece of text without spaces speak for."""
    tables = _tables()
    clues: list[str] = []
    for word in _WORD.findall(text):
        if len(word) > 1:
            clues += _BY_WORD * tables.by_word.get(word.lower(), "")
        elif "." not in text:  # else it is an initial or belongs to an abbreviation
            clues += _BY_WORD * tables.by_word.get(word, "")
        if not word.isascii():
            clues += {sign for letter in word for sign in tables.by_letter.get(letter, "")}
    return "".join(clues)


class _Tables(NamedTuple):
    sign: dict[str, str]
    """The sign of each language that shares its script."""
    signs: dict[str, str]
    """The signs of all languages of a script, in their order, by the first of them."""
    by_word: dict[str, str]
    """The signs of the languages in which a word is common."""
    by_letter: dict[str, str]
    """The signs of the languages that a letter speaks for."""


@cache
def _tables() -> _Tables:
    table = tomllib.loads((files("ollama_rx.operators._sentences") / "common_words.toml").read_text("utf-8"))
    codes = chain.from_iterable(SHARED_SCRIPTS)
    sign = {code: chr(_FIRST_SIGN + number) for number, code in enumerate(codes)}
    return _Tables(
        sign=sign,
        signs={languages[0]: "".join(map(sign.__getitem__, languages)) for languages in SHARED_SCRIPTS},
        by_word=_signs_of({sign[code]: words.split() for code, words in table["words"].items()}),
        by_letter=_signs_of({sign[code]: letters for code, letters in table["letters"].items()}),
    )


def _signs_of(clues: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return for each word or letter the signs of all languages that have it."""
    signs: dict[str, str] = {}
    for sign, those in clues.items():
        for clue in those:
            signs[clue] = signs.get(clue, "") + sign
    return signs
