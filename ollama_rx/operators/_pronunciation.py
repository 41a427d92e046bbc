"""Replace words that a voice would say wrongly."""

import re
from collections.abc import Mapping, Sequence

from ollama_rx.operators._close_gaps import close_gaps
from ollama_rx.operators._spoken_address import UNSPACED
from ollama_rx.operators._voice_tags import pair_pattern, tag_pattern

# Marks that belong to the letter before them: accents, vowels; of Indic scripts all but their full stops.
_COMBINING = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u3099\u309a"
)
_LETTER = rf"(?:(?![{UNSPACED}])[\w{_COMBINING}])"  # of a script that writes spaces between words
_LONGEST_LABEL = 63  # characters between two dots of a host
# Where a word begins and ends that is not a part of a longer one or of an address, as are "don" in "don't",
# "C" in "C++", "NET" in ".NET" and "nginx" in "nginx-docs.org". In scripts without spaces that is anywhere.
_BEGIN = rf"(?:(?=[{UNSPACED}])|(?<!{_LETTER})(?<!@)(?<!(?<!\.)\.))"
_LONGER = (
    rf"{_LETTER}|['\u2019]t\b|[+#]{{1,2}}(?!{_LETTER})"
    rf"|[\w-]{{0,{_LONGEST_LABEL}}}(?:[.@](?![{UNSPACED}])\w|://)"
)
_END = rf"(?:(?<=[{UNSPACED}])(?![{_COMBINING}])|(?<![{UNSPACED}])(?!{_LONGER}))"
_ADDRESS = r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9+.-]{1,15}://|www\.)[!#-;=?-Z\\^_a-z|~]*"
_BARE_ADDRESS = r"(?<![\w.@~+-])[A-Za-z0-9_~+-]+(?:[.@][A-Za-z0-9_~+-]+)+(?:/[!#-;=?-Z\\^_a-z|~]*)?"
_SPACE = r"[^\S\n]+"
_DOUBLE_SPACE = re.compile(r"(?<=[ \t])[ \t]+")
_SAYABLE = re.compile(r"[^\W_]")


class Pronunciation:
    """Replaces whole words of what is said, but not in addresses and not in tags of the voice.

    >>> Pronunciation({"SQL": "sequel", "C++": "see plus plus"}).say("Is SQL's MySQL in C++?")
    "Is sequel's MySQL in see plus plus?"
    """

    def __init__(self, said: Mapping[str, str], tags: Sequence[str] = ()) -> None:
        self._said = {" ".join(word.split()): text for word, text in said.items()}
        self._drops = "" in self._said.values()
        words = "|".join(map(_word_pattern, sorted(self._said, key=len, reverse=True)))
        # At each place words come first: "Node.js" may be one although it looks like an address.
        self._find = re.compile(rf"(?P<word>{_BEGIN}(?:{words}){_END})|{_ADDRESS}|{_BARE_ADDRESS}")
        self._tags = re.compile(f"{pair_pattern(tags)}|{tag_pattern(tags)}") if tags else None

    def say(self, text: str) -> str:
        """Return what to say instead of a text; empty if no word is left."""
        parts: list[str] = []
        at = 0
        for tag in self._tags.finditer(text) if self._tags else ():
            parts += [self._replace(text[at : tag.start()]), tag[0]]
            at = tag.end()
        said = "".join((*parts, self._replace(text[at:])))
        if not self._drops or said == text:
            return said
        lines = (line.strip() for line in said.split("\n"))
        return "\n".join(line for line in lines if _SAYABLE.search(line))

    def _replace(self, text: str) -> str:
        said = self._find.sub(self._replace_word, text)
        return _DOUBLE_SPACE.sub("", close_gaps(said)) if self._drops and said != text else said

    def _replace_word(self, match: re.Match[str]) -> str:
        word = match["word"]
        return match[0] if word is None else self._said[" ".join(word.split())]


def _word_pattern(word: str) -> str:
    return _SPACE.join(map(re.escape, word.split()))
