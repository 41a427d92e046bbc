"""Where to cut inside a sentence: for an early first piece and for a maximum length."""

import re
import unicodedata
from functools import cache
from typing import Final

from ollama_rx.operators._sentences.characters import CLOSERS, MARKS, is_wide, weight
from ollama_rx.operators._sentences.detecting_rules import DetectingRules
from ollama_rx.operators._sentences.rules import Rules, any_of
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import WAIT, Break, Continue, Verdict

WIDE_CLAUSE_MARKS: Final = "，、；："
CLAUSE_MARKS: Final = ",;:—–،؛" + WIDE_CLAUSE_MARKS
_SHORTEST_FIRST: Final = 9  # weight; a shorter first piece is not worth starting speech for
_SHORTEST_JOINED: Final = 36  # weight before "and", "that" ...: after less text these join words, not clauses
_LONGEST_FIRST: Final = 240  # characters after which a first piece waits for its sentence
_BRACKETS: Final = "(（"
_BREAKS: Final = CLAUSE_MARKS + _BRACKETS + " "
_WORD: Final = re.compile(r"[^\W\d_]+")
# Where to cut, the best places first: each pattern ends where the cut would be.
_PLACES: Final = tuple(
    re.compile(pattern) for pattern in (r"[;:—–](?=\s)|[；：؛]", r"[,،](?=\s)|[，、]", r"\S(?=\s)")
)
_JOINERS: Final = "\u200d\ufe0f\ufe0e"


class ClauseRules:
    """The rules until the first piece has been emitted: a clause may end it too."""

    def __init__(self, rules: Rules | DetectingRules, min_chars: int) -> None:
        self._rules = rules
        self.waiting = rules.waiting
        self._shortest = max(min_chars, _SHORTEST_FIRST)
        self.search = _with_breaks(rules.candidates).search

    def judge(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        """Judge a character that may end a sentence or a clause."""
        char = text[mark]
        if char not in _BREAKS or self._rules.is_mark(text, mark):
            return self._rules.judge(sentence, text, mark, final=final)
        verdict = self._judge_clause(sentence, text, mark)
        if isinstance(verdict, Break):
            self._rules.remember_language(text, mark)
        return verdict

    def _judge_clause(self, sentence: Sentence, text: str, mark: int) -> Verdict:
        char = text[mark]
        late = mark > _LONGEST_FIRST or sentence.opening != ""
        before = 0 if late else weight(text[:mark].strip())
        if before < self._shortest or sentence.fence or sentence.is_opaque(text, mark):
            return Continue(mark + 1)
        sentence.scan(text, mark)
        if sentence.is_inside(mark) or sentence.quote(mark) is not None:
            return Continue(mark + 1)
        if char == " ":
            return self._before_joiner(text, mark) if before >= _SHORTEST_JOINED else Continue(mark + 1)
        if char in _BRACKETS:
            return Break(mark) if char == "（" else _before_bracket(text, mark)
        return _after_wide(text, mark) if char in WIDE_CLAUSE_MARKS else _after_spaced(text, mark)

    def _before_joiner(self, text: str, space: int) -> Verdict:
        word = _WORD.match(text, space + 1)
        end = word.end() if word else space + 1
        if end == len(text):
            return WAIT
        joiners = self._rules.lexicon_at(text, space).joiners
        joins = text[end] == " " and text[space + 1 : end].lower() in joiners
        return Break(space) if joins and text[space - 1] not in CLAUSE_MARKS else Continue(space + 1)


@cache
def _with_breaks(candidates: frozenset[str]) -> re.Pattern[str]:
    return any_of(candidates.union(_BREAKS))


def _before_bracket(text: str, mark: int) -> Verdict:
    return Break(len(text[:mark].rstrip())) if text[mark - 1] == " " else Continue(mark + 1)


def _after_wide(text: str, mark: int) -> Verdict:
    after = mark + 1
    if not text[mark - 1].isdigit():
        return Break(after)
    if after == len(text):
        return WAIT
    return Continue(after) if text[after].isdigit() else Break(after)


def _after_spaced(text: str, mark: int) -> Verdict:
    after = mark + 1
    if after == len(text):
        return WAIT
    if not text[after].isspace():
        return Continue(after)
    if after + 1 == len(text):
        return WAIT
    follower = text[after + 1]
    name = text[:mark].rsplit(None, 1)[-1][0].isupper() and follower.isupper()
    number = text[mark - 1].isdigit() and follower.isdigit()
    return Continue(after) if name or number or not follower.isalnum() else Break(after)


def best_cut(text: str, longest: int) -> int | None:
    """Return the best place to cut a text after at most ``longest`` characters, or None if there is none."""
    for earliest in (longest // 3, 1):  # first avoid a very short piece
        for place in _PLACES:
            ends = [found.end() for found in place.finditer(text, 0, longest + 1)]
            good = [end for end in ends if earliest <= end <= longest]
            if good:
                return good[-1]
    for at in range(min(longest, len(text) - 1), 0, -1):
        if _between_wide(text[at - 1], text[at]):
            return at
    return None


def is_cut_place(before: str, after: str) -> bool:
    """Return whether a word that is too long may be cut between two characters."""
    return after.isspace() or _between_wide(before, after)


def _between_wide(before: str, after: str) -> bool:
    """Return whether a cut between two characters leaves words, numbers and graphemes whole."""
    if after in _JOINERS or before in _JOINERS or unicodedata.category(after).startswith("M"):
        return False
    if after in CLOSERS or after in MARKS or after in CLAUSE_MARKS:
        return False
    return is_wide(before) or is_wide(after)
