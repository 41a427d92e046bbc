"""Give a sentence the silence that it needs around it; voices add up to 0.3 s before and 0.5 s after it."""

import sys
from array import array

from ollama_rx.speech.audio import BYTES_PER_SAMPLE, Audio, Word

_BEFORE = 0.03  # seconds of silence that stay before the first loud sample: consonants begin softly
_CLAUSE = 0.3  # the pause after a clause, as a part of that after a sentence
_FADE = 0.002  # seconds: what is cut must not click
_STEP = 0.005  # seconds that are judged together
_LOUD = 100  # of 32,768; the noise of hibari, piper and espeak-ng is below 30
_LONGEST_HELD = 10.0  # seconds beyond the pause: memory stays small where an engine never ends
_RANGE = 100  # times: how much softer than its loudest sound a quiet voice's softest consonants may be
_SENTENCE_ENDS = tuple(".!?…:。！？।؟")
_CLOSING_MARKS = " \n\"'”’»)]}」』）"


def pause_after(text: str, pause: float) -> float:
    """Return the seconds of silence after a text: fewer than after a sentence if a clause has ended.

    >>> pause_after("Hello, Ada.", 0.4), pause_after("Hello,", 0.4)
    (0.4, 0.12)
    """
    ends_sentence = text.rstrip(_CLOSING_MARKS).endswith(_SENTENCE_ENDS)
    return pause if ends_sentence else round(pause * _CLAUSE, 3)


class SilenceTrimmer:
    """Takes the pieces of one text: removes silence before it, and makes that after it ``pause`` seconds.

    Silence at the end is held back until it is known whether sound follows; where it lasts very long, it
    passes as it is. Audio without any sound is left as it is.
    """

    def __init__(self, pause: float) -> None:
        self._pause = pause
        self.rate = 0
        """Samples a second; 0 before the first piece."""
        self.silence = 0.0
        """Seconds at the end that were made silent."""
        self._held = array("h")  # begins with the last samples of sound, if there was any
        self._has_sound = False
        self._has_begun = False  # what comes now is not the beginning any more
        self._loudest = 0  # of all samples so far

    def feed(self, audio: Audio) -> Audio:
        """Return what can be played now, with the words of the piece."""
        self.rate = audio.rate
        held = self._held
        shift = len(held)
        unsearched = shift if self._has_sound else 0  # silence stays silent: what counts as loud only rises
        added = _samples(audio.pcm)
        self._loudest = max(self._loudest, _loudest(added))
        held.extend(added)
        passed = 0
        if (sound := self._find_sound(unsearched)) is not None:
            self._has_sound = True
            first, last = sound
            cut = 0 if self._has_begun else self._cut_beginning(first)
            self._has_begun = True
            shift -= cut
            passed = max(0, last - cut - self._count(_FADE))
        elif len(held) > self._count(self._pause + _LONGEST_HELD):
            passed = len(held) - self._count(_FADE)
            self._has_begun = True
        played = held[:passed]
        del held[:passed]
        return Audio(_pcm(played), audio.rate, _shifted(audio.words, shift / audio.rate))

    def flush(self) -> Audio:
        """Return the end, with the silence that belongs to it."""
        held, self._held = self._held, array("h")
        if self._has_sound:
            self.silence = self._pause
            length = self._count(_FADE) + self._count(self._pause)
            del held[length:]
            _fade(held, len(held), self._count(_FADE))
            held.extend(array("h", bytes((length - len(held)) * BYTES_PER_SAMPLE)))
        return Audio(_pcm(held), self.rate)

    def _count(self, seconds: float) -> int:
        return round(seconds * self.rate)

    def _cut_beginning(self, first: int) -> int:
        """Cut the silence before the first loud sample; return how many samples that were."""
        cut = max(0, first - self._count(_BEFORE))
        del self._held[:cut]
        _fade(self._held, 0, self._count(_FADE))  # also what was not cut: piper begins with any sample
        return cut

    def _find_sound(self, begin: int) -> tuple[int, int] | None:
        """Return where, after ``begin``, the first loud samples begin and the last ones end.

        Both are right up to a few milliseconds.
        """
        if self._loudest < _LOUD:
            return None
        held = self._held
        least = min(_LOUD, self._loudest // _RANGE)
        step = max(1, self._count(_STEP))
        starts = range(begin, len(held), step)
        loud = (start for start in starts if _loudest(held[start : start + step]) >= least)
        first = next(loud, None)
        if first is None:
            return None
        last = next(start for start in reversed(starts) if _loudest(held[start : start + step]) >= least)
        return first, min(last + step, len(held))


def _loudest(samples: "array[int]") -> int:
    if not samples:
        return 0
    highest, lowest = max(samples), min(samples)
    return max(highest, -lowest)


def _fade(samples: "array[int]", at: int, count: int) -> None:
    """Fade in from the beginning if ``at`` is 0, else fade out to the end."""
    count = min(count, len(samples))
    for distance in range(count):
        index = distance if at == 0 else at - 1 - distance
        samples[index] = samples[index] * distance // count


def _shifted(words: tuple[Word, ...], seconds: float) -> tuple[Word, ...]:
    return tuple(Word(word.text, max(0.0, word.start + seconds), word.end + seconds) for word in words)


def _samples(pcm: bytes) -> "array[int]":
    samples = array("h", pcm)
    if sys.byteorder == "big":  # pragma: no cover - no such machine is at hand
        samples.byteswap()
    return samples


def _pcm(samples: "array[int]") -> bytes:
    if sys.byteorder == "big":  # pragma: no cover - no such machine is at hand
        samples.byteswap()
    return samples.tobytes()
