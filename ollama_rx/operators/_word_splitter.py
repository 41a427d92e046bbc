"""Split text into graphemes, or into words with the white space before them; nothing is lost."""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from ollama_rx.operators._graphemes import next_boundary

_KANA_AND_HAN = (
    "々〆〇ぁ-ゖゝ-ゟァ-ヺー-ヿㇰ-ㇿ\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_SOUTHEAST_ASIAN = (  # Thai, Lao, Burmese, Khmer and related scripts
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
)
_WIDE_PUNCTUATION = "、。〃〞-〟〰！％＇）＊，．／：；？］｝｡｣､･"  # ends a word even if a letter follows
_OPENING = r"(\[{“‘«‹„‚¿¡（［｛「『【〈《〔〖〘〚｢〝"

_WINDOWS = {"kana_and_han": 8, "southeast_asian": 20}
"""In characters: how much text ICU sees from the start of a word. With more its answers stayed the same."""
_KATAKANA_WINDOW = 16  # characters: loan words in katakana are long
_MAX_WINDOW = 64  # characters: a window grows up to this while a single word fills it

FindBoundary = Callable[[str, int], int]
"""Finds the boundary that follows an offset; returns 0 if that depends on text still to come."""


class _Patterns(NamedTuple):
    unspaced: re.Pattern[str]
    runs: re.Pattern[str]
    before_space: re.Pattern[str]
    opening_at_end: re.Pattern[str]
    after_closing: re.Pattern[str]


@cache
def _patterns() -> _Patterns:
    """Compile the patterns for the first splitter: this takes longer than all imports of an operator."""
    unspaced = f"{_KANA_AND_HAN}{_SOUTHEAST_ASIAN}{_WIDE_PUNCTUATION}"
    return _Patterns(
        unspaced=re.compile(f"[{unspaced}]"),
        runs=re.compile(
            f"(?P<kana_and_han>[{_KANA_AND_HAN}]+)|(?P<southeast_asian>[{_SOUTHEAST_ASIAN}]+)"
            f"|(?P<wide_punctuation>[{_WIDE_PUNCTUATION}]+)|(?P<other>[^{unspaced}]+)"
        ),
        before_space=re.compile(r"(?<=\S)(?=\s)"),
        opening_at_end=re.compile(rf"[{_OPENING}]*\Z"),
        after_closing=re.compile(rf"[\w\s{_OPENING}]|\Z"),
    )


class WordSplitter:
    """Takes text and emits words; a word is complete when the character after it has arrived.

    White space ends a word and belongs to the next one. In scripts without spaces `word_boundary_finder`
    finds the words. Punctuation after a word belongs to it, opening brackets and quotes to the next one.
    """

    def __init__(self, emit: Callable[[str], object]) -> None:
        self._emit = emit
        self._patterns = patterns = _patterns()
        self._unspaced = patterns.unspaced  # the two patterns that each piece of text needs
        self._before_space = patterns.before_space
        self._parts: list[str] = []  # the current word so far
        self._begun = False  # the current word is more than white space
        self._closed = False  # only punctuation can still join the current word
        self._run = ""  # text without spaces after the current word, not yet split into words
        self._script = ""  # of the run

    def feed(self, text: str) -> None:
        """Take a piece of text."""
        if self._run or self._closed or self._unspaced.search(text):
            for run in self._patterns.runs.finditer(text):
                self._feed_run(str(run.lastgroup), run[0])
        elif text:
            self._feed_spaced(text)

    def flush(self) -> None:
        """Emit what is left; the text is complete."""
        self._end_run()
        self._end_word()

    def _end_word(self) -> None:
        word = "".join(self._parts)
        self._parts.clear()
        self._begun = self._closed = False
        if word:
            self._emit(word)

    def _feed_spaced(self, text: str) -> None:
        if self._begun and text[0].isspace():
            self._end_word()
        *words, last = self._before_space.split(text)
        for word in words:
            self._parts.append(word)
            self._end_word()
        self._parts.append(last)
        self._begun = self._begun or not last.isspace()

    def _feed_run(self, kind: str, text: str) -> None:
        """Take a run of characters of one kind, which is the name of a group in the pattern of runs."""
        if self._run and kind != self._script:
            text = self._close_run(text)
        if not text:
            return
        if kind in _WINDOWS:
            self._feed_unspaced(kind, text)
            return
        if self._closed or kind == "wide_punctuation":
            text = self._close_word(kind, text)
        if text:
            self._feed_spaced(text)

    def _close_run(self, text: str) -> str:
        """End the run at the first boundary in the text after it; return the text after that boundary."""
        whole = self._run + text
        end = next_boundary(whole, len(self._run))
        self._run = whole[:end]
        if end < len(whole):
            self._end_run()
        return whole[end:]

    def _close_word(self, kind: str, text: str) -> str:
        """Add the punctuation at the start of the text to the word; return the rest, which ends the word."""
        whole = "".join((*self._parts, text))
        end = len(whole) - len(text)
        last = -1
        while last < end < len(whole):  # more punctuation may follow a character that is joined to a mark
            if kind == "wide_punctuation":
                last = len(whole)
            else:
                last = end + _start_of(self._patterns.after_closing, whole[end:])
            end = next_boundary(whole, last)
        self._parts = [whole[:end]]
        self._begun = self._closed = True
        if end < len(whole):
            self._end_word()
        return whole[end:]

    def _feed_unspaced(self, script: str, text: str) -> None:
        if not self._run and self._parts:
            text = self._start_run(text)
        if not text:
            return
        self._script = script
        self._run += text
        start = 0
        find_boundary = word_boundary_finder(_WINDOWS[script])
        while end := find_boundary(self._run, start):
            self._parts.append(self._run[start:end])
            self._end_word()
            start = end
        self._run = self._run[start:]

    def _start_run(self, text: str) -> str:
        """End the word before a run; return the part of the run that does not belong to that word."""
        before = "".join(self._parts)
        whole = before + text
        end = next_boundary(whole, len(before))
        self._begun = self._begun or end > len(before)
        word_end = end if self._closed else _start_of(self._patterns.opening_at_end, whole[:end])
        self._parts = [whole[:end]]
        if end < len(whole) and whole[:word_end].strip():
            self._parts = [whole[:word_end]]
            self._end_word()
            self._parts = [whole[word_end:end]]
        return whole[end:]

    def _end_run(self) -> None:
        """Emit the words of a complete run, but keep the last one: punctuation may follow it."""
        if not self._run:
            return
        *words, last = segments(self._run, word_boundary_finder(_WINDOWS[self._script]))
        for word in words:
            self._parts.append(word)
            self._end_word()
        self._parts.append(last)
        self._run = ""
        self._begun = self._closed = True


def _start_of(pattern: re.Pattern[str], text: str) -> int:
    """Return where the first match of a pattern starts; the pattern must match at the end of any text."""
    match = pattern.search(text)
    return len(text) if match is None else match.start()


class GraphemeSplitter:
    """Takes text and emits graphemes; a grapheme is complete when the character after it has arrived."""

    def __init__(self, emit: Callable[[str], object]) -> None:
        self._emit = emit
        self._held = ""

    def feed(self, text: str) -> None:
        """Take a piece of text."""
        text = self._held + text
        start = 0
        while start < len(text) and (end := find_grapheme_boundary(text, start)):
            self._emit(text[start:end])
            start = end
        self._held = text[start:]

    def flush(self) -> None:
        """Emit what is left; the text is complete."""
        if self._held:
            self._emit(self._held)
        self._held = ""


@cache
def word_boundary_finder(window: int) -> FindBoundary:
    """Return what finds word boundaries by ICU; without the extra ``words`` it finds those of graphemes."""
    try:
        from icu4py.breakers import WordBreaker  # noqa: PLC0415 - optional, 44 MB
    except ImportError:
        return find_grapheme_boundary

    def first_word_length(text: str) -> int:
        return len(next(iter(WordBreaker(text, "en"))))  # dictionaries go by script, not by language

    return partial(_find_in_window, first_word_length, window)


def find_grapheme_boundary(text: str, start: int) -> int:
    """Return the end of the grapheme at an offset, 0 if text still to come may extend it."""
    end = next_boundary(text, start + 1)
    return end if end < len(text) else 0


def _find_in_window(first_word_length: Callable[[str], int], window: int, text: str, start: int) -> int:
    if start < len(text) and "ァ" <= text[start] <= "ヿ":
        window = _KATAKANA_WINDOW
    while start + window < len(text):
        length = first_word_length(text[start : start + window])
        if length < window or window == _MAX_WINDOW:
            end = next_boundary(text, start + length)
            return end if end < len(text) else 0
        window = min(window * 2, _MAX_WINDOW)
    return 0


def segments(text: str, find_boundary: FindBoundary) -> list[str]:
    """Split a complete text at every boundary."""
    found: list[str] = []
    start = 0
    padded = text + " " * (_MAX_WINDOW + 1)  # a space after the text ends its last segment
    while start < len(text):
        end = min(find_boundary(padded, start), len(text))
        found.append(text[start:end])
        start = end
    return found
