"""What a dot after an abbreviation, an initial or a number means, by the word that follows."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import CURRENCY
from ollama_rx.operators._sentences.lexicon import Kind, Lexicon
from ollama_rx.operators._sentences.stop import Stop
from ollama_rx.operators._sentences.verdict import WAIT, Continue, Cut, Verdict
from ollama_rx.operators._sentences.words import kind_of

NEXT_WORD: Final = re.compile(r"[^\s.,;:!?…'’\"“”»()\[\]*_`।॥،؟–—-]+")
_FIRST_WORD: Final = re.compile(r"[^\W\d_]+")
_ROMAN_DIGITS: Final = frozenset("IVXLC")
_ROMAN: Final = re.compile("[IVXLC]{2,}|[VX]")  # "no. I" may be two sentences
# A date or a time, but no list marker: "12 Dec. 1961 A.D", "6 a.m".
_NUMBER_FIRST: Final = re.compile(r"\s*\d+(?![\d.)])(?:\s?\S+){1,3}")
_LONGEST_FIRST: Final = 40  # characters in which a sentence that is only an abbreviation ends


def judge_abbreviation(stop: Stop) -> Verdict:
    """Judge a dot before a word when no other rule did: the word before it may be an abbreviation."""
    kind, lexicon = kind_of(stop.words, stop.lexicon)
    digit = stop.follower.isdigit()
    if stop.follower in _ROMAN_DIGITS and kind in (Kind.NUMERIC, Kind.UNIT):
        after = _end_of_word(stop, stop.letter)
        word = stop.text[stop.letter : after]
        if stop.lacks(after) and _ROMAN_DIGITS.issuperset(word):
            return WAIT
        digit = _ROMAN.fullmatch(word) is not None and word.lower() not in lexicon.starters
    if kind is Kind.NUMERIC and not digit:
        kind = Kind.AMBIGUOUS if len(stop.words[-1]) == 1 and stop.words[-1].isalpha() else None
    if kind is None:
        return Cut(stop.end)
    begins = len(stop.words) == 1 and stop.mark < _LONGEST_FIRST and not stop.sentence.opening
    if kind is Kind.NEVER or begins or (digit and kind is not Kind.CLOSING):
        return Continue(stop.end)
    if stop.follower in CURRENCY:
        return stop.ends(when=kind is not Kind.AMBIGUOUS)
    caseless = stop.follower.lower() == stop.follower.upper() and not digit
    if kind is Kind.AMBIGUOUS or caseless or _begins_with_preposition(stop, lexicon):
        return if_starter(stop, lexicon)
    return _unless_continued(stop, lexicon)


def _unless_continued(stop: Stop, lexicon: Lexicon) -> Verdict:
    """End the sentence unless the next word belongs to a time: "5 p.m. Eastern"."""
    after = _end_of_word(stop, stop.letter)
    word = stop.text[stop.letter : after]
    if stop.lacks(after):
        may_continue = any(continuer.startswith(word) for continuer in lexicon.continuers)
        return WAIT if may_continue else Cut(stop.end)
    return stop.ends(when=word not in lexicon.continuers)


def unless_spoken(stop: Stop) -> Verdict:
    """End the sentence unless the quote before it is spoken by whom the next words name: Ann asked."""
    name_end = _end_of_word(stop, stop.letter)
    if stop.lacks(name_end):
        return WAIT
    if stop.text[stop.letter : name_end].lower() in stop.lexicon.starters:
        return Cut(stop.end)
    verb_end = _end_of_word(stop, name_end + 1)
    if stop.lacks(verb_end):
        return WAIT
    return stop.ends(when=stop.text[name_end + 1 : verb_end] not in stop.lexicon.speech)


def _end_of_word(stop: Stop, start: int) -> int:
    found = NEXT_WORD.match(stop.text, start)
    return found.end() if found else start


def if_starter(stop: Stop, lexicon: Lexicon) -> Verdict:
    """End the sentence if the next word is one that begins sentences."""
    after = _end_of_word(stop, stop.letter)
    if stop.lacks(after):
        return WAIT
    name = stop.text[stop.letter : after]
    word = name.lower()
    dotted = stop.text[after : after + 1] == "."
    if dotted and (word in lexicon.titles or name in lexicon.titles):
        initial = len(stop.words[-1]) == 1 and stop.words[-1].isalpha()
        return stop.ends(when=not initial and not _begins_with_preposition(stop, lexicon))
    initial = dotted and after - stop.letter == 1
    return stop.ends(when=word in lexicon.starters and not initial)


def _begins_with_preposition(stop: Stop, lexicon: Lexicon) -> bool:
    """Tell whether the sentence opens with a phrase of time or place: "At 6 a.m. Mr. Smith", "6 a.m. Tom"."""
    beginning = stop.sentence.begins_with(stop.text)
    if stop.mark < _LONGEST_FIRST and _NUMBER_FIRST.fullmatch(beginning, 0, stop.mark):
        return True
    found = _FIRST_WORD.search(beginning)
    return found is not None and found[0].lower() in lexicon.prepositions
