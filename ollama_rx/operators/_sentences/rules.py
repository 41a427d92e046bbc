"""The rules of one language: which characters are candidates, and which rule judges each of them."""

import re
from enum import IntEnum
from functools import cache, lru_cache
from typing import Final

from ollama_rx.operators._sentences.abbreviation_rules import judge_abbreviation
from ollama_rx.operators._sentences.candidate import Candidate, Lookahead
from ollama_rx.operators._sentences.characters import (
    BULLETS,
    LINE_ENDS,
    MARKS,
    QUESTION_OR_EXCLAMATION,
    one_of_and_rare,
)
from ollama_rx.operators._sentences.fullwidth import FullwidthRules
from ollama_rx.operators._sentences.lexicon import Lexicon, lexicon_for, lexicon_of_letter
from ollama_rx.operators._sentences.line_structure import judge_bracket, judge_bullet, judge_line_break
from ollama_rx.operators._sentences.never_split import NeverSplit
from ollama_rx.operators._sentences.preceding_word import is_plain, kind_of, words_before
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.terminators import RULES
from ollama_rx.operators._sentences.verdict import WAIT, Break, Continue, Verdict

_CAPITAL: Final = re.compile(r" [A-ZÄÖÜÉÀА-ЯЁ]")
_LONGEST: Final = 40  # characters the fast path looks at before a mark
_SHORTEST_WORD: Final = 3  # letters; a shorter word may be an unlisted abbreviation
# These end sentences in one script only: Greek ";", Armenian ":", Amharic "::", Hindi "|".
_MARKS_OF_ONE_SCRIPT: Final = frozenset(";\u037e:|")
_NEAR: Final = 8  # characters before such a mark within which a letter shows the script
_REMEMBERED: Final = 4096  # words; the most frequent ones of a language end most of its sentences


class Rules:
    """The rules of one language, shared by all streams."""

    def __init__(self, lexicon: Lexicon, *, eager: bool = False, never_split: tuple[str, ...] = ()) -> None:
        self.lexicon = lexicon
        self._eager = eager
        self._lookahead = Lookahead(lexicon.spaced_closers)
        added = lexicon.marks + lexicon.question_marks + lexicon.double_marks
        self.marks = (frozenset(MARKS) | set(added)) - set(lexicon.not_marks)
        self.candidates = frozenset({*MARKS, *added, *_MARKS_OF_ONE_SCRIPT, *LINE_ENDS, *BULLETS, ")"})
        self.search = any_of(self.candidates).search
        self._fullwidth = FullwidthRules(lexicon, self.marks)
        # Marks that can never be judged before the next character has arrived.
        self.waiting = frozenset[str]() if eager else self.marks - self._fullwidth.marks
        self._never_split = NeverSplit(never_split, self.marks) if never_split else None

    def is_mark(self, text: str, at: int) -> bool:
        """Return whether a character may end a sentence."""
        return text[at] in self._at(text, at).marks

    def lexicon_at(self, _text: str, _at: int) -> Lexicon:
        """Return the lexicon for a position; `DetectingRules` looks at the text before it."""
        return self.lexicon

    def remember_language(self, text: str, at: int) -> None:
        """Do nothing; `DetectingRules` remembers the language of a sentence that something else has ended."""

    def judge(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        """Judge the character at ``mark``, which is one that ``search`` finds."""
        char = text[mark]
        if char in LINE_ENDS:
            return judge_line_break(sentence, text, mark, final=final)
        if (
            sentence.fence
            or sentence.opaque
            or (sentence.opaque is None and sentence.is_opaque(text, mark + 1))
        ):
            return Continue(mark + 1)
        if char == ")":
            return judge_bracket(sentence, text, mark, self.lexicon)
        if char in BULLETS:
            return judge_bullet(sentence, text, mark)
        if self._never_split is not None:
            verdict = self._never_split.judge(text, mark, final=final)
            if verdict is not None:
                return verdict
        rules = self._at(text, mark) if char in _MARKS_OF_ONE_SCRIPT else self
        return rules.judge_mark(sentence, text, mark, final=final)

    def _at(self, text: str, mark: int) -> "Rules":
        """Return the rules for a mark: those of the script before it if only that script uses the mark."""
        if text[mark] not in _MARKS_OF_ONE_SCRIPT:
            return self
        letter = next(filter(str.isalpha, reversed(text[max(0, mark - _NEAR) : mark])), "")
        if letter.isascii():
            return self
        return rules_for(lexicon_of_letter(letter, self.lexicon).code, eager=self._eager)

    def judge_mark(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        """Judge a mark that is not in a heading, a table or a code fence."""
        char = text[mark]
        if char not in self.marks:
            return Continue(mark + 1)
        if char in self._fullwidth.marks:
            return self._fullwidth.judge(sentence, text, mark, final=final)
        return self._judge_terminator(sentence, text, mark, final=final)

    def _judge_terminator(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        waits = mark + 1 == len(text) and not final
        if waits and not self._eager:
            return WAIT
        # Fast path: a capital after a mark that surely ends the sentence leaves nothing else to judge.
        char = text[mark]
        surely_ends = _dot_surely_ends if char == "." else _mark_surely_ends if char in "!?" else None
        capital = (self._eager and char == ".") or _CAPITAL.match(text, mark + 1)
        if surely_ends and capital and surely_ends(self.lexicon, sentence, text, mark):
            return Break(mark + 1)
        if waits:
            return WAIT
        candidate = Candidate(self.lexicon, self._lookahead, sentence, text, mark, final=final)
        for rule in RULES:
            verdict = rule(candidate)
            if verdict is not None:
                return verdict
        return judge_abbreviation(candidate)

    def judge_pause(self, sentence: Sentence, text: str, mark: int) -> Break | None:
        """Break at a mark after which no text has arrived for a while, if the sentence surely ends there."""
        end, next_word = self._lookahead.look(sentence, text, mark, final=True)
        if next_word < len(text):
            return None
        sentence.scan(text, mark)
        char = text[mark]
        if (
            char in QUESTION_OR_EXCLAMATION
            or char in self._fullwidth.marks
            or char in self.lexicon.question_marks
        ):
            return None if sentence.is_inside(mark) else Break(end)
        if char != "." or end != mark + 1:
            return None
        return Break(end) if _dot_surely_ends(self.lexicon, sentence, text, mark) else None


@cache
def any_of(characters: frozenset[str]) -> re.Pattern[str]:
    """Return a pattern for one of these characters, compiled once."""
    return re.compile(one_of_and_rare(characters))


@lru_cache
def rules_for(language: str, *, eager: bool, never_split: tuple[str, ...] = ()) -> Rules:
    """Return the rules for the language of a BCP 47 tag and the names that the caller never wants split."""
    return Rules(lexicon_for(language), eager=eager, never_split=never_split)


def _dot_surely_ends(lexicon: Lexicon, sentence: Sentence, text: str, mark: int) -> bool:
    """Return whether the text before a dot leaves little doubt that the sentence ends there."""
    before, _, word = text[max(0, mark - _LONGEST) : mark].rpartition(" ")
    ends = _how_often_ends(word, lexicon)
    if ends is _Ends.RARELY or not before or sentence.begins_lower(text, mark):
        return False
    doubtful = ends is _Ends.MOSTLY or before[-1] == "." or before[-1].isdigit()
    if doubtful and kind_of(words_before(text, mark), lexicon)[0] is not None:
        return False
    if sentence.is_open(text, mark):
        return False
    # Quotes that `Nesting` does not follow.
    return "``" not in before and " '" not in before and " ”" not in before and " »" not in before


def _mark_surely_ends(lexicon: Lexicon, sentence: Sentence, text: str, mark: int) -> bool:
    """Return whether a question or exclamation mark before a space and a capital surely ends the sentence."""
    word = text[max(0, mark - _LONGEST) : mark].rpartition(" ")[2]
    return word.isalpha() and word + text[mark] not in lexicon.names and not sentence.is_open(text, mark)


class _Ends(IntEnum):
    """How often a sentence ends at a word with a dot."""

    RARELY = 0
    MOSTLY = 1
    ALWAYS = 2


@lru_cache(_REMEMBERED)
def _how_often_ends(word: str, lexicon: Lexicon) -> _Ends:
    if len(word) < _SHORTEST_WORD or not word.isalpha() or not word.islower() or word in lexicon.files:
        return _Ends.RARELY
    return _Ends.ALWAYS if is_plain(word, lexicon) else _Ends.MOSTLY
