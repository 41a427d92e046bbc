"""An engine of speech for tests: each word is a tenth of a second of one loud value."""

from collections.abc import Iterator
from itertools import pairwise

from ollama_rx.speech import Audio, SpeechEngine, Word

RATE = 8_000
SECONDS_PER_WORD = 0.1


class ToyVoice(SpeechEngine):
    """Tells when each word is said, if ``knows_words``."""

    name = "toy"
    rate = RATE

    def __init__(self, *, knows_words: bool = True) -> None:
        self._knows_words = knows_words
        self.texts: list[str] = []

    def synthesize(self, text: str, /) -> Iterator[Audio]:
        self.texts.append(text)
        words = text.split()
        ends = [SECONDS_PER_WORD * number for number in range(len(words) + 1)]
        times = zip(words, pairwise(ends), strict=True)
        known = tuple(Word(word, *time) for word, time in times) if self._knows_words else ()
        pcm = (10_000).to_bytes(2, "little") * round(RATE * ends[-1])
        yield Audio(pcm, RATE, known)
