"""Find words in streamed text, even if the text ends in the middle of a word."""

import re
from collections.abc import Iterable

MAX_LENGTH = 300
"""Of a word, in characters: a pattern nests once per character, and the regex compiler limits nesting."""


def prefix_pattern(words: Iterable[str]) -> re.Pattern[str]:
    r"""Return a pattern for the first of some words, or for the beginning of one at the end of the text.

    One search in C per piece of text answers both "is a word there?" and "must something be held back?".

    >>> pattern = prefix_pattern(["END"])
    >>> [match[0] for match in map(pattern.search, ["a END b", "a EN", "a EN b"]) if match]
    ['END', 'EN']
    """
    return re.compile("|".join(map(_word_or_prefix, words)))


def _word_or_prefix(word: str) -> str:
    pattern = ""
    for character in reversed(word):
        rest = rf"(?:{pattern}|\Z)" if pattern else ""
        pattern = re.escape(character) + rest
    return pattern
