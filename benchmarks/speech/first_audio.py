"""Prompt to first audio with everything loaded, and what of it is ours; prints a JSON list of rounds.

``python -m benchmarks.speech.first_audio [ROUNDS]``
"""

import json
import sys
from array import array
from time import monotonic

from reactivex import compose
from reactivex import operators as ops

from benchmarks.speech.stamped_parts import Recorder, StampedHibari, StampedModel
from ollama_rx import deliver
from ollama_rx import operators as op
from ollama_rx.speech import Pacer, Speech

LOUD = 100  # of 32,768; what is softer is silence
SECONDS = 30.0
PROMPTS = (
    "Tell me a story about a dog.",
    "Why is the sky blue?",
    "What is a good breakfast?",
    "How do birds fly?",
    "Give me some advice for a long journey.",
    "What did the Romans eat?",
    "Explain what a computer does.",
)


class FirstAudio:
    """Asks the model, lets the voice say the answer, and interrupts it when the first audio has come."""

    def __init__(self) -> None:
        self._model = StampedModel()
        self._hibari = StampedHibari()
        self._recorder = Recorder()
        self._voice = Speech(self._hibari, Pacer(self._recorder))
        self._characters = 0  # that `split_sentences` was given
        self._sentence: tuple[float, int] | None = None  # when the first one came, and after how many

    def measure(self, number: int) -> dict[str, float]:
        """Ask once; return the figures in milliseconds, of which those of "own" add up to it."""
        self._reset()
        prompt = PROMPTS[number % len(PROMPTS)]
        options = {"seed": number, "num_predict": 60}
        sentences = compose(
            ops.do_action(self._count),
            op.split_sentences(first_fragment=True),
            ops.do_action(self._note_sentence),
        )
        began = monotonic()
        answer = self._model.client.generate(prompt, options=options)
        delivery = deliver(answer, self._voice.after(op.text(), sentences))
        if not self._recorder.has_begun.wait(SECONDS):
            raise SystemExit("no audio came")
        self._voice.interrupt()
        delivery.wait(SECONDS)
        return self._figures(began)

    def _reset(self) -> None:
        for part in (self._model, self._hibari, self._recorder):
            part.reset()
        self._characters = 0
        self._sentence = None

    def _count(self, text: str) -> None:
        self._characters += len(text)

    def _note_sentence(self, _: str) -> None:
        if self._sentence is None:
            self._sentence = monotonic(), self._characters

    def _figures(self, began: float) -> dict[str, float]:
        hibari = self._hibari
        assert self._sentence is not None
        assert self._model.began is not None
        assert hibari.began is not None
        assert hibari.first_audio is not None
        sentence, characters = self._sentence
        certain = self._model.when(characters)
        first_block = self._recorder.blocks[0][0]
        seconds = {
            "total": first_block - began,
            "model": certain - self._model.began,
            "synthesis": hibari.own_seconds,
            "own": (first_block - began) - (certain - self._model.began) - hibari.own_seconds,
            "own: request": self._model.began - began,
            "own: text": sentence - certain,
            "own: queue": hibari.began - sentence,
            "own: word times": hibari.ended - hibari.began - hibari.own_seconds,
            "own: output": first_block - hibari.ended,
            "silence saved": leading_silence(hibari.first_audio.pcm, hibari.first_audio.rate)
            - leading_silence(bytes(self._recorder.pcm), hibari.first_audio.rate),
        }
        return {f"{name} ms": value * 1e3 for name, value in seconds.items()}


def leading_silence(pcm: bytes, rate: int) -> float:
    """Return the seconds before the first loud sample."""
    samples = array("h", pcm)
    return next((at for at, sample in enumerate(samples) if abs(sample) >= LOUD), len(samples)) / rate


def main() -> None:
    """Measure, after two rounds that load and warm everything."""
    measured = FirstAudio()
    for number in (-1, -2):
        measured.measure(number)
    print(json.dumps([measured.measure(number) for number in range(int(sys.argv[1]))]))


if __name__ == "__main__":
    main()
