"""Marks of scripts without spaces or abbreviations, such as "。", which end a sentence at once.

The exceptions: marks that are doubled, in brackets, in a quote, or reported by a Japanese verb.
"""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import (
    BRACKET_PAIRS,
    CLOSING,
    FULL_STOPS,
    MARKS,
    OPENERS,
    TITLE_BRACKETS,
    is_wide,
    one_of,
)
from ollama_rx.operators._sentences.lexicon import Kind, Lexicon, lexicon_for
from ollama_rx.operators._sentences.preceding_word import kind_of
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import WAIT, Break, Continue, Verdict

_ALWAYS: Final = frozenset(FULL_STOPS + "！？؟፧︕︖﹖﹗")
_URDU_FULL_STOP: Final = "۔"
_LONGEST: Final = 76  # characters looked at before a mark, fewer than the splitter keeps
_EXCLAMATIONS: Final = frozenset("！？")
_REPORTED: Final = re.compile(
    "(?:と|って)(?:[言云思叫聞訊問答考感書呟述話語祈驚笑]|い[うっいわ]|おも|さけ|つぶ)"
)
_REPORT: Final = 4  # characters which that pattern needs at most
# After a quote that these introduce, the sentence ends; after any other quote it may continue.
_INTRODUCERS: Final = frozenset("：:，,")
# Chinese and Japanese words that attribute a quote to a speaker, before the next clause begins.
_ATTRIBUTION: Final = re.compile(
    "[^，。！？、；\n“「『]{0,12}?[说說问問答喊叫嚷吼骂罵叹嘆笑哭言云訊呟述語囁怒尋讲講]"
)
_PARTICLES: Final = frozenset("とっなのはがをにでもや的")  # the sentence goes on: 「はい。」と
_CLAUSE: Final = 13  # characters after a quote that the pattern needs at most
_CLAUSE_END: Final = re.compile(r"[，。！？、；\n“「『]")


class FullwidthRules:
    """The rules of one language for these marks."""

    def __init__(self, lexicon: Lexicon, marks: frozenset[str]) -> None:
        self.marks = _ALWAYS | set(lexicon.marks + lexicon.double_marks)
        self._with_exceptions = frozenset(_URDU_FULL_STOP + lexicon.double_marks)
        self._run = re.compile(rf"({one_of(''.join(sorted(marks)))}+)({CLOSING})")

    def judge(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
        """Judge a mark of a script without spaces or abbreviations."""
        char = text[mark]
        sentence.scan(text, mark)
        if not sentence.has_word(text, mark) or (char in self._with_exceptions and _is_exception(text, mark)):
            return Continue(mark + 1)
        if sentence.is_inside(mark):
            return _judge_in_brackets(sentence, text, mark, final=final)
        quote = sentence.quote(mark)
        if quote is None and char in FULL_STOPS and (char == "。" or not _may_be_quoted(text, mark)):
            return Break(mark + 1)
        return self._judge_in_quote(text, mark, quote, final=final)

    def _judge_in_quote(
        self, text: str, mark: int, quote: tuple[str, int, str] | None, *, final: bool
    ) -> Verdict:
        """Judge a mark in a quote, or one that a Japanese verb may report."""
        run = self._run.match(text, mark)
        end = run.end() if run else mark + 1
        if end == len(text) or (not final and _may_be_reported(text, mark, end)):
            return Continue(end) if final else WAIT
        if run and run[2] and quote is not None:
            return judge_after_quote(text, end, quote[2], final=final)
        if text[mark].isascii() and (text[end].isalnum() or text[end] == "/"):  # "10:30", "https://"
            return Continue(end)
        return Continue(end) if _is_reported(text, mark, end) else Break(end)


def judge_after_quote(text: str, end: int, before: str, *, final: bool) -> Verdict:
    """Judge the end of a quote by the text after it and the character ``before`` it.

    A quote that is a whole sentence ends it, unless the next words name the speaker, “好。”他说, or the
    sentence around it is in another script: “好。” means "good".
    """
    after = text[end]
    if after == " ":
        if end + 1 == len(text) and not final:
            return WAIT
        return Continue(end) if text[end + 1 : end + 2].islower() else Break(end)
    if before in _INTRODUCERS or after.isspace() or after in OPENERS:
        return Break(end)
    if not before.isspace() or not is_wide(after) or after in _PARTICLES or _ATTRIBUTION.match(text, end):
        return Continue(end)
    if not final and end + _CLAUSE > len(text) and _CLAUSE_END.search(text, end) is None:
        return WAIT
    return Break(end)


def _is_exception(text: str, mark: int) -> bool:
    """Return whether an Urdu full stop is an abbreviation's, or a mark that must be doubled is single."""
    if text[mark] != _URDU_FULL_STOP:
        return mark == 0 or text[mark - 1] != text[mark]
    lexicon = lexicon_for("ur")
    spaced = text[max(0, mark - _LONGEST) : mark].replace(_URDU_FULL_STOP, _URDU_FULL_STOP + " ")
    words = spaced.split()
    if not words or text[mark - 1].isspace():
        return False
    kind = kind_of([words[-1]], lexicon)[0]
    after_initial = len(words) > 1 and words[-2].endswith(_URDU_FULL_STOP)
    return words[-1] not in lexicon.titles and (
        kind is Kind.NEVER or (after_initial and kind is Kind.AMBIGUOUS)
    )


def _judge_in_brackets(sentence: Sentence, text: str, mark: int, *, final: bool) -> Verdict:
    """Judge a mark in brackets: it ends the sentence if the brackets enclose the whole sentence."""
    opener = text[: mark + 1].lstrip()[0]
    if (
        sentence.begun
        or opener not in BRACKET_PAIRS
        or opener in TITLE_BRACKETS
        or BRACKET_PAIRS[opener] in text[:mark]
    ):
        return Continue(mark + 1)
    end = mark + 2
    if end >= len(text) and not final and text[mark + 1 : end] in ("", BRACKET_PAIRS[opener]):
        return WAIT
    closed = text[mark + 1 : end] == BRACKET_PAIRS[opener] and text[end : end + 1] not in MARKS
    return Break(end) if closed else Continue(mark + 1)


def _may_be_quoted(text: str, mark: int) -> bool:
    """Return whether a single quote is open, which may be an apostrophe too: `Nesting` does not follow it."""
    if "'" not in text and "‘" not in text:
        return False
    before = text[max(0, mark - _LONGEST) : mark]
    return before.rfind("‘") > before.rfind("’") or before.startswith("'") or " '" in before


def _may_be_reported(text: str, mark: int, end: int) -> bool:
    """Return whether the text is too short to decide if a Japanese verb reports the words before it."""
    return text[mark] in _EXCLAMATIONS and text[end] in "とっ" and end + _REPORT > len(text)


def _is_reported(text: str, mark: int, end: int) -> bool:
    """Return whether a Japanese verb reports the words before it, which need not be in quotes."""
    return text[mark] in _EXCLAMATIONS and _REPORTED.match(text, end) is not None
