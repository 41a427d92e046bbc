"""How many words the text is off that an interruption returns, against the durations in hibari's model.

``python -m benchmarks.speech.heard_text words|estimate MOMENTS`` prints JSON: with the times of words, or as
with an engine that has none.

The truth takes a way of its own. Each word is phonemized alone to learn how many phoneme words it gives; the
sentences are such that these add up to those of the whole sentence. The durations say which samples belong to
each phoneme word, which ends with its last loud sample: the last sound before a pause lasts through much of
the pause. The samples themselves say how much silence was removed before them. Time does not pass by a clock:
the output plays exactly to the moment of the interruption.
"""

import json
import random
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from threading import Condition
from typing import Any, NamedTuple

from reactivex import from_iterable, of

from benchmarks.speech.first_audio import LOUD
from benchmarks.speech.percentile import percentile
from benchmarks.speech.spoken_sentences import SENTENCES
from benchmarks.speech.stamped_parts import Recorder
from ollama_rx import deliver
from ollama_rx import operators as op
from ollama_rx.speech import Audio, Hibari, Speech, SpeechOutput
from ollama_rx.speech.audio import BYTES_PER_SAMPLE

SECONDS = 30.0
AHEAD = 0.1  # seconds that the output takes before it plays them, as a device does
PAUSE = 0.4
TOGETHER = 3  # sentences in one delivery
SEED = 1
COMPARED = 2_000  # samples that are looked for, to find where the audio of hibari is in that of the voice


class Truth(NamedTuple):
    """When a sentence is said, in seconds from its beginning."""

    written: str
    ends: Sequence[float]
    """Of each written word that is said."""
    seconds: float
    """With the silence after it."""

    def words_heard(self, seconds: float) -> int:
        """Return how many words have ended by then."""
        return sum(end <= seconds for end in self.ends)


class RememberedHibari(Hibari):
    """hibari, which computes each text once."""

    def __init__(self, *, words: bool) -> None:
        super().__init__()
        self.durations: dict[str, Sequence[int]] = {}
        """For each text, how many samples each of its symbols lasts."""
        self.audio: dict[str, Audio] = {}
        self._words = words

    @property
    def hibari(self) -> Any:
        """The object of hibari itself."""
        self.load()
        return self._voice._hibari  # type: ignore[union-attr]  # noqa: SLF001 - the truth comes from there

    def synthesize(self, text: str, /) -> Iterator[Audio]:
        """Yield the audio of a text, which must be one sentence."""
        if text not in self.audio:
            (audio,) = super().synthesize(text)
            self.audio[text] = audio if self._words else replace(audio, words=())
            self.durations[text] = self.hibari.sess.last
        yield self.audio[text]


class PlayedUntil(SpeechOutput):
    """Plays until a moment that is given, and takes ``AHEAD`` seconds more."""

    def __init__(self, moment: float) -> None:
        self._moment = moment
        self._taken = 0.0
        self._rate = 0
        self._is_full = False
        self._is_stopped = False
        self._changed = Condition()

    def start(self, rate: int) -> None:
        """Note the rate."""
        self._rate = rate

    def write(self, pcm: bytes, /) -> None:
        """Take a block, or wait until the interruption."""
        if self._taken < self._moment + AHEAD:
            self._taken += len(pcm) / BYTES_PER_SAMPLE / self._rate
            return
        with self._changed:
            self._is_full = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_stopped)

    def unplayed(self) -> float:
        """Return what was taken and comes after the moment."""
        return self._taken - self._moment

    def stop(self) -> None:
        """Let a call that waits return."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def wait(self) -> None:
        """Wait until the moment has come."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_full, SECONDS):
                raise SystemExit("the moment did not come")


def truth_of(engine: RememberedHibari, written: str) -> Truth:
    """Find out when each word is said."""
    said = "".join(of(written).pipe(op.speakable()).to_list().run())
    recorder = Recorder()
    deliver(of(written), Speech(engine, recorder, pause=PAUSE)).wait(SECONDS)
    (phonemes,) = engine.hibari.phonemize(said)
    vocabulary = engine.hibari.vocab
    symbols = "".join(symbol for symbol in phonemes if symbol in vocabulary)
    spans = phoneme_spans(symbols, engine.durations[said])
    counts = [_count_words(" ".join(engine.hibari.phonemize(word))) for word in said.split()]
    spoken = [word for word in written.split() if is_said(word)]
    if sum(counts) != len(spans) or len(counts) != len(spoken):
        raise SystemExit(f"not fit for comparison: {written}")
    raw, rate = engine.audio[said].pcm, engine.audio[said].rate
    shift = find_shift(raw, bytes(recorder.pcm))
    samples = array("h", raw)
    ends = [last_loud(samples, *span) for span in spans]
    return Truth(
        written,
        [(ends[count - 1] + shift) / rate for count in accumulate(counts)],
        len(recorder.pcm) / BYTES_PER_SAMPLE / rate,
    )


def phoneme_spans(symbols: str, durations: Sequence[int]) -> list[tuple[int, int]]:
    """Return which samples each phoneme word has; the model adds a symbol of silence on both sides."""
    if len(symbols) + 2 != len(durations):
        raise SystemExit(f"{len(durations)} durations for {symbols}")
    words: list[tuple[int, int]] = []
    in_word = False
    for symbol, (start, end) in zip(symbols, list(pairwise(accumulate(durations))), strict=False):
        if symbol.isspace():
            in_word = False
        elif symbol.isalpha():
            words.append((words.pop()[0] if in_word else start, end))
            in_word = True
    return words


def last_loud(samples: Sequence[int], start: int, end: int) -> int:
    """Return the end of the loud samples in a part; the end of the part if it has none."""
    return next((at + 1 for at in reversed(range(start, end)) if abs(samples[at]) >= LOUD), end)


def find_shift(raw: bytes, played: bytes) -> int:
    """Return at which sample of what is played hibari's audio begins: below 0 if its beginning was cut."""
    middle = len(raw) // 4 * BYTES_PER_SAMPLE
    found = played.find(raw[middle : middle + COMPARED])
    if found < 0 or found % BYTES_PER_SAMPLE:
        raise SystemExit("the audio of hibari is not played as it is")
    return (found - middle) // BYTES_PER_SAMPLE


def is_said(word: str) -> bool:
    """Return whether a written word has letters or digits."""
    return any(map(str.isalnum, word))


def _count_words(phonemes: str) -> int:
    return sum(any(map(str.isalpha, word)) for word in phonemes.split())


def heard_at(engine: RememberedHibari, truths: Sequence[Truth], moment: float) -> str:
    """Let some sentences be said, interrupt at a moment, and return what the voice says was heard."""
    output = PlayedUntil(moment)
    voice = Speech(engine, output, pause=PAUSE)
    delivery = deliver(from_iterable([truth.written for truth in truths]), voice)
    output.wait()
    heard = voice.interrupt()
    delivery.wait(SECONDS)
    whole = " ".join(truth.written for truth in truths)
    if not whole.startswith(heard):
        raise SystemExit(f"heard {heard!r} of {whole!r}")
    return heard


def words_off(heard: str, truths: Sequence[Truth], moment: float) -> int:
    """Return how many words too many were heard; below 0, too few."""
    starts = accumulate((truth.seconds for truth in truths), initial=0.0)
    true = sum(truth.words_heard(moment - start) for truth, start in zip(truths, starts, strict=False))
    return sum(map(is_said, heard.split())) - true


def measure(moments: int, *, words: bool) -> dict[str, float]:
    """Interrupt at random moments, and at the ends of all sentences."""
    rng = random.Random(SEED)
    engine = RememberedHibari(words=words)
    truths = [truth_of(engine, sentence) for sentence in SENTENCES]
    off: list[int] = []
    for _ in range(moments):
        some = rng.sample(truths, TOGETHER)
        moment = rng.uniform(0, sum(truth.seconds for truth in some) - PAUSE)
        off.append(abs(words_off(heard_at(engine, some, moment), some, moment)))
    wrong_ends = 0
    for truth in truths:
        following = rng.choice(truths)
        for moment in (truth.seconds - PAUSE / 2, truth.seconds):
            wrong_ends += heard_at(engine, [truth, following], moment) != truth.written
    return {
        "right %": 100 * sum(each == 0 for each in off) / moments,
        "at most one word %": 100 * sum(each <= 1 for each in off) / moments,
        "p99 words": percentile(off, 99),
        "most words": max(off),
        "wrong sentence ends": wrong_ends,
        "moments": moments,
    }


def main() -> None:
    """Measure once."""
    kind, moments = sys.argv[1:]
    print(json.dumps(measure(int(moments), words=kind == "words")))


if __name__ == "__main__":
    main()
