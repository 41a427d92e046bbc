"""A candidate: a mark that may end a sentence, with the text before and after it."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import (
    CLOSING,
    EMOJI,
    LINE_ENDS,
    MARKS,
    OPENERS,
    QUESTION_OR_EXCLAMATION,
    QUOTES,
    SPACES,
    one_of,
)
from ollama_rx.operators._sentences.lexicon import Lexicon
from ollama_rx.operators._sentences.preceding_word import words_before
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import Break, Continue, Verdict

_SPACE: Final = one_of(SPACES)
# The mark and those that follow it, also after a space ("! ?", ". . ."), but not the dot of ".NET".
_RUN: Final = rf".{one_of(MARKS)}*+(?:{_SPACE}[.!?…]++(?!\w))*+{CLOSING}"
# In text whose marks are set apart by spaces (" . ' "), a quote between two spaces closes.
_APART: Final = rf"(?:{_SPACE}['\"”’]{{1,2}}+(?=[{SPACES}{LINE_ENDS}]|\Z))?+"
_GAP: Final = re.compile(rf"(?:{_SPACE}|[{EMOJI}])*+")
_EMOJI: Final = re.compile(f"[{EMOJI}]")
# A note "[7]", "[^a]" or "²", a closing tag "</b>" and an emoticon ":-)" belong to the sentence before them.
_EXTRA: Final = re.compile(
    r"\[\d+(?:[,–-] ?\d+)*\]|\[\^[\w-]{1,30}\]|[⁰¹²³⁴-⁹]+|</\w+>|[:;=]['^-]?[()DPpoO3|]+(?=\s)"
)
_UNFINISHED: Final = re.compile(r"['\"”’]{1,2}|\[[\d,– -]*|\[\^[\w-]{0,30}|</?\w*|[:;=]['^-]?[()DPpoO3|]*")
# Quotes that close in English open after a space where they stand before a word: ”Nej.”, »Nein.«
_OPEN: Final = re.compile(rf"(?:{one_of(OPENERS)}|{_SPACE}|[”’»›](?=\w|\Z))*+")
_HYPHEN: Final = re.compile(r"[-–]\w|—\d")  # these join: "Mon.-Fri.", "9 a.m.-5 p.m."
_WORD: Final = re.compile(r"[^\s.,;:!?…'’\"“”»()\[\]*_`।॥،؟–—-]+")


class Lookahead:
    """Finds where a sentence would end after a mark, and where the next word begins."""

    def __init__(self, spaced_closers: str) -> None:
        closers = rf"(?:{_SPACE}?{one_of(spaced_closers)})*+" if spaced_closers else ""
        self._run = re.compile(_RUN + _APART + closers)

    def look(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> tuple[int, int]:
        """Return where the sentence would end and where the next word begins.

        The second is the length of the text while too little text has arrived to decide.
        """
        size = len(text)
        after = mark + 1
        if after + 1 < size and text[after] == " " and text[after + 1].isalnum():
            return after, after + 1
        run = self._run.match(text, mark)
        end = run.end() if run else after
        while end < size:
            gap = _GAP.match(text, end)
            at = gap.end() if gap else end
            # An emoji belongs to the sentence before it, unless that sentence began with one itself.
            if _EMOJI.search(text, end, at) and not _EMOJI.match(sentence.begins_with(text).lstrip()):
                end += len(text[end:at].rstrip(SPACES))
            if at == size:
                return end, size
            extra = _EXTRA.match(text, at)
            if not extra:
                if not final and _UNFINISHED.fullmatch(text, at):
                    return end, size
                opened = None if at == end and _HYPHEN.match(text, at) else _OPEN.match(text, at)
                return end, opened.end() if opened else at
            end = extra.end()
        return end, size


class Candidate:
    """A mark that may end a sentence.

    ``end`` is where the sentence would end, ``next_word`` where the next word begins, ``words`` the last
    words before the mark.
    """

    __slots__ = ("end", "final", "lexicon", "mark", "next_word", "sentence", "text", "words")

    def __init__(
        self, lexicon: Lexicon, lookahead: Lookahead, sentence: Sentence, text: str, mark: int, *, final: bool
    ) -> None:
        self.lexicon = lexicon
        self.sentence = sentence
        self.text = text
        self.mark = mark
        self.final = final
        self.end, self.next_word = lookahead.look(sentence, text, mark, final=final)
        self.words = words_before(text, mark)

    @property
    def follower(self) -> str:
        """The first character of the next word."""
        return self.text[self.next_word]

    @property
    def is_single_dot(self) -> bool:
        """Whether the mark is a single dot, which an abbreviation may have too."""
        return self.text[self.mark] in ".．" and self.text[self.mark + 1] not in MARKS

    @property
    def asks_or_exclaims(self) -> bool:
        """Whether the mark or the one after it is a question or exclamation mark."""
        char = self.text[self.mark]
        return (
            char in QUESTION_OR_EXCLAMATION
            or self.text[self.mark + 1] in QUESTION_OR_EXCLAMATION
            or char in self.lexicon.question_marks
        )

    @property
    def closes_quote(self) -> bool:
        """Whether a quotation mark follows the mark."""
        return not set(QUOTES).isdisjoint(self.text[self.mark + 1 : self.end])

    def end_of_word(self, start: int) -> int:
        """Return where the word that begins at a position ends; the position itself if none begins there."""
        found = _WORD.match(self.text, start)
        return found.end() if found else start

    def needs_text(self, position: int) -> bool:
        """Return whether the text stops before or at a position and more of it may arrive."""
        return position >= len(self.text) and not self.final

    def ends(self, *, when: bool) -> Verdict:
        """Return the verdict that the sentence ends, on a condition, and that it continues otherwise."""
        return Break(self.end) if when else Continue(self.end)
