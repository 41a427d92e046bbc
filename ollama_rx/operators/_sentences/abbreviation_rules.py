"""What a dot after an abbreviation, an initial or a number means, judged by the word that follows."""

import re
from collections.abc import Iterable
from typing import Final, Literal

from ollama_rx.operators._sentences.candidate import Candidate
from ollama_rx.operators._sentences.characters import CURRENCY
from ollama_rx.operators._sentences.lexicon import Kind, Lexicon
from ollama_rx.operators._sentences.preceding_word import kind_of
from ollama_rx.operators._sentences.verdict import WAIT, Break, Continue, Verdict, Wait

_LETTERS: Final = re.compile(r"[^\W\d_]+")
_ROMAN_DIGITS: Final = frozenset("IVXLC")
_ROMAN: Final = re.compile("[IVXLC]{2,}|[VX]")  # not a single "I": "no. I" may be two sentences
_CAPITALS: Final = "[A-ZÀ-ÖØ-ÞΑ-ΩЀ-Я]{1,4}"
# What a label stands before besides a number: "Fig. B2", "Ref. XK-7".
_CODE: Final = re.compile(rf"{_CAPITALS}[-–./]?\d")
_CODE_BEGUN: Final = re.compile(rf"{_CAPITALS}[-–./]?")
_LETTER: Final = re.compile(r"(?![AI]\s)[A-Z](?!\w|['’])")  # "App. C", "Fig. A.", but not "Fig. A man"
_DAY: Final = re.compile(r"\.? ?\d")
_DAY_BEGUN: Final = re.compile(r"\.? ?")
# A date or a time, but not a list marker: "12 Dec. 1961 A.D", "6 a.m".
_NUMBER_FIRST: Final = re.compile(r"\s*\d+(?![\d.)])(?:\s?\S+){1,3}")
_LONGEST_FIRST: Final = 40  # characters within which an abbreviation may be the first word
_LONGEST_PHRASE: Final = 64  # characters of a phrase of time that opens a sentence


def judge_abbreviation(candidate: Candidate) -> Verdict:
    """Judge a dot to which no other rule applies: the word before it may be an abbreviation."""
    kind, lexicon = kind_of(candidate.words, candidate.lexicon)
    if kind is None:
        return Break(candidate.end)
    if kind is Kind.NEVER:
        return _judge_title(candidate, lexicon)
    number = _is_before_number(candidate, kind, lexicon)
    if number is WAIT:
        return WAIT
    if kind is Kind.NUMERIC and not number:
        return _judge_before_letter(candidate, lexicon)
    is_first = len(candidate.words) == 1 and candidate.mark < _LONGEST_FIRST
    if (is_first and not candidate.sentence.opening) or (number and kind is not Kind.CLOSING):
        return Continue(candidate.end)
    return _judge_before_word(candidate, kind, lexicon)


def _is_before_number(candidate: Candidate, kind: Kind, lexicon: Lexicon) -> bool | Literal[Wait.WAIT]:
    """Return whether a number follows, which after a label or a unit may be a Roman one."""
    if candidate.follower not in _ROMAN_DIGITS or kind not in (Kind.NUMERIC, Kind.UNIT):
        return candidate.follower.isdigit()
    word_end = candidate.end_of_word(candidate.next_word)
    word = candidate.text[candidate.next_word : word_end]
    if candidate.needs_text(word_end) and _ROMAN_DIGITS.issuperset(word):
        return WAIT
    return _ROMAN.fullmatch(word) is not None and word.lower() not in lexicon.starters


def _judge_before_word(candidate: Candidate, kind: Kind, lexicon: Lexicon) -> Verdict:
    """Judge an abbreviation that may end a sentence, before a word."""
    follower = candidate.follower
    if follower in CURRENCY:
        return candidate.ends(when=kind is not Kind.AMBIGUOUS)
    caseless = follower.lower() == follower.upper() and not follower.isdigit()
    if kind is Kind.AMBIGUOUS or caseless or is_in_opening_phrase(candidate, lexicon):
        return ends_before_starter(candidate, lexicon)
    return _ends_unless_continued(candidate, lexicon)


def _judge_before_letter(candidate: Candidate, lexicon: Lexicon) -> Verdict:
    """Judge a label or an ordinal before a letter: "Ref. XK-7", "7. Apríla"."""
    word = candidate.words[-1]
    if word.isdigit():
        return _ends_unless_month(candidate, lexicon)
    if _CODE.match(candidate.text, candidate.next_word):
        return Continue(candidate.end)
    if not candidate.final and _CODE_BEGUN.fullmatch(candidate.text, candidate.next_word):
        return WAIT
    if word.lower() not in lexicon.starters and _LETTER.match(candidate.text, candidate.next_word):
        return Continue(candidate.end)  # "no. B" may be two sentences
    is_initial = len(word) == 1 and word.isalpha()
    if is_initial or is_in_opening_phrase(candidate, lexicon):  # "On Sat. Tom came"
        return ends_before_starter(candidate, lexicon)
    return Break(candidate.end)


def _judge_title(candidate: Candidate, lexicon: Lexicon) -> Verdict:
    """Judge an abbreviation that is never the end, but for a title used as a noun: "I met the prof."."""
    *before, word = candidate.words
    if candidate.closes_quote:  # 'It is short for "Dr." We use it.'
        return ends_before_starter(candidate, lexicon)
    if not before or (word not in lexicon.titles and word.lower() not in lexicon.titles):
        return Continue(candidate.end)
    end = candidate.end_of_word(candidate.next_word)
    if candidate.needs_text(end + 1):
        return WAIT
    is_noun = word.islower() or before[-1].lower() in lexicon.determiners
    next_word = candidate.text[candidate.next_word : end].lower()
    begins = next_word in (lexicon.starters if is_noun else lexicon.determiners) and len(next_word) > 1
    is_name = candidate.text[end + 1 : end + 2].isupper()  # "dhr. De Vries"
    return candidate.ends(when=begins and not is_name)


def _ends_unless_continued(candidate: Candidate, lexicon: Lexicon) -> Verdict:
    """End the sentence unless the next words belong to a time: "5 p.m. Eastern", "5 p.m. March 9"."""
    word, end = _next_letters(candidate)
    if candidate.needs_text(end):
        return _wait_for_one_of(candidate, word, lexicon.continuers | lexicon.months)
    if word in lexicon.months:
        if not candidate.final and _DAY_BEGUN.fullmatch(candidate.text, end):
            return WAIT
        return candidate.ends(when=_DAY.match(candidate.text, end) is None)
    return candidate.ends(when=word not in lexicon.continuers)


def _ends_unless_month(candidate: Candidate, lexicon: Lexicon) -> Verdict:
    """End the sentence after a number, unless it is the ordinal of a day: "7. Apríla"."""
    word, end = _next_letters(candidate)
    if candidate.needs_text(end):
        return _wait_for_one_of(candidate, word, lexicon.months)
    return candidate.ends(when=word not in lexicon.months)


def _next_letters(candidate: Candidate) -> tuple[str, int]:
    """Return the letters at the beginning of the next word, and where they end."""
    found = _LETTERS.match(candidate.text, candidate.next_word)
    return (found[0], found.end()) if found else ("", candidate.next_word)


def _wait_for_one_of(candidate: Candidate, begun: str, words: Iterable[str]) -> Verdict:
    """Wait if the next word, of which the beginning is known, may be one of these; else end the sentence."""
    return WAIT if any(word.startswith(begun) for word in words) else Break(candidate.end)


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
        return candidate.ends(when=not after_initial and not is_in_opening_phrase(candidate, lexicon))
    initial = dotted and end - start == 1
    return candidate.ends(when=word in lexicon.starters and not initial)


def is_in_opening_phrase(candidate: Candidate, lexicon: Lexicon) -> bool:
    """Return whether the sentence up to here is only a phrase of time or place: "On May 5 at 6 a.m. Tom"."""
    if candidate.sentence.opening or candidate.mark > _LONGEST_PHRASE:
        return False
    if candidate.mark < _LONGEST_FIRST and _NUMBER_FIRST.fullmatch(candidate.text, 0, candidate.mark):
        return True
    first = _LETTERS.search(candidate.text, 0, candidate.mark)
    if first is None or first[0].lower() not in lexicon.prepositions:
        return False
    return all(_is_in_phrase(word, lexicon) for word in candidate.text[: candidate.mark].split()[:-1])


def _is_in_phrase(word: str, lexicon: Lexicon) -> bool:
    """Return whether a word of a sentence's beginning can belong to a phrase of time or place."""
    bare = word.strip(",;.*_\"“«„'’")
    if not bare or not bare[0].islower() or "." in bare:  # a number, a name, "a.m"
        return True
    return bare in lexicon.prepositions or bare in lexicon.times or bare in lexicon.months
