"""The rules for marks that also stand inside sentences: `.`, `…`, `!` and `?`.

The first rule of `RULES` that does not return None decides, or else `judge_abbreviation`. Once a rule has
returned `Break` or `Continue`, more text must not change its verdict, and no rule may depend on where a
piece of text ended: any cutting of the text gives the same sentences.
"""

import re
from collections.abc import Callable
from typing import Final

from ollama_rx.operators._sentences.abbreviation_rules import (
    ends_before_starter,
    ends_unless_attributed,
    is_in_opening_phrase,
)
from ollama_rx.operators._sentences.candidate import Candidate
from ollama_rx.operators._sentences.characters import (
    BULLETS,
    CURRENCY,
    DOTS,
    FULL_STOPS,
    LINE_ENDS,
    OPENERS,
    QUESTION_OR_EXCLAMATION,
    QUOTES,
    SPACES,
    SYMBOLS,
    is_wide,
)
from ollama_rx.operators._sentences.fullwidth import judge_after_quote
from ollama_rx.operators._sentences.lexicon import Kind, lexicon_of_letter
from ollama_rx.operators._sentences.line_structure import (
    break_before_first_item,
    break_before_next_item,
    closes_on_next_line,
    is_first_marker,
)
from ollama_rx.operators._sentences.preceding_word import kind_of
from ollama_rx.operators._sentences.verdict import WAIT, Break, Continue, Verdict

_AFTER_GLUED: Final = frozenset((" ", ",", "'", "’", ""))
_AFTER_GLUED_STARTER: Final = _AFTER_GLUED | {"!", "?"}  # "fine.Thanks!", but not "obj.Value!"
_UNAMBIGUOUS: Final = frozenset(FULL_STOPS + QUESTION_OR_EXCLAMATION)
_QUESTIONS_OR_EXCLAMATIONS: Final = frozenset(QUESTION_OR_EXCLAMATION)
_ELLIPSIS: Final = 3  # dots; a fourth one is a full stop (Chicago Manual of Style, 13.53)
_ENCLOSED: Final = re.compile(r"(?:[a-z]|[ivx]{2,4})[)\]] [^\W\d_a-z]")
_ENCLOSED_BEGUN: Final = re.compile(r"(?:[a-z]|[ivx]{2,4})(?:[)\]] ?)?")
_BEFORE_ENCLOSED: Final = "([ "
_SPACED_DOTS: Final = frozenset(space + "." for space in SPACES)
_LONGEST_ITEM: Final = 2  # digits; a longer number before a glued word is not the marker of an item
_SHORTEST_GLUED: Final = 3  # letters; a shorter word may be an abbreviation glued to a name


def _before_unfinished_text(candidate: Candidate) -> Verdict | None:
    if candidate.next_word < len(candidate.text):
        return None
    return Continue(candidate.end) if candidate.final else WAIT


def _inside_brackets_or_code(candidate: Candidate) -> Verdict | None:
    sentence, text, mark = candidate.sentence, candidate.text, candidate.mark
    sentence.scan(text, mark)
    closers = text[mark + 1 : candidate.end]
    if sentence.closes_code(closers) and not (candidate.is_single_dot and text[mark - 1].isalpha()):
        return Continue(candidate.end)  # in "`save!`" and "`ls .`" the mark is code
    return Continue(candidate.end) if sentence.is_inside(mark, closers) else None


def _in_list_marker(candidate: Candidate) -> Verdict | None:
    sentence, text, mark = candidate.sentence, candidate.text, candidate.mark
    if not candidate.is_single_dot:
        return None
    after = text[mark + 1]
    begins = after.isalpha() and not after.islower() and text[mark - 1].isdigit()  # "1.First"
    if after.isalnum() and not begins:
        return None
    if is_first_marker(sentence, text, mark, candidate.lexicon):
        return Continue(candidate.end)
    found = break_before_next_item(sentence, text, mark)
    if found is None and candidate.follower.isalpha() and not candidate.follower.islower():
        found = break_before_first_item(text, mark)
        if found and begins and not is_wide(after):  # "We need: 1.Milk, 2.Bread"
            return Continue(candidate.end)
    return found


def _before_any_word(candidate: Candidate) -> Verdict | None:
    return None if candidate.sentence.has_word(candidate.text, candidate.mark) else Continue(candidate.end)


def _at_line_end(candidate: Candidate) -> Verdict | None:
    if candidate.follower not in LINE_ENDS:
        return None
    quote = candidate.sentence.quote(candidate.mark)
    if quote is None or not set(quote[0]).isdisjoint(candidate.text[candidate.mark + 1 : candidate.end]):
        return Break(candidate.end)
    closed = closes_on_next_line(quote, candidate.text, candidate.next_word)
    if closed is None and not candidate.final:
        return WAIT
    return candidate.ends(when=not closed)


def _glued_to_wide(candidate: Candidate) -> Verdict | None:
    """Judge a mark without a space, next to a character of a script that has no spaces."""
    if candidate.next_word != candidate.end:
        return None
    text, mark, words = candidate.text, candidate.mark, candidate.words
    before = text[mark - 1]
    asks_or_exclaims = candidate.asks_or_exclaims
    if not is_wide(candidate.follower) and not (asks_or_exclaims and is_wide(before)):
        return None
    if not candidate.follower.isalnum() and candidate.follower not in OPENERS:  # “Why?”。
        return Continue(candidate.end)
    if words[-1] + text[mark] in candidate.lexicon.names:
        return Continue(candidate.end)
    quote = candidate.sentence.quote(mark)
    if quote is not None and not set(quote[0]).isdisjoint(text[mark + 1 : candidate.end]):
        return judge_after_quote(text, candidate.end, quote[2], final=candidate.final)
    unambiguous = asks_or_exclaims or not _UNAMBIGUOUS.isdisjoint(text[mark : candidate.end])
    after_word = candidate.is_single_dot and before.isalpha() and kind_of(words, candidate.lexicon)[0] is None
    return candidate.ends(when=unambiguous or after_word)


def _glued(candidate: Candidate) -> Verdict | None:
    """Judge a mark without a space after it: a number, a name, or two sentences glued together."""
    start = candidate.end
    if candidate.next_word != start:
        return None
    last = candidate.words[-1].replace(",", "")
    if not candidate.follower.isupper() or not last.isalnum() or _is_chaining(candidate):
        return Continue(start)
    if last[1:].islower() and not last.isascii() and len(last) >= _SHORTEST_GLUED:
        return Break(start)  # names in source code are ASCII
    end = candidate.end_of_word(start)
    if candidate.needs_text(end):
        return WAIT
    word, after = candidate.text[start:end], candidate.text[end : end + 1]
    lexicon = lexicon_of_letter(candidate.follower, candidate.lexicon)
    is_class = last[0].isupper() and last in lexicon.modules
    starts = after in _AFTER_GLUED_STARTER and word.lower() in lexicon.starters and not is_class
    if (starts and candidate.is_single_dot) or word.lower() in lexicon.titles:
        return candidate.ends(when=last[-2:].islower() or (last.isdigit() and len(last) > _LONGEST_ITEM))
    is_word = starts or word[1:].islower()
    plain = is_word and (after in _AFTER_GLUED or not candidate.is_single_dot) and after != ""
    return candidate.ends(when=plain and _is_plain_before_glued(candidate, last))


def _is_chaining(candidate: Candidate) -> bool:
    """Return whether a glued mark is code: "order?.Item", "order!.Item"."""
    return candidate.asks_or_exclaims and candidate.text[candidate.end - 1] == "."


def _is_plain_before_glued(candidate: Candidate, word: str) -> bool:
    """Return whether a word before a glued capital ends a sentence and is not a part of "System.Out"."""
    lexicon = candidate.lexicon
    if not candidate.is_single_dot:  # "Wow!Cats", "Well...Cats"
        return word + candidate.text[candidate.mark] not in lexicon.names
    if not word.islower() or word in lexicon.files or word in lexicon.modules:
        return False
    return len(word) > 1 and kind_of(candidate.words, lexicon)[0] is None


def _before_enclosed_marker(candidate: Candidate) -> Verdict | None:
    """End a sentence before an item such as "(a) First", "[ii] Second" or "a) First"."""
    text, start = candidate.text, candidate.next_word
    if text[start - 1] not in _BEFORE_ENCLOSED or not candidate.follower.islower():
        return None
    if _ENCLOSED.match(text, start):
        return Break(candidate.end)
    return WAIT if not candidate.final and _ENCLOSED_BEGUN.fullmatch(text, start) else None


def _before_lower_case(candidate: Candidate) -> Verdict | None:
    if not candidate.follower.islower():
        return None
    text, second = candidate.text, candidate.next_word + 1
    if candidate.needs_text(second):
        return WAIT
    if text[second : second + 1].isupper():  # "iPhone"
        return None
    if not candidate.sentence.begins_lower(text, candidate.mark):
        return _lower_case_after_capitalised(candidate)
    plain = len(candidate.words[-1]) > 1 and kind_of(candidate.words, candidate.lexicon)[0] is None
    asks_or_exclaims = text[candidate.mark] in QUESTION_OR_EXCLAMATION
    return candidate.ends(when=asks_or_exclaims or (plain and candidate.is_single_dot))


def _lower_case_after_capitalised(candidate: Candidate) -> Verdict:
    """Judge a mark before lower case in a sentence with a capital: "It broke. then we left"."""
    text, mark, end = candidate.text, candidate.mark, candidate.end
    last = candidate.words[-1]
    if not text[end : candidate.next_word].isspace() or candidate.sentence.is_open(text, mark):
        return Continue(end)
    if _QUESTIONS_OR_EXCLAMATIONS.issuperset(text[mark:end]):
        # Before the mark a capital is a name, "Oklahoma! is a musical", unless it asks: "Who? me".
        asks = text[end - 1] != "!" and len(candidate.words) == 1
        return candidate.ends(when=asks or last[:1].islower())
    kind = kind_of(candidate.words, candidate.lexicon)[0]
    if kind is Kind.NUMERIC:  # "See the docs. they help", but "On Sat. we rest"
        is_word = last.isalpha() and len(candidate.words) > 1  # not in "Fri. the 13th"
        ends = is_word and not is_in_opening_phrase(candidate, candidate.lexicon)
    else:
        ends = kind is None
    if not candidate.is_single_dot or end > mark + 1 or len(last) == 1 or not ends:
        return Continue(end)
    word_end = candidate.end_of_word(candidate.next_word)
    if candidate.needs_text(word_end):
        return WAIT
    word = text[candidate.next_word : word_end]
    return candidate.ends(when=word in lexicon_of_letter(candidate.follower, candidate.lexicon).subjects)


def _before_symbol(candidate: Candidate) -> Verdict | None:
    follower, text, second = candidate.follower, candidate.text, candidate.next_word + 1
    if follower.isalnum() or follower == "`":
        return None
    if follower in DOTS and text[second - 2] in QUOTES:
        if candidate.needs_text(second):
            return WAIT
        if not text[second : second + 1].strip():  # a spaced quotation mark closes: '[...] ". Then'
            return Continue(candidate.end)
    if follower in SYMBOLS:  # "It is done. == compares", but not "12 in. = 1 ft." and "n! = 5"
        word = candidate.words[-1]
        plain = len(word) > 1 and word.isalpha() and kind_of(candidate.words, candidate.lexicon)[0] is None
        return candidate.ends(when=plain and text[second - 2].isspace())
    if candidate.is_single_dot and follower in CURRENCY:  # possible after an abbreviation: "approx. $5"
        return None
    # A dot here begins the next word: "...and then", ".NET".
    return candidate.ends(when=follower in CURRENCY or follower in BULLETS or follower in DOTS)


def _question_or_exclamation(candidate: Candidate) -> Verdict | None:
    if not candidate.asks_or_exclaims:
        return None
    text, lexicon = candidate.text, candidate.lexicon
    if candidate.words[-1] + text[candidate.mark] in lexicon.names:
        return ends_before_starter(candidate, lexicon)
    quoted = text[candidate.end - 1] in QUOTES and lexicon.speech
    return ends_unless_attributed(candidate) if quoted else Break(candidate.end)


def _ellipsis(candidate: Candidate) -> Verdict | None:
    """End a sentence at an ellipsis only before a capital, not before "I" alone; "[...]" is an omission."""
    text, mark, follower = candidate.text, candidate.mark, candidate.follower
    if candidate.is_single_dot and text[mark + 1 : mark + 3] not in _SPACED_DOTS:
        return None
    if text[mark - 1] in "[(":
        return Continue(candidate.end)
    if follower.lower() == follower.upper() and not is_wide(follower):
        return Continue(candidate.end)
    if follower != "I" or text.count(".", mark, candidate.end) > _ELLIPSIS:
        return Break(candidate.end)
    second = candidate.next_word + 1
    if candidate.needs_text(second):
        return WAIT
    return candidate.ends(when=text[second : second + 1].isalpha())


RULES: Final[tuple[Callable[[Candidate], Verdict | None], ...]] = (
    _before_unfinished_text,
    _inside_brackets_or_code,
    _in_list_marker,
    _before_any_word,
    _at_line_end,
    _glued_to_wide,
    _glued,
    _before_enclosed_marker,
    _before_lower_case,
    _before_symbol,
    _question_or_exclamation,
    _ellipsis,
)
