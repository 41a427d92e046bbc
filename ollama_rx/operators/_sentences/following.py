"""What stands after a mark: what still belongs to the sentence, and where the next word begins."""

import re
from typing import Final

from ollama_rx.operators._sentences.characters import CLOSING, EMOJI, MARKS, OPENERS, SPACES, one_of
from ollama_rx.operators._sentences.sentence import Sentence

_SPACE: Final = one_of(SPACES)
# The mark and more, also spaced ones ("! ?", ". . ."), unless the spaced one begins a word (".NET").
_RUN: Final = rf".{one_of(MARKS)}*+(?:{_SPACE}[.!?…]++(?!\w))*+{CLOSING}"
# A quote between two spaces closes, in text whose marks are set apart (" . ' ").
_APART: Final = rf"(?:{_SPACE}['\"”’]{{1,2}}+(?={_SPACE}))?+"
_GAP: Final = re.compile(rf"(?:{_SPACE}|[{EMOJI}])*+")
_EMOJI: Final = re.compile(f"[{EMOJI}]")
# A note "[7]", a closing tag "</b>" and an emoticon ":-)" go with the sentence before them.
_EXTRA: Final = re.compile(r"\[\d+(?:[,–-] ?\d+)*\]|</\w+>|[:;=]['^-]?[()DPpoO3|]+(?=\s)")
_UNFINISHED: Final = re.compile(r"['\"”’]{1,2}|\[[\d,– -]*|</?\w*|[:;=]['^-]?[()DPpoO3|]*")
# Quotes that close in English open after a space where they stand before a word: ”Nej.”, »Nein.«
_OPEN: Final = re.compile(rf"(?:{one_of(OPENERS)}|{_SPACE}|[”’»›](?=\w|\Z))*+")
_HYPHEN: Final = re.compile(r"[-–]\w|—\d")  # joins: "Mon.-Fri.", "9 a.m.-5 p.m."


class Following:
    """Looks past a mark; made once for a language."""

    def __init__(self, spaced_closers: str) -> None:
        closers = rf"(?:{_SPACE}?{one_of(spaced_closers)})*+" if spaced_closers else ""
        self._run = re.compile(_RUN + _APART + closers)

    def look(self, sentence: Sentence, text: str, mark: int, *, final: bool) -> tuple[int, int]:
        """Return where the sentence would end and where the next word begins.

        The second is the length of the text while too little of it has arrived to tell.
        """
        size = len(text)
        after = mark + 1
        if after + 1 < size and text[after] == " " and text[after + 1].isalnum():
            return after, after + 1
        run = self._run.match(text, mark)
        end = run.end() if run else after
        while end < size:
            gap = _GAP.match(text, end)
            at = gap.end() if gap else end
            # An emoji goes with the sentence before it, unless that began with one itself.
            if _EMOJI.search(text, end, at) and not _EMOJI.match(sentence.begins_with(text).lstrip()):
                end += len(text[end:at].rstrip(SPACES))
            if at == size:
                return end, size
            extra = _EXTRA.match(text, at)
            if not extra:
                if not final and _UNFINISHED.fullmatch(text, at):
                    return end, size
                opened = None if at == end and _HYPHEN.match(text, at) else _OPEN.match(text, at)
                return end, opened.end() if opened else at
            end = extra.end()
        return end, size
