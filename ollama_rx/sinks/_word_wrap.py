"""Break the lines of streamed text between words, although a word is printed before its end is known."""

import re
from unicodedata import category, east_asian_width

_TAB = 8  # columns
_HAN_AND_KANA = "\u2e80-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003fffd"
_UNIT = re.compile(rf"\n|\t| +|[{_HAN_AND_KANA}]|[^ \t\n{_HAN_AND_KANA}]+")
_HAN_OR_KANA = re.compile(f"[{_HAN_AND_KANA}]")
_SMALL_KANA = frozenset("々ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ")  # do not begin a line
_OPENING, _CLOSING = frozenset({"Ps", "Pi"}), frozenset({"Pe", "Pf", "Po"})  # categories of marks
# Terminals disagree on the width of what has these: joiners, selectors, flags, skin tones, keycaps, tags.
UNCERTAIN_WIDTH = re.compile(
    "[\u200d\ufe0e\ufe0f\u20e3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")


class WordWrap:
    """Breaks lines before a word that would cross the terminal's edge.

    If the beginning of such a word is already printed, it is erased and printed again on the next line, as in
    Ollama's own command line. Han and kana have no spaces: lines break between them, but not before a closing
    mark. A word that is longer than a line is broken by the terminal.

    The last column stays empty: terminals disagree on where the cursor is after a character there.
    """

    def __init__(self) -> None:
        self._column = 0
        self._word = ""  # the word at the cursor, as far as it is printed
        self._word_width = 0

    def wrap(self, text: str, columns: int) -> str:
        """Return what to print for a piece of text on a terminal of so many columns."""
        return "".join(self._place(unit, columns) for unit in _UNIT.findall(text))

    def _place(self, unit: str, columns: int) -> str:
        if unit == "\n":
            self._move_to(0)
            return unit
        if unit.isspace() and unit[0] in " \t":
            return self._place_space(unit, columns - 1)
        if not self._word or _may_break(self._word[-1], unit[0]):
            self._word, self._word_width = "", 0
        width = most_cells(unit)
        before = ""
        if self._column + width >= columns and self._column > self._word_width:
            before = self._break_line()
        self._word_width += width
        self._word = self._word + unit if self._word_width < columns else unit[-1]
        self._column += width
        if self._column >= columns:
            self._column %= columns  # the terminal has broken the word
        return before + unit

    def _place_space(self, unit: str, room: int) -> str:
        """Print white space as far as it fits: at the edge it would be the beginning of the next line."""
        width = _TAB - self._column % _TAB if unit == "\t" else len(unit)
        if self._column + width > room:
            unit = " " * (room - self._column)
            width = len(unit)
        self._move_to(self._column + width)
        return unit

    def _move_to(self, column: int) -> None:
        self._column = column
        self._word, self._word_width = "", 0

    def _break_line(self) -> str:
        """Move the word at the cursor to a new line; one of an uncertain width stays where it is."""
        if not self._word:
            self._column = 0
            return "\n"
        if UNCERTAIN_WIDTH.search(self._word):
            return ""
        self._column = self._word_width
        return f"\x1b[{self._word_width}D\x1b[K\n{self._word}"


def _may_break(before: str, after: str) -> bool:
    """Whether a line may break between two characters that are not white space."""
    if not (_HAN_OR_KANA.match(before) or _HAN_OR_KANA.match(after)):
        return False
    return category(before) not in _OPENING and category(after) not in _CLOSING and after not in _SMALL_KANA


def most_cells(text: str) -> int:
    """Return the width of a text in columns; rather too much than too little."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(character: str) -> int:
    if east_asian_width(character) in "WF" or _REGIONAL.match(character):
        return 2
    return 0 if category(character) in {"Mn", "Me", "Cf"} and character != "\ufe0f" else 1
