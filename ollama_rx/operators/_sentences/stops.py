"""The rules for marks that also stand inside sentences: `.`, `…`, `!` and `?`.

The first rule of `RULES` that does not return None decides, or else `judge_abbreviation`. Once a rule has
returned `Cut` or `Continue`, more text must not change its verdict, and no rule may depend on where a piece
of text ended: any cutting of the text gives the same sentences.
"""

from collections.abc import Callable
from typing import Final

from ollama_rx.operators._sentences import items
from ollama_rx.operators._sentences.abbreviations import NEXT_WORD, if_starter, unless_spoken
from ollama_rx.operators._sentences.characters import (
    ASKS,
    BULLETS,
    CURRENCY,
    DOTS,
    FULL,
    LINE_ENDS,
    SPACES,
    is_wide,
)
from ollama_rx.operators._sentences.lexicon import lexicon_of_letter
from ollama_rx.operators._sentences.stop import Stop
from ollama_rx.operators._sentences.verdict import WAIT, Continue, Cut, Verdict
from ollama_rx.operators._sentences.words import kind_of

_AFTER_GLUED: Final = frozenset((" ", ",", "'", "’", ""))
_FULL_OR_ASKS: Final = frozenset(FULL + ASKS)
_QUOTES: Final = frozenset("\"”’'»")
_ELLIPSIS: Final = 3  # dots; a fourth one is a full stop (Chicago Manual of Style, 13.53)
_SPACED_DOTS: Final = frozenset(space + "." for space in SPACES)
_SHORTEST_GLUED: Final = 3  # letters of a word that is hardly an abbreviation glued to a name


def _more_needed(stop: Stop) -> Verdict | None:
    if stop.letter < len(stop.text):
        return None
    return Continue(stop.end) if stop.final else WAIT


def _inside(stop: Stop) -> Verdict | None:
    stop.sentence.scan(stop.text, stop.mark)
    closers = stop.text[stop.mark + 1 : stop.end]
    return Continue(stop.end) if stop.sentence.is_inside(stop.mark, closers) else None


def _marker(stop: Stop) -> Verdict | None:
    if not stop.is_dot or stop.text[stop.mark + 1].isalnum():
        return None
    if items.first_marker(stop.sentence, stop.text, stop.mark, stop.lexicon):
        return Continue(stop.end)
    return items.next_marker(stop.sentence, stop.text, stop.mark)


def _no_words_yet(stop: Stop) -> Verdict | None:
    return None if stop.sentence.has_word(stop.text, stop.mark) else Continue(stop.end)


def _at_line_end(stop: Stop) -> Verdict | None:
    return Cut(stop.end) if stop.follower in LINE_ENDS else None


def _glued_wide(stop: Stop) -> Verdict | None:
    """Judge a mark without a space next to a script that has no spaces."""
    if stop.letter != stop.end:
        return None
    before = stop.text[stop.mark - 1]
    if not is_wide(stop.follower) and not (stop.asks and is_wide(before)):
        return None
    if stop.words[-1] + stop.text[stop.mark] in stop.lexicon.names:
        return Continue(stop.end)
    marks = stop.text[stop.mark : stop.end]
    full = stop.asks or not _FULL_OR_ASKS.isdisjoint(marks)
    word = stop.is_dot and before.isalpha() and kind_of(stop.words, stop.lexicon)[0] is None
    return stop.ends(when=full or word)


def _glued(stop: Stop) -> Verdict | None:
    """Judge a mark without a space after it: a number, a name, or two sentences glued together."""
    if stop.letter != stop.end:
        return None
    last = stop.words[-1].replace(",", "")
    if not stop.follower.isupper() or not last.isalnum():
        return Continue(stop.end)
    if last[1:].islower() and not last.isascii() and len(last) >= _SHORTEST_GLUED:
        return Cut(stop.end)  # names of code are ASCII
    found = NEXT_WORD.match(stop.text, stop.end)
    after = found.end() if found else stop.end
    if stop.lacks(after):
        return WAIT
    follower = stop.text[stop.end : after].lower()
    lexicon = lexicon_of_letter(stop.follower, stop.lexicon)
    begins = stop.text[after : after + 1] in _AFTER_GLUED and follower in lexicon.starters
    begins = begins or follower in lexicon.titles
    return stop.ends(when=begins and (last[-2:].islower() or last[-2:].isdigit()))


def _before_lower(stop: Stop) -> Verdict | None:
    if not stop.follower.islower():
        return None
    if stop.lacks(stop.letter + 1):
        return WAIT
    if stop.text[stop.letter + 1 : stop.letter + 2].isupper():  # "iPhone"
        return None
    if not stop.sentence.begins_lower(stop.text, stop.mark):
        return Continue(stop.end)
    plain = len(stop.words[-1]) > 1 and kind_of(stop.words, stop.lexicon)[0] is None
    return stop.ends(when=stop.text[stop.mark] in ASKS or (plain and stop.is_dot))


def _symbol(stop: Stop) -> Verdict | None:
    if stop.follower.isalnum() or stop.follower == "`":
        return None
    if stop.is_dot and stop.follower in CURRENCY:  # it may stand after an abbreviation: "approx. $5"
        return None
    # A dot here begins the next word: "...and then", ".NET".
    return stop.ends(when=stop.follower in CURRENCY or stop.follower in BULLETS or stop.follower in DOTS)


def _asked(stop: Stop) -> Verdict | None:
    if not stop.asks:
        return None
    if stop.words[-1] + stop.text[stop.mark] in stop.lexicon.names:
        return if_starter(stop, stop.lexicon)
    quoted = stop.text[stop.end - 1] in _QUOTES and stop.lexicon.speech
    return unless_spoken(stop) if quoted else Cut(stop.end)


def _ellipsis(stop: Stop) -> Verdict | None:
    """End a sentence at an ellipsis only before a capital, not before "I" alone; "[...]" is an omission."""
    if stop.is_dot and stop.text[stop.mark + 1 : stop.mark + 3] not in _SPACED_DOTS:
        return None
    if stop.text[stop.mark - 1] in "[(":
        return Continue(stop.end)
    if stop.follower.lower() == stop.follower.upper() and not is_wide(stop.follower):
        return Continue(stop.end)
    if stop.follower != "I" or stop.text.count(".", stop.mark, stop.end) > _ELLIPSIS:
        return Cut(stop.end)
    if stop.lacks(stop.letter + 1):
        return WAIT
    return stop.ends(when=stop.text[stop.letter + 1 : stop.letter + 2].isalpha())


RULES: Final[tuple[Callable[[Stop], Verdict | None], ...]] = (
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
