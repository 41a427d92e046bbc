"""When each word of a text is said, from the sounds that a voice makes and how long each lasts.

A voice rewrites a text before it speaks: "$3.50" becomes five words, "of the" becomes one. So what is said is
compared with what the voice would say for each word alone, sound by sound, as ``diff`` compares two files::

    words    at    7:30            for the    $3.50
    alone    æt    sˈɛvən θˈɜɹti   fˈɔɹ ðˈʌ   θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts
    said     æt    sˈɛvən θˈɜɹti   fɚðə       θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts

The two differ little, as words are weakened in a sentence; where they differ, the boundary between two words
is at most a few sounds off.
"""

import unicodedata
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from typing import NamedTuple

from ollama_rx.speech.audio import Audio, Word
from ollama_rx.speech.engines.alignment import PAUSE, align

Span = tuple[int, int]
"""The symbols that are said for a word: the first, and the one after the last."""

_PUNCTUATION = frozenset(".,;:!?…-–—()[]'\"‘’“”«»")  # which a voice may name if it stands alone
_STRESS = frozenset("ˈˌ")  # a mark of the sound that follows
_SOUNDS = frozenset({"Ll", "Lu", "Lo"})  # categories of Unicode
_MARKS = frozenset({"Lm", "Mn", "Nd", "Sk"})  # of the sound before, such as its length or tone

_SILENCE = 200  # samples up to this number are silence (-44 dB)
_STEP = 128  # samples; how exactly silence is measured (5 ms)


class _Sound(NamedTuple):
    symbol: str
    """A sound, or ``PAUSE`` for all that stands between two sounds, such as ", "."""
    start: int
    end: int
    """The symbols that it consists of, with its marks."""


class _PlacedWord(NamedTuple):
    text: str
    first: int
    after: int
    """Its span."""

    @property
    def is_said(self) -> bool:
        return self.first < self.after


class WordTimes:
    """Gives the pieces of audio of one text, one after the other, the words that end in them."""

    def __init__(
        self, text: str, pronounce: Callable[[str], Iterable[str]], said: Sequence[Sequence[str]]
    ) -> None:
        """Find the symbols of each word.

        ``pronounce`` returns the symbols that the voice would say for a word alone, ``said`` has those that
        it says for the text, piece by piece.
        """
        words = text.split()
        alone = [() if _PUNCTUATION.issuperset(word) else pronounce(word) for word in words]
        spans = word_spans(alone, list(chain.from_iterable(said)))
        self._words = deque(_PlacedWord(word, *span) for word, span in zip(words, spans, strict=True))
        self._symbols = pairwise(accumulate(map(len, said), initial=0))  # of each piece

    def add_words(self, piece: Audio, durations: Sequence[int]) -> Audio:
        """Return the next piece with its words; ``durations`` has the number of samples of each symbol.

        One word ends and the next begins in the middle of what is between them, since sounds fade into it on
        both sides; silence there belongs to neither. A word that is not said, such as a dash, takes no time,
        at the end of the word before. If the durations are not those of the audio, the piece has no words.
        """
        first, after = next(self._symbols)
        words: list[_PlacedWord] = []
        while self._words and self._words[0].after <= after:
            words.append(self._words.popleft())
        samples = memoryview(piece.pcm).cast("h")
        times = list(accumulate(durations, initial=0))
        if len(durations) != after - first or times[-1] != len(samples):
            return piece
        said = [(max(0, word.first - first), word.after - first) for word in words if word.is_said]
        middles = [(times[end] + times[start]) // 2 for (_, end), (start, _) in pairwise(said)]
        parts = pairwise([0, *middles, len(samples)])
        timed: list[Word] = []
        end = 0
        for word in words:
            start, end = _audible(samples, *next(parts)) if word.is_said else (end, end)
            timed.append(Word(word.text, start / piece.rate, end / piece.rate))
        return replace(piece, words=tuple(timed))


def word_spans(alone: Sequence[Iterable[str]], said: Iterable[str]) -> list[Span]:
    """Return for each word which of the symbols that are said belong to it.

    ``alone`` has the symbols that the voice would say for each word alone. The span of a word that is not
    said, such as a dash, is empty.

    >>> word_spans(["ˈʌv", "ðə", "sˈi"], "ʌvðə sˈi.")
    [(0, 2), (2, 4), (5, 8)]
    """
    expected: list[str] = []
    ends: list[int] = []  # for each word, how many of the expected sounds come before its end
    for symbols in alone:
        own = [sound.symbol for sound in _sounds(symbols)]
        if own:
            expected += [PAUSE, *own] if expected else own
        ends.append(len(expected))
    sounds = _sounds(said)
    cuts = _cuts(ends, align(expected, [sound.symbol for sound in sounds]))
    spans: list[Span] = []
    end = 0
    for first, last in pairwise([0, *cuts]):
        own_sounds = [sound for sound in sounds[first:last] if sound.symbol != PAUSE]
        start = own_sounds[0].start if own_sounds else end
        end = own_sounds[-1].end if own_sounds else end
        spans.append((start, end))
    return spans


def _sounds(symbols: Iterable[str]) -> list[_Sound]:
    """Return the sounds, and one pause for what stands between two of them."""
    sounds: list[_Sound] = []
    in_pause = True  # also before the first sound
    stress: int | None = None  # where the marks of the next sound begin
    for index, symbol in enumerate(symbols):
        category = "stress" if symbol in _STRESS else unicodedata.category(symbol[-1])
        if category == "stress":
            stress = index if stress is None else stress
        elif category in _SOUNDS:
            if in_pause and sounds:
                sounds.append(_Sound(PAUSE, index, index))
            sounds.append(_Sound(symbol, index if stress is None else stress, index + 1))
            in_pause, stress = False, None
        elif category not in _MARKS:
            in_pause = True
        elif not in_pause:
            sounds[-1] = sounds[-1]._replace(end=index + 1)
    return sounds


def _cuts(ends: Sequence[int], reached: Sequence[int]) -> list[int]:
    """Return for each word with how many of the sounds that are said it ends.

    A word that was expected but for which nothing is left shares the sounds of the word before (or after, if
    it is the first): "$5 million" is said "five million dollars".
    """
    fixed = [(0, 0)]
    for end in ends:
        if end > fixed[-1][0]:
            if len(fixed) > 1 and fixed[-1][1] in (0, reached[end]):
                fixed.pop()
            fixed.append((end, reached[end]))
    return [_interpolated(end, fixed) for end in ends]


def _interpolated(end: int, fixed: Sequence[tuple[int, int]]) -> int:
    """Return what corresponds to a number between two for which it is known; 0 corresponds to 0."""
    after = bisect_left(fixed, (end, 0))
    if after == 0:
        return 0
    (end_before, cut_before), (end_after, cut_after) = fixed[after - 1], fixed[after]
    share = (end - end_before) / (end_after - end_before)
    return round(cut_before + share * (cut_after - cut_before))


def _audible(samples: Sequence[int], start: int, end: int) -> Span:
    """Return the part of the samples between the silence at both ends; all of it if there is nothing else."""
    steps = range(start, end, _STEP)
    first = next((at for at in steps if _is_audible(samples[at : min(at + _STEP, end)])), None)
    if first is None:
        return start, end
    last = next(at for at in reversed(steps) if _is_audible(samples[at : min(at + _STEP, end)]))
    return first, min(last + _STEP, end)


def _is_audible(samples: Sequence[int]) -> bool:
    return max(samples) > _SILENCE or min(samples) < -_SILENCE
