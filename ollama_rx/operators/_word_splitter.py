"""Cut text into words that, joined, are the text again: each with the white space before it."""

import re
from collections.abc import Callable
from functools import cache, partial

from ollama_rx.operators._graphemes import after_joined

_EAST = (  # kana and Han
    "々〆〇ぁ-ゖゝ-ゟァ-ヺー-ヿㇰ-ㇿ\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_SOUTH = (  # Thai, Lao, Burmese, Khmer and scripts near them
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
)
_EASTERN_MARKS = "、。〃〞-〟〰！％＇）＊，．／：；？］｝｡｣､･"  # they end a word even where a letter follows
_OPENING = r"(\[{“‘«‹„‚¿¡（［｛「『【〈《〔〖〘〚｢〝"

_WITHOUT_SPACES = re.compile(f"[{_EAST}{_SOUTH}{_EASTERN_MARKS}]")
_RUNS = re.compile(
    f"(?P<east>[{_EAST}]+)|(?P<south>[{_SOUTH}]+)|(?P<marks>[{_EASTERN_MARKS}]+)"
    f"|(?P<other>[^{_EAST}{_SOUTH}{_EASTERN_MARKS}]+)"
)
_BEFORE_SPACE = re.compile(r"(?<=\S)(?=\s)")
_OPENED = re.compile(rf"[{_OPENING}]*\Z")
_AFTER_CLOSING = re.compile(rf"[\w\s{_OPENING}]|\Z")

_WINDOWS = {"east": 8, "south": 20}
"""In characters: so much ICU sees of what follows a word. Measured: with more its answers stay the same."""

First = Callable[[str, int], int]
"""Where the word that begins at a place ends; 0 if that is not known before more text comes."""

_LOAN_WORD = 16  # characters: words in katakana are long
_LONGEST = 64  # characters: a window grows up to this while one word fills it


class Units:
    """Takes text, emits words; a word is known to be complete by the character after it.

    White space ends a word and belongs to the next one. In scripts without spaces `first_word` finds
    the words. Marks that follow a word belong to it, opening brackets and quotes to the next one.
    """

    def __init__(self, emit: Callable[[str], object]) -> None:
        self._emit = emit
        self._parts: list[str] = []  # the word that is coming, as far as it is known to be of one piece
        self._begun = False  # it is more than white space
        self._closed = False  # only marks can still join it
        self._run = ""  # text without spaces behind it, where words are still to be found
        self._kind = ""

    def feed(self, text: str) -> None:
        """Take a piece of text."""
        if self._run or self._closed or _WITHOUT_SPACES.search(text):
            for run in _RUNS.finditer(text):
                self._take(str(run.lastgroup), run[0])
        elif text:
            self._spaced(text)

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

    def _spaced(self, text: str) -> None:
        if self._begun and text[0].isspace():
            self._end_word()
        *words, last = _BEFORE_SPACE.split(text)
        for word in words:
            self._parts.append(word)
            self._end_word()
        self._parts.append(last)
        self._begun = self._begun or not last.isspace()

    def _take(self, kind: str, text: str) -> None:
        """Take a run of characters of one kind."""
        if self._run and kind != self._kind:
            text = self._close_run(text)
        if not text:
            return
        if kind in _WINDOWS:
            self._unspaced(kind, text)
            return
        if self._closed or kind == "marks":
            text = self._close_word(kind, text)
        if text:
            self._spaced(text)

    def _close_run(self, text: str) -> str:
        """End a run without spaces before a text that is none; return what is not joined to the run."""
        whole = self._run + text
        end = after_joined(whole, len(self._run))
        self._run = whole[:end]
        if end < len(whole):
            self._end_run()
        return whole[end:]

    def _close_word(self, kind: str, text: str) -> str:
        """Give a word the marks that follow it, and end it if more follows; return that."""
        whole = "".join((*self._parts, text))
        end = len(whole) - len(text)
        last = -1
        while last < end < len(whole):  # after what is joined to a mark there may be more marks
            last = len(whole) if kind == "marks" else end + _start_of(_AFTER_CLOSING, whole[end:])
            end = after_joined(whole, last)
        self._parts = [whole[:end]]
        self._begun = self._closed = True
        if end < len(whole):
            self._end_word()
        return whole[end:]

    def _unspaced(self, kind: str, text: str) -> None:
        if not self._run and self._parts:
            text = self._start_run(text)
        if not text:
            return
        self._kind = kind
        self._run += text
        start = 0
        first = self._first()
        while end := first(self._run, start):
            self._parts.append(self._run[start:end])
            self._end_word()
            start = end
        self._run = self._run[start:]

    def _start_run(self, text: str) -> str:
        """End the word before a run without spaces; return what of the run does not belong to that word."""
        before = "".join(self._parts)
        whole = before + text
        end = after_joined(whole, len(before))
        self._begun = self._begun or end > len(before)
        place = end if self._closed else _start_of(_OPENED, whole[:end])
        self._parts = [whole[:end]]
        if end < len(whole) and whole[:place].strip():
            self._parts = [whole[:place]]
            self._end_word()
            self._parts = [whole[place:end]]
        return whole[end:]

    def _first(self) -> First:
        return first_word(_WINDOWS[self._kind])

    def _end_run(self) -> None:
        """Emit the words of a run that has ended, but for the last, which marks may follow."""
        if not self._run:
            return
        *words, last = last_words(self._run, self._first())
        for word in words:
            self._parts.append(word)
            self._end_word()
        self._parts.append(last)
        self._run = ""
        self._begun = self._closed = True


def _start_of(pattern: re.Pattern[str], text: str) -> int:
    """Return where a pattern begins that always is somewhere."""
    match = pattern.search(text)
    return len(text) if match is None else match.start()


class Graphemes:
    """Takes text, emits graphemes; whether one is complete shows in the character after it."""

    def __init__(self, emit: Callable[[str], object]) -> None:
        self._emit = emit
        self._held = ""

    def feed(self, text: str) -> None:
        """Take a piece of text."""
        text = self._held + text
        start = 0
        while start < len(text) and (end := first_grapheme(text, start)):
            self._emit(text[start:end])
            start = end
        self._held = text[start:]

    def flush(self) -> None:
        """Emit what is left; the text is complete."""
        if self._held:
            self._emit(self._held)
        self._held = ""


@cache
def first_word(window: int) -> First:
    """Return what finds the first word, by ICU if the extra ``words`` is installed."""
    try:
        from icu4py.breakers import WordBreaker  # noqa: PLC0415 - optional, 44 MB
    except ImportError:
        return first_grapheme

    def first(text: str) -> int:
        return len(next(iter(WordBreaker(text, "en"))))  # dictionaries go by script, not by language

    return partial(_first_in_window, first, window)


def first_grapheme(text: str, start: int) -> int:
    """Return the end of the grapheme that begins at a place, 0 if it may go on."""
    end = after_joined(text, start + 1)
    return end if end < len(text) else 0


def _first_in_window(first: Callable[[str], int], window: int, text: str, start: int) -> int:
    if start < len(text) and "ァ" <= text[start] <= "ヿ":
        window = _LOAN_WORD
    while start + window < len(text):
        length = first(text[start : start + window])
        if length < window or window == _LONGEST:
            end = after_joined(text, start + length)
            return end if end < len(text) else 0
        window = min(window * 2, _LONGEST)
    return 0


def last_words(text: str, first: First) -> list[str]:
    """Return the words of a text that is complete."""
    words: list[str] = []
    start = 0
    padded = text + " " * (_LONGEST + 1)  # what ends the text also ends its last word
    while start < len(text):
        end = min(first(padded, start), len(text))
        words.append(text[start:end])
        start = end
    return words
