"""Words in scripts that put no spaces between them: by ICU's dictionaries, else grapheme by grapheme.

A word is decided from a window of the text that begins with it, so the decision depends on the text
alone and never on how it was cut, costs the same for each word, and comes after so many characters.
"""

from collections.abc import Callable
from functools import cache, partial

from ollama_rx.operators._graphemes import after_joined

First = Callable[[str, int], int]
"""Where the word that begins at a place ends; 0 if that is not known before more text comes."""

_LOAN_WORD = 16  # characters: words in katakana are long
_LONGEST = 64  # characters: a window grows up to this while one word fills it


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
