"""The rules for marks that also stand inside sentences: `.`, `…`, `!` and `?`.

The first rule of `RULES` that has an opinion decides, and `judge_abbreviation` if none has. An
opinion is one number: a positive one is where to cut, a negative one is where to go on looking, and
0 asks for more text. A rule that has once decided may not decide otherwise when more text follows,
nor look at where a piece ended, so that any cutting of the text gives the same sentences.
"""

import re
from collections.abc import Callable
from typing import Final

from ollama_rx.operators._sentences import items
from ollama_rx.operators._sentences.characters import ASKS, BULLETS, CURRENCY, LINE_ENDS, MARKS, is_wide
from ollama_rx.operators._sentences.following import Following
from ollama_rx.operators._sentences.lexicon import Kind, Lexicon, lexicon_of_letter
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.words import is_plain, kind_of, words_before

_NEXT_WORD: Final = re.compile(r"[^\s.,;:!?…'’\"“”»()\[\]*_`।॥،؟–—-]+")
_FIRST_WORD: Final = re.compile(r"[^\W\d_]+")
_AFTER_GLUED: Final = frozenset((" ", ",", "'", "’", ""))
_LONGEST_SAFE: Final = 40
_SHORTEST_SAFE: Final = 3  # letters of a word that is hardly an unknown abbreviation


class Stop:
    """A mark under judgement."""

    __slots__ = ("end", "final", "letter", "lexicon", "mark", "sentence", "text", "words")

    def __init__(
        self, lexicon: Lexicon, following: Following, sentence: Sentence, text: str, mark: int, *, final: bool
    ) -> None:
        self.lexicon = lexicon
        self.sentence = sentence
        self.text = text
        self.mark = mark
        self.final = final
        self.end, self.letter = following.look(text, mark, final=final)
        self.words = words_before(text, mark)

    @property
    def follower(self) -> str:
        """The first character of what follows."""
        return self.text[self.letter]

    @property
    def is_dot(self) -> bool:
        """Whether it is a single dot, which an abbreviation may have too."""
        return self.text[self.mark] in ".．" and self.text[self.mark + 1] not in MARKS

    @property
    def asks(self) -> bool:
        """Whether it is or contains a question or exclamation mark."""
        return self.text[self.mark] in ASKS or self.text[self.mark + 1] in ASKS

    def lacks(self, position: int) -> bool:
        """Tell whether the text may go on at a position where it ends now."""
        return position >= len(self.text) and not self.final

    @property
    def onward(self) -> int:
        """The verdict that the sentence goes on."""
        return -self.end

    def ends(self, *, when: bool) -> int:
        """Return the verdict that the sentence ends under a condition, and else goes on."""
        return self.end if when else -self.end


def is_safe(lexicon: Lexicon, sentence: Sentence, text: str, mark: int) -> bool:
    """Tell whether what stands before a dot leaves hardly a doubt that the sentence ends there."""
    if text[mark] != ".":
        return False
    before, _, word = text[max(0, mark - _LONGEST_SAFE) : mark].rpartition(" ")
    if len(word) < _SHORTEST_SAFE or not word.isalpha() or not word.islower() or not before:
        return False
    if word in lexicon.files or sentence.begins_lower(text, mark):
        return False
    if not is_plain(word, before[-1], lexicon) and kind_of(words_before(text, mark), lexicon)[0] is not None:
        return False
    sentence.scan(text, mark)
    if sentence.is_inside(mark) or sentence.quote(mark) is not None:
        return False
    return "``" not in before and " '" not in before


def _more_needed(stop: Stop) -> int | None:
    if stop.letter < len(stop.text):
        return None
    return -stop.end if stop.final else 0


def _inside(stop: Stop) -> int | None:
    stop.sentence.scan(stop.text, stop.mark)
    closers = stop.text[stop.mark + 1 : stop.end]
    return stop.onward if stop.sentence.is_inside(stop.mark, closers) else None


def _marker(stop: Stop) -> int | None:
    if not stop.is_dot or stop.text[stop.mark + 1].isalnum():
        return None
    if items.first_marker(stop.sentence, stop.text, stop.mark, stop.lexicon):
        return stop.onward
    return items.next_marker(stop.sentence, stop.text, stop.mark) or None


def _no_words_yet(stop: Stop) -> int | None:
    return None if stop.sentence.has_word(stop.text, stop.mark) else stop.onward


def _at_line_end(stop: Stop) -> int | None:
    return stop.end if stop.follower in LINE_ENDS else None


def _glued_wide(stop: Stop) -> int | None:
    """Judge a mark without a space next to a script that has no spaces."""
    if stop.letter != stop.end:
        return None
    before = stop.text[stop.mark - 1]
    if not is_wide(stop.follower) and not (stop.asks and is_wide(before)):
        return None
    if stop.words[-1] + stop.text[stop.mark] in stop.lexicon.names:
        return stop.onward
    return stop.ends(when=stop.asks or (stop.is_dot and before.isalpha()))


def _glued(stop: Stop) -> int | None:
    """Judge a mark without a space after it: a number, a name, or two sentences glued together."""
    if stop.letter != stop.end:
        return None
    last = stop.words[-1].replace(",", "")
    if not stop.follower.isupper() or not last.isalnum():
        return stop.onward
    if last[1:].islower() and not last.isascii() and len(last) >= _SHORTEST_SAFE:
        return stop.end  # names of code are ASCII
    found = _NEXT_WORD.match(stop.text, stop.end)
    after = found.end() if found else stop.end
    if stop.lacks(after):
        return 0
    follower = stop.text[stop.end : after].lower()
    lexicon = lexicon_of_letter(stop.follower, stop.lexicon)
    begins = stop.text[after : after + 1] in _AFTER_GLUED and follower in lexicon.starters
    begins = begins or follower in lexicon.titles
    return stop.ends(when=begins and (last[-2:].islower() or last[-2:].isdigit()))


def _before_lower(stop: Stop) -> int | None:
    if not stop.follower.islower():
        return None
    if stop.lacks(stop.letter + 1):
        return 0
    if stop.text[stop.letter + 1 : stop.letter + 2].isupper():  # "iPhone"
        return None
    if not stop.sentence.begins_lower(stop.text, stop.mark):
        return stop.onward
    plain = len(stop.words[-1]) > 1 and kind_of(stop.words, stop.lexicon)[0] is None
    return stop.ends(when=stop.text[stop.mark] in ASKS or (plain and stop.is_dot))


def _symbol(stop: Stop) -> int | None:
    if stop.follower.isalnum() or stop.follower == "`":
        return None
    return stop.ends(when=stop.follower in CURRENCY or stop.follower in BULLETS)


def _asked(stop: Stop) -> int | None:
    if not stop.asks:
        return None
    if stop.words[-1] + stop.text[stop.mark] in stop.lexicon.names:
        return _if_starter(stop, stop.lexicon)
    return stop.end


def _ellipsis(stop: Stop) -> int | None:
    """End a sentence at an ellipsis only before a capital that is not "I"; "[...]" is an omission."""
    if stop.is_dot:
        return None
    if stop.text[stop.mark - 1] in "[(":
        return stop.onward
    if stop.follower.lower() == stop.follower.upper() and not is_wide(stop.follower):
        return stop.onward
    if stop.follower != "I":
        return stop.end
    if stop.lacks(stop.letter + 1):
        return 0
    return stop.ends(when=stop.text[stop.letter + 1 : stop.letter + 2].isalpha())


def judge_abbreviation(stop: Stop) -> int:
    """Judge a dot before a word when no other rule did: the word before it may be an abbreviation."""
    kind, lexicon = kind_of(stop.words, stop.lexicon)
    digit = stop.follower.isdigit()
    if kind is Kind.NUMERIC and not digit:
        kind = Kind.AMBIGUOUS if len(stop.words[-1]) == 1 else None
    if kind is None:
        return stop.end
    begins = len(stop.words) == 1 and stop.mark < _LONGEST_SAFE and not stop.sentence.opening
    if kind is Kind.NEVER or begins or (digit and kind is not Kind.CLOSING):
        return stop.onward
    if kind is Kind.AMBIGUOUS or _begins_with_preposition(stop, lexicon):
        return _if_starter(stop, lexicon)
    return stop.end


def _if_starter(stop: Stop, lexicon: Lexicon) -> int:
    """End the sentence if the next word is one that begins sentences."""
    found = _NEXT_WORD.match(stop.text, stop.letter)
    after = found.end() if found else stop.letter
    if stop.lacks(after):
        return 0
    word = stop.text[stop.letter : after].lower()
    dotted = stop.text[after : after + 1] == "."
    if dotted and word in lexicon.titles:
        return stop.ends(when=len(stop.words[-1]) > 1 and not _begins_with_preposition(stop, lexicon))
    initial = dotted and after - stop.letter == 1
    return stop.ends(when=word in lexicon.starters and not initial)


def _begins_with_preposition(stop: Stop, lexicon: Lexicon) -> bool:
    """Tell whether the sentence opens with a phrase of time or place: "At 6 a.m. Mr. Smith"."""
    found = _FIRST_WORD.search(stop.sentence.begins_with(stop.text))
    return found is not None and found[0].lower() in lexicon.prepositions


RULES: Final[tuple[Callable[[Stop], int | None], ...]] = (
    _more_needed,
    _inside,
    _marker,
    _no_words_yet,
    _at_line_end,
    _glued_wide,
    _glued,
    _before_lower,
    _symbol,
    _asked,
    _ellipsis,
)
