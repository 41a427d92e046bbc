"""What a dot after an abbreviation, an initial or a number means, by the word that follows."""

import re
from typing import Final

from ollama_rx.operators._sentences.lexicon import Kind, Lexicon
from ollama_rx.operators._sentences.stop import Stop
from ollama_rx.operators._sentences.words import kind_of

NEXT_WORD: Final = re.compile(r"[^\s.,;:!?…'’\"“”»()\[\]*_`।॥،؟–—-]+")
_FIRST_WORD: Final = re.compile(r"[^\W\d_]+")
_LONGEST_FIRST: Final = 40  # characters in which a sentence that is only an abbreviation ends


def judge_abbreviation(stop: Stop) -> int:
    """Judge a dot before a word when no other rule did: the word before it may be an abbreviation."""
    kind, lexicon = kind_of(stop.words, stop.lexicon)
    digit = stop.follower.isdigit()
    if kind is Kind.NUMERIC and not digit:
        kind = Kind.AMBIGUOUS if len(stop.words[-1]) == 1 else None
    if kind is None:
        return stop.end
    begins = len(stop.words) == 1 and stop.mark < _LONGEST_FIRST and not stop.sentence.opening
    if kind is Kind.NEVER or begins or (digit and kind is not Kind.CLOSING):
        return stop.onward
    if kind is Kind.AMBIGUOUS or _begins_with_preposition(stop, lexicon):
        return if_starter(stop, lexicon)
    return stop.end


def if_starter(stop: Stop, lexicon: Lexicon) -> int:
    """End the sentence if the next word is one that begins sentences."""
    found = NEXT_WORD.match(stop.text, stop.letter)
    after = found.end() if found else stop.letter
    if stop.lacks(after):
        return 0
    word = stop.text[stop.letter : after].lower()
    dotted = stop.text[after : after + 1] == "."
    if dotted and word in lexicon.titles:
        initial = len(stop.words[-1]) == 1 and stop.words[-1].isalpha()
        return stop.ends(when=not initial and not _begins_with_preposition(stop, lexicon))
    initial = dotted and after - stop.letter == 1
    return stop.ends(when=word in lexicon.starters and not initial)


def _begins_with_preposition(stop: Stop, lexicon: Lexicon) -> bool:
    """Tell whether the sentence opens with a phrase of time or place: "At 6 a.m. Mr. Smith"."""
    found = _FIRST_WORD.search(stop.sentence.begins_with(stop.text))
    return found is not None and found[0].lower() in lexicon.prepositions
