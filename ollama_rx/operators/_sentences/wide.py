"""Exceptions for marks that end a sentence at once: where they are doubled, reported or in brackets."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import BRACKET_PAIRS, MARKS
from ollama_rx.operators._sentences.lexicon import Kind, lexicon_for
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import WAIT, Continue, Cut, Verdict
from ollama_rx.operators._sentences.words import kind_of

URDU: Final = "۔"
_LONGEST: Final = 76  # characters looked at before a mark, fewer than the machine keeps
_CRIES: Final = frozenset("！？")
_REPORTED: Final = re.compile(
    "(?:と|って)(?:[言云思叫聞訊問答考感書呟述話語祈驚笑]|い[うっいわ]|おも|さけ|つぶ)"
)
_REPORT: Final = 4  # characters that pattern needs at most


def is_exception(text: str, mark: int) -> bool:
    """Tell whether an Urdu full stop is that of an abbreviation, or of two marks there is only one yet."""
    if text[mark] != URDU:
        return mark == 0 or text[mark - 1] != text[mark]
    lexicon = lexicon_for("ur")
    words = text[max(0, mark - _LONGEST) : mark].replace(URDU, URDU + " ").split()
    if not words or text[mark - 1].isspace():
        return False
    kind = kind_of([words[-1]], lexicon)[0]
    after_initial = len(words) > 1 and words[-2].endswith(URDU)
    return words[-1] not in lexicon.titles and (
        kind is Kind.NEVER or (after_initial and kind is Kind.AMBIGUOUS)
    )


def in_brackets(sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
    """Judge a mark in brackets: it ends the sentence if they hold all of it."""
    opener = text[: mark + 1].lstrip()[0]
    if sentence.begun or opener not in BRACKET_PAIRS or BRACKET_PAIRS[opener] in text[:mark]:
        return Continue(mark + 1)
    end = mark + 2
    if end >= len(text) and not final and text[mark + 1 : end] in ("", BRACKET_PAIRS[opener]):
        return WAIT
    closed = text[mark + 1 : end] == BRACKET_PAIRS[opener] and text[end : end + 1] not in MARKS
    return Cut(end) if closed else Continue(mark + 1)


def may_be_quoted(text: str, mark: int) -> bool:
    """Tell whether a single quote is open, which may be an apostrophe too and is not followed elsewhere."""
    if "'" not in text and "‘" not in text:
        return False
    before = text[max(0, mark - _LONGEST) : mark]
    return before.rfind("‘") > before.rfind("’") or before.startswith("'") or " '" in before


def may_be_reported(text: str, mark: int, end: int) -> bool:
    """Tell whether too little has come to tell that a Japanese verb reports what stands before."""
    return text[mark] in _CRIES and text[end] in "とっ" and end + _REPORT > len(text)


def is_reported(text: str, mark: int, end: int) -> bool:
    """Tell whether a Japanese verb reports what stands before, which need not stand in quotes."""
    return text[mark] in _CRIES and _REPORTED.match(text, end) is not None
