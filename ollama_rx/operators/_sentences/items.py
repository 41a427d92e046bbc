"""List items: which number or letter is a marker, and which one begins the next item of a line."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import BULLETS, SPACES
from ollama_rx.operators._sentences.lexicon import Lexicon, lexicon_of_letter
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import Continue, Cut, Verdict

# Letters that number items: no others of Hangul, whose syllables may be words ("네.").
_LETTER: Final = "A-Za-zΑ-Ωα-ωА-Яа-яҐЄІЇґєіїא-תا-ي가나다라마바사"
_MARKER: Final = re.compile(rf"[\s>*_#{BULLETS}-]*(\d{{1,3}}|[{_LETTER}]|[ivxIVX]{{2,4}})\.?")
_MARKER_ONLY: Final = re.compile(rf"[-+*>{BULLETS}]|(?:\d{{1,3}}|[A-Za-z])[.)]")
_LONGEST: Final = 24  # characters of a line that hold a marker


def is_only_marker(line: str) -> bool:
    """Tell whether a stripped line is a list marker whose text is on the next line."""
    return _MARKER_ONLY.fullmatch(line) is not None


def first_marker(sentence: Sentence, text: str, mark: int, lexicon: Lexicon) -> bool:
    """Tell whether all before a mark is a list marker or a label such as "Step 3"."""
    if mark > _LONGEST or sentence.opening:
        return False
    found = _MARKER.fullmatch(text, 0, mark)
    if found:
        value = found[1]
        if value.isdigit() or (len(value) == 1 and value.islower() and value.isascii()):
            sentence.item = value
        return True
    words = text[:mark].split()
    label = words[-2].strip("*_#").lower() if len(words) > 1 else ""
    if not label or not words[-1].isdigit() or words[:-2]:
        return False
    return label in lexicon_of_letter(label[0], lexicon).labels


def next_marker(sentence: Sentence, text: str, mark: int) -> Cut | None:
    """Cut before the next item of a list within one line, if the mark belongs to that item's marker."""
    item = sentence.item
    if not item or item in BULLETS:
        return None
    follower = str(int(item) + 1) if item.isdigit() else chr(ord(item) + 1)
    bare = text[:mark].removesuffix(".")
    start = len(bare) - len(follower)
    if start < 1 or not bare.endswith(follower) or not bare[start - 1].isspace():
        return None
    end = len(bare[:start].rstrip(SPACES + BULLETS))
    return Cut(end) if end else None


def bullet(sentence: Sentence, text: str, at: int) -> Verdict:
    """Judge a bullet: it begins a sentence, or the next item within the line."""
    if not sentence.has_word(text, at):
        sentence.item = text[at]
        return Continue(at + 1)
    if sentence.item and text[at - 1].isspace():
        return Cut(max(1, len(text[:at].rstrip())))
    return Continue(at + 1)


def bracket(sentence: Sentence, text: str, at: int, lexicon: Lexicon) -> Verdict:
    """Judge a closing bracket: "2)" may be the marker of the next item."""
    if first_marker(sentence, text, at, lexicon):
        return Continue(at + 1)
    return next_marker(sentence, text, at) or Continue(at + 1)
