"""Where hardly a doubt is left that a mark ends the sentence, at little cost and without a look ahead."""

from enum import IntEnum
from functools import lru_cache
from typing import Final

from ollama_rx.operators._sentences.lexicon import Lexicon
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.words import is_plain, kind_of, words_before

_LONGEST: Final = 40  # characters looked at before the mark
_SHORTEST: Final = 3  # letters of a word that is hardly an unknown abbreviation
_REMEMBERED: Final = 4096  # words; a language's most frequent ones end most of its sentences


def is_safe(lexicon: Lexicon, sentence: Sentence, text: str, mark: int) -> bool:
    """Tell whether what stands before a dot leaves hardly a doubt that the sentence ends there."""
    before, _, word = text[max(0, mark - _LONGEST) : mark].rpartition(" ")
    ends = _ends(word, lexicon)
    if ends is _Ends.RARELY or not before or sentence.begins_lower(text, mark):
        return False
    doubtful = ends is _Ends.MOSTLY or before[-1] == "." or before[-1].isdigit()
    if doubtful and kind_of(words_before(text, mark), lexicon)[0] is not None:
        return False
    if sentence.is_open(text, mark):
        return False
    # Quotes that are not followed elsewhere.
    return "``" not in before and " '" not in before and " ”" not in before and " »" not in before


def is_safely_asked(lexicon: Lexicon, sentence: Sentence, text: str, mark: int) -> bool:
    """Tell the same of a question or exclamation mark before a space and a capital."""
    word = text[max(0, mark - _LONGEST) : mark].rpartition(" ")[2]
    return word.isalpha() and word + text[mark] not in lexicon.names and not sentence.is_open(text, mark)


class _Ends(IntEnum):
    """How often a sentence ends at a word with a dot."""

    RARELY = 0
    MOSTLY = 1
    ALWAYS = 2


@lru_cache(_REMEMBERED)
def _ends(word: str, lexicon: Lexicon) -> _Ends:
    if len(word) < _SHORTEST or not word.isalpha() or not word.islower() or word in lexicon.files:
        return _Ends.RARELY
    return _Ends.ALWAYS if is_plain(word, lexicon) else _Ends.MOSTLY
