"""Find words in streamed text, also where the text ends before the word does."""

import re
from collections.abc import Iterable

LONGEST = 300
"""In characters; a pattern nests once per character and the regex compiler has a recursion limit."""


def open_ended(words: Iterable[str]) -> re.Pattern[str]:
    r"""Return a pattern for the first word, or for the beginning of one at the end of the text.

    One search in C per piece of text answers both "is it there?" and "must something be held back?".

    >>> pattern = open_ended(["END"])
    >>> [match[0] for match in map(pattern.search, ["a END b", "a EN", "a EN b"]) if match]
    ['END', 'EN']
    """
    return re.compile("|".join(map(_prefixes, words)))


def _prefixes(word: str) -> str:
    pattern = ""
    for character in reversed(word):
        rest = rf"(?:{pattern}|\Z)" if pattern else ""
        pattern = re.escape(character) + rest
    return pattern
