"""Split text into graphemes, or into words with the white space before them; nothing is lost."""

import re
from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

from ollama_rx.operators._graphemes import GraphemeCursor

_KANA_AND_HAN = (
    "々〆〇ぁ-ゖゝ-ゟァ-ヺー-ヿㇰ-ㇿ\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_SOUTHEAST_ASIAN = (  # Thai, Lao, Burmese, Khmer and related scripts
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
)
_WIDE_PUNCTUATION = "、。〃〞-〟〰！％＇）＊，．／：；？］｝｡｣､･"  # ends a word even if a letter follows
_OPENING = "([{“‘«‹„‚¿¡（［｛「『【〈《〔〖〘〚｢〝"

_WINDOWS = {"kana_and_han": 8, "southeast_asian": 20}
"""In characters: how much text ICU sees from the start of a word. With more its answers stayed the same."""
_KATAKANA_WINDOW = 16  # characters: loan words in katakana are long
_MAX_WINDOW = 64  # characters: a window grows up to this while a single word fills it

FindLength = Callable[[str, int], int]
"""Finds the length of the word at an offset, up to the end of its last grapheme; returns 0 if that depends on
text still to come."""


class _Patterns(NamedTuple):
    unspaced: re.Pattern[str]
    runs: re.Pattern[str]
    before_space: re.Pattern[str]
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
        after_closing=re.compile(rf"[\w\s{re.escape(_OPENING)}]"),
    )


class WordSplitter:
    """Takes text and emits words; a word is complete when the character after it has arrived.

    White space ends a word and belongs to the next one. In scripts without spaces `word_length_finder`
    finds the words. Punctuation after a word belongs to it, opening brackets and quotes to the next one.
    A character that continues a grapheme belongs to the word of that grapheme, whatever it is.

    Each character is looked at a fixed number of times, however long a word or a grapheme gets.
    """

    def __init__(self, emit: Callable[[str], object]) -> None:
        self._emit = emit
        self._patterns = patterns = _patterns()
        self._unspaced = patterns.unspaced  # the two patterns that each piece of text needs
        self._before_space = patterns.before_space
        self._parts: list[str] = []  # the current word so far
        self._cursor = GraphemeCursor()
        self._passed = 0  # parts that the cursor has moved over; text with spaces does not need it
        self._begun = False  # the current word is more than white space
        self._closed = False  # only punctuation can still join the current word
        self._script = ""  # of the text without spaces that is being split, "" if there is none
        self._run = ""  # its end, which may be any number of words; if "", the word ends with its grapheme

    def feed(self, text: str) -> None:
        """Take a piece of text."""
        if self._script or self._closed or self._unspaced.search(text):
            for run in self._patterns.runs.finditer(text):
                self._feed_run(str(run.lastgroup), run[0])
        elif text:
            self._feed_spaced(text)

    def flush(self) -> None:
        """Emit what is left; the text is complete."""
        self._end_run()
        self._end_word()
        self._cursor = GraphemeCursor()

    def _end_word(self) -> None:
        word = "".join(self._parts)
        self._parts.clear()
        self._passed = 0
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
        if kind != self._script or not self._run:
            text = text[self._continue_run(text) if self._run else self._continue_word(text) :]
        if text and kind != self._script:
            self._end_run()
        if kind in _WINDOWS:
            if text:
                self._feed_unspaced(kind, text)
        elif not self._script:
            if self._closed or kind == "wide_punctuation":
                text = self._close_word(kind, text)
            if text:
                self._feed_spaced(text)

    def _continue_word(self, text: str, start: int = 0) -> int:
        """Add what continues the last grapheme of the word; return where that ends in the text."""
        before = "".join(self._parts[self._passed :])
        self._cursor.move_over_text(before, 0, len(before))
        end = self._cursor.next_boundary(text, start)
        if end > start:
            self._parts.append(text[start:end])
            self._begun = self._begun or not text[start:end].isspace()
        self._passed = len(self._parts)
        return end

    def _continue_run(self, text: str) -> int:
        """Add what continues the last grapheme of the run; return where that ends in the text."""
        cursor = self._cursor.copy()  # which stays at the start of the run
        cursor.move_over_text(self._run, 0, len(self._run))
        end = cursor.next_boundary(text)
        if end:
            self._split_run(self._run + text[:end])
        return end

    def _close_word(self, kind: str, text: str) -> str:
        """Add the punctuation at the start of the text to the word; return the rest, which ends the word."""
        self._begun = self._closed = True
        start = 0
        while start < len(text):  # more punctuation may follow a character that is joined to a mark
            wide = kind == "wide_punctuation"
            end = len(text) if wide else _find(self._patterns.after_closing, text, start)
            self._parts.append(text[start:end])
            start = self._continue_word(text, end)
            if start == end < len(text):
                self._end_word()
                return text[end:]
        return ""

    def _feed_unspaced(self, script: str, text: str) -> None:
        if not self._script:
            self._start_run()
            self._script = script
        elif not self._run:
            self._end_word()
        self._split_run(self._run + text)

    def _start_run(self) -> None:
        """End the word before a run; opening marks at its end belong to the first word of the run."""
        before = "".join(self._parts)
        end = len(before) if self._closed else len(before.rstrip(_OPENING))
        if before[:end].strip():
            self._parts = [before[:end]]
            self._end_word()
            self._parts = [before[end:]]
        self._passed = len(self._parts)

    def _end_run(self) -> None:
        """Emit the words of a complete run, but keep the last one: punctuation may follow it."""
        if not self._script:
            return
        self._split_run(self._run, after=" " * (_MAX_WINDOW + 1))
        self._script = ""
        self._begun = self._closed = True

    def _split_run(self, run: str, *, after: str = "") -> None:
        """Emit the words that are certain; keep the last one if its end is, and the text that is left.

        Args:
            run: the text of the script, from the start of a word.
            after: what is known to follow.
        """
        seen = run + after
        find_length = word_length_finder(_WINDOWS[self._script])
        start = 0
        while start < len(run) and (length := find_length(seen, start)):
            end = min(start + length, len(run))
            self._cursor.move_over_text(run, start, end)
            end = self._cursor.next_boundary(run, end)
            self._parts.append(run[start:end])
            start = end
            if start < len(run):
                self._end_word()
        self._run = run[start:]
        self._passed = len(self._parts)


def _find(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where the first match of a pattern starts, the length of the text if there is none."""
    match = pattern.search(text, start)
    return len(text) if match is None else match.start()


class GraphemeSplitter:
    """Takes text and emits graphemes; a grapheme is complete when the character after it has arrived."""

    def __init__(self, emit: Callable[[str], object]) -> None:
        self._emit = emit
        self._parts: list[str] = []  # the current grapheme so far
        self._cursor = GraphemeCursor()

    def feed(self, text: str) -> None:
        """Take a piece of text."""
        cursor = self._cursor
        start = 0
        for offset, character in enumerate(text):
            if cursor.is_boundary_before(character):
                self._end_grapheme(text[start:offset])
                start = offset
            cursor.move_over(character)
        self._parts.append(text[start:])

    def flush(self) -> None:
        """Emit what is left; the text is complete."""
        self._end_grapheme("")
        self._cursor = GraphemeCursor()

    def _end_grapheme(self, text: str) -> None:
        if self._parts:
            text = "".join((*self._parts, text))
            self._parts.clear()
        if text:
            self._emit(text)


@cache
def word_length_finder(window: int) -> FindLength:
    """Return what finds words by ICU; without the extra ``words`` each grapheme is a word."""
    try:
        from icu4py.breakers import WordBreaker  # noqa: PLC0415 - optional, 44 MB
    except ImportError:
        return one_character

    def first_word_length(text: str) -> int:
        return len(next(iter(WordBreaker(text, "en"))))  # dictionaries go by script, not by language

    return partial(_find_in_window, first_word_length, window)


def one_character(text: str, start: int) -> int:  # noqa: ARG001 - a `FindLength`
    """Return 1: a word is a grapheme, which is a character and what continues it."""
    return 1


def _find_in_window(first_word_length: Callable[[str], int], window: int, text: str, start: int) -> int:
    if "ァ" <= text[start] <= "ヿ":
        window = _KATAKANA_WINDOW
    while start + window < len(text):
        length = first_word_length(text[start : start + window])
        if length < window or window == _MAX_WINDOW:
            return length
        window = min(window * 2, _MAX_WINDOW)
    return 0
