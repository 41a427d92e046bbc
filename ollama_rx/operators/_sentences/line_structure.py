"""Lines and list items: line breaks, code fences, list markers and bullets."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import BULLETS, SPACES
from ollama_rx.operators._sentences.lexicon import Lexicon, lexicon_of_letter
from ollama_rx.operators._sentences.sentence import Sentence
from ollama_rx.operators._sentences.verdict import WAIT, Break, Continue, Verdict

_LONGEST_SPACE: Final = 60  # white space before a line break that goes to the next sentence; more stays
# Letters that number items. Of Hangul only these: other syllables may be words ("네.").
_LETTER: Final = "A-Za-zΑ-Ωα-ωА-Яа-яҐЄІЇґєіїא-תا-ي가나다라마바사"
_MARKER: Final = re.compile(
    rf"[\s>*_#{BULLETS}-]*((?:§ ?)?\d{{1,3}}(?:\.\d{{1,2}}){{0,3}}|[{_LETTER}]|[ivxIVX]{{2,4}})\.?"
)
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)*")
# "Here are the steps: 1"; a full-width colon needs no space.
_LISTING: Final = re.compile(r"(?::[*_]* +|：[*_]* *)(?=[*_]*1$)")
_LONGEST_LISTING: Final = 12  # characters from such a colon to the end of the marker
_MARKER_ONLY: Final = re.compile(rf"[-+*>{BULLETS}]|(?:\d{{1,3}}|[A-Za-z])[.)]")
_LONGEST_MARKER: Final = 24  # characters of a line within which its marker ends


def judge_line_break(sentence: Sentence, text: str, at: int, *, final: bool) -> Verdict:
    """Judge a line break: it ends a sentence, except after a lone list marker and inside a code fence."""
    if sentence.fence:
        return _judge_break_in_fence(sentence, text, at)
    line = text[:at].strip()
    if not sentence.begun and (not line or (_MARKER_ONLY.fullmatch(line) and "\n" not in text[:at].lstrip())):
        return Continue(at + 1)
    sentence.fence = sentence.opens_fence(text, at)
    if sentence.fence:
        return Continue(at + 1)
    sentence.scan(text, at)
    closed = closes_on_next_line(sentence.quote(at), text, at)
    if closed is None and not final:
        return WAIT
    return Continue(at + 1) if closed else _end_line(sentence, text, at)


def closes_on_next_line(quote: tuple[str, int, str] | None, text: str, at: int) -> bool | None:
    """Return whether the line after ``at`` is only the mark that closes a quote; None if not known yet."""
    if quote is None:
        return False
    closer = text[at + 1 : at + 2]
    if closer and closer not in quote[0]:
        return False
    after = text[at + 2 : at + 3]
    return None if not after else after.isspace()


def _judge_break_in_fence(sentence: Sentence, text: str, at: int) -> Verdict:
    line = text[text.rfind("\n", 0, at) + 1 : at].strip("> \t\r")
    if not line.startswith(sentence.fence) or line.strip(sentence.fence[0]):
        return Continue(at + 1)
    sentence.fence = ""
    return _end_line(sentence, text, at)


def _end_line(sentence: Sentence, text: str, at: int) -> Verdict:
    sentence.end_line()
    start = max(0, at - _LONGEST_SPACE)
    kept = len(text[start:at].rstrip())
    return Break(start + kept if kept else at)


def judge_bullet(sentence: Sentence, text: str, at: int) -> Verdict:
    """Judge a bullet: it begins a sentence, or the next item within the line."""
    if not sentence.has_word(text, at):
        sentence.item = text[at]
        return Continue(at + 1)
    before = text[:at].rstrip()
    if text[at - 1].isspace() and (sentence.item or before.endswith(":")):
        return Break(max(1, len(before)))
    return Continue(at + 1)


def judge_bracket(sentence: Sentence, text: str, at: int, lexicon: Lexicon) -> Verdict:
    """Judge a closing bracket: "2)" may be the marker of the next item."""
    if is_first_marker(sentence, text, at, lexicon):
        return Continue(at + 1)
    return break_before_next_item(sentence, text, at) or Continue(at + 1)


def is_first_marker(sentence: Sentence, text: str, mark: int, lexicon: Lexicon) -> bool:
    """Return whether all text before a mark is a list marker, which is noted, or a label such as "Step 3"."""
    if mark > _LONGEST_MARKER or sentence.opening:
        return False
    found = _MARKER.fullmatch(text, 0, mark)
    if found:
        value = found[1]
        if value.isdigit() or (len(value) == 1 and value.islower() and value.isascii()):
            sentence.item = value
        return True
    words = text[:mark].split()
    label = words[-2].strip("*_#").lower() if len(words) > 1 else ""
    if not label or not _NUMBER.fullmatch(words[-1]) or words[:-2]:
        return False
    return label in lexicon_of_letter(label[0], lexicon).labels


def break_before_next_item(sentence: Sentence, text: str, mark: int) -> Break | None:
    """Break before the marker of the next list item, if the mark belongs to one in the middle of a line."""
    item = sentence.item
    if not item or item in BULLETS:
        return None
    next_item = str(int(item) + 1) if item.isdigit() else chr(ord(item) + 1)
    before = text[:mark].removesuffix(".")
    start = len(before) - len(next_item)
    if not before.endswith(next_item):
        return None
    item_before = before[:start].rstrip("*_")
    if not item_before or not item_before[-1].isspace():
        return None
    end = len(item_before.rstrip(SPACES + BULLETS))
    return Break(end) if end else None


def break_before_first_item(text: str, mark: int) -> Break | None:
    """Break at a colon before "1.", the first marker of a list in the middle of a line."""
    colon = _LISTING.search(text, max(0, mark - _LONGEST_LISTING), mark)
    return Break(colon.start() + len(colon[0].rstrip())) if colon else None
