"""What a dot after an abbreviation, an initial or a number means, judged by the word that follows."""

import re
from typing import Final

from ollama_rx.operators._sentences.candidate import Candidate
from ollama_rx.operators._sentences.characters import CURRENCY
from ollama_rx.operators._sentences.lexicon import Kind, Lexicon
from ollama_rx.operators._sentences.preceding_word import kind_of
from ollama_rx.operators._sentences.verdict import WAIT, Break, Continue, Verdict

_FIRST_WORD: Final = re.compile(r"[^\W\d_]+")
_ROMAN_DIGITS: Final = frozenset("IVXLC")
_ROMAN: Final = re.compile("[IVXLC]{2,}|[VX]")  # not a single "I": "no. I" may be two sentences
# A date or a time, but not a list marker: "12 Dec. 1961 A.D", "6 a.m".
_NUMBER_FIRST: Final = re.compile(r"\s*\d+(?![\d.)])(?:\s?\S+){1,3}")
_LONGEST_FIRST: Final = 40  # characters within which an abbreviation may be the first word


def judge_abbreviation(candidate: Candidate) -> Verdict:
    """Judge a dot to which no other rule applies: the word before it may be an abbreviation."""
    words, follower = candidate.words, candidate.follower
    kind, lexicon = kind_of(words, candidate.lexicon)
    digit = follower.isdigit()
    if follower in _ROMAN_DIGITS and kind in (Kind.NUMERIC, Kind.UNIT):
        word_end = candidate.end_of_word(candidate.next_word)
        word = candidate.text[candidate.next_word : word_end]
        if candidate.needs_text(word_end) and _ROMAN_DIGITS.issuperset(word):
            return WAIT
        digit = _ROMAN.fullmatch(word) is not None and word.lower() not in lexicon.starters
    if kind is Kind.NUMERIC and not digit:
        kind = Kind.AMBIGUOUS if len(words[-1]) == 1 and words[-1].isalpha() else None
    if kind is None:
        return Break(candidate.end)
    is_first = len(words) == 1 and candidate.mark < _LONGEST_FIRST and not candidate.sentence.opening
    if kind is Kind.NEVER or is_first or (digit and kind is not Kind.CLOSING):
        return Continue(candidate.end)
    if follower in CURRENCY:
        return candidate.ends(when=kind is not Kind.AMBIGUOUS)
    caseless = follower.lower() == follower.upper() and not digit
    if kind is Kind.AMBIGUOUS or caseless or _begins_with_preposition(candidate, lexicon):
        return ends_before_starter(candidate, lexicon)
    return _ends_unless_continued(candidate, lexicon)


def _ends_unless_continued(candidate: Candidate, lexicon: Lexicon) -> Verdict:
    """End the sentence unless the next word belongs to a time: "5 p.m. Eastern"."""
    word_end = candidate.end_of_word(candidate.next_word)
    word = candidate.text[candidate.next_word : word_end]
    if candidate.needs_text(word_end):
        may_continue = any(continuer.startswith(word) for continuer in lexicon.continuers)
        return WAIT if may_continue else Break(candidate.end)
    return candidate.ends(when=word not in lexicon.continuers)


def ends_unless_attributed(candidate: Candidate) -> Verdict:
    """End the sentence unless the next words name the speaker of the quote before it: “Why?” Ann asked."""
    text, lexicon = candidate.text, candidate.lexicon
    name_end = candidate.end_of_word(candidate.next_word)
    if candidate.needs_text(name_end):
        return WAIT
    if text[candidate.next_word : name_end].lower() in lexicon.starters:
        return Break(candidate.end)
    verb_end = candidate.end_of_word(name_end + 1)
    if candidate.needs_text(verb_end):
        return WAIT
    return candidate.ends(when=text[name_end + 1 : verb_end] not in lexicon.speech)


def ends_before_starter(candidate: Candidate, lexicon: Lexicon) -> Verdict:
    """End the sentence if the next word is one that begins sentences."""
    start = candidate.next_word
    end = candidate.end_of_word(start)
    if candidate.needs_text(end):
        return WAIT
    name = candidate.text[start:end]
    word = name.lower()
    dotted = candidate.text[end : end + 1] == "."
    if dotted and (word in lexicon.titles or name in lexicon.titles):
        after_initial = len(candidate.words[-1]) == 1 and candidate.words[-1].isalpha()
        return candidate.ends(when=not after_initial and not _begins_with_preposition(candidate, lexicon))
    initial = dotted and end - start == 1
    return candidate.ends(when=word in lexicon.starters and not initial)


def _begins_with_preposition(candidate: Candidate, lexicon: Lexicon) -> bool:
    """Return whether the sentence opens with a phrase of time or place: "At 6 a.m. Mr. Lee", "6 a.m. Tom"."""
    beginning = candidate.sentence.begins_with(candidate.text)
    if candidate.mark < _LONGEST_FIRST and _NUMBER_FIRST.fullmatch(beginning, 0, candidate.mark):
        return True
    found = _FIRST_WORD.search(beginning)
    return found is not None and found[0].lower() in lexicon.prepositions
