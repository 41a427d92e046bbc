"""The cost of splitting into sentences, compared with a naive way, and whether it grows with the answer.

``python -m benchmarks.sentences`` prints ratios; on a busy machine only those are meaningful.
"""

import random
import re
from collections.abc import Callable, Sequence
from statistics import median
from time import process_time

from ollama_rx.operators._sentences.splitter import splitter_factory
from ollama_rx.operators._split_sentences import _Merger

SIZES = (1_000, 10_000, 100_000)
ROUNDS = 7
SHORT_STREAMS = 300
TOKENS = 80  # of a short stream, like the answer of a voice assistant

Emit = Callable[[str], object]
Feed = Callable[[str], object]


class Naive:
    """The yardstick: scan the buffer at each token and cut after a mark and white space."""

    pattern = re.compile(r"[.!?]\s")

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._buffer = ""

    def feed(self, text: str) -> None:
        """Take a token."""
        self._buffer += text
        while match := self.pattern.search(self._buffer):
            self._emit(self._buffer[: match.end()])
            self._buffer = self._buffer[match.end() :]


def naive(emit: Emit) -> Feed:
    """Return the ``feed`` of the yardstick."""
    return Naive(emit).feed


def ours(*, eager: bool = False) -> Callable[[Emit], Feed]:
    """Return a function that makes the ``feed`` of our machine."""
    make_splitter = splitter_factory(
        "en", eager=eager, first_fragment=False, min_chars=0, max_chars=None, never_split=()
    )

    def make(emit: Emit) -> Feed:
        merger = _Merger(emit, None, strip=True, min_chars=0, max_chars=None)
        return make_splitter(merger.push).feed

    return make


def prose(count: int, *, marks: bool = True) -> list[str]:
    """Return tokens of made-up prose: sentences of 13 words, or without marks one that never ends."""
    rng = random.Random(5)
    tokens: list[str] = []
    while len(tokens) < count:
        words = ["".join(rng.choices("aeioudnrst", k=rng.randint(2, 8))) for _ in range(13)]
        first = words[0].title() if marks else words[0]
        tokens += [f" {first}", *(f" {word}" for word in words[1:])]
        if marks:
            tokens.append(".")
    return tokens[:count]


def cpu(make: Callable[[Emit], Feed], streams: Sequence[Sequence[str]]) -> float:
    """Return the seconds of processor time to feed some streams."""
    found: list[str] = []
    began = process_time()
    for tokens in streams:
        feed = make(found.append)
        for token in tokens:
            feed(token)
    return process_time() - began


def ratio(make: Callable[[Emit], Feed]) -> float:
    """Return our cost as a multiple of the naive one, the median of interleaved rounds."""
    tokens = prose(SHORT_STREAMS * TOKENS)
    streams = [tokens[at : at + TOKENS] for at in range(0, len(tokens), TOKENS)]
    return median(cpu(make, streams) / cpu(naive, streams) for _ in range(ROUNDS))


def growth(*, marks: bool) -> list[float]:
    """Return microseconds per token for streams of each size, the minimum of some rounds."""
    tokens = prose(SIZES[-1], marks=marks)
    return [min(cpu(ours(), [tokens[:size]]) for _ in range(ROUNDS)) * 1e6 / size for size in SIZES]


def main() -> None:
    """Print the table."""
    print(f"CPU a token / naive: {ratio(ours()):.2f}, eager {ratio(ours(eager=True)):.2f}")
    for name, marks in (("prose", True), ("without any mark", False)):
        costs = growth(marks=marks)
        figures = "  ".join(f"{cost:.2f}" for cost in costs)
        print(f"{name:17} {figures} us/token at 1k, 10k, 100k tokens; 100k/10k {costs[2] / costs[1]:.2f}")


if __name__ == "__main__":
    main()
