"""The cost of a token in each of our operators, and whether it grows with the length of the answer.

``python -m benchmarks.operators`` prints microseconds, multiples of an `ops.map` hop, and the growth
from 10 000 to 100 000 tokens; then the seconds that each operator on text takes for 1000, 10 000 and 100 000
characters of the text of `growth.KNOWN` that is worst for it, and the larger growth per tenfold, which should
be at most `growth.BOUND`. On a busy machine only the ratios are meaningful.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice, pairwise
from statistics import median
from time import process_time
from typing import Any

from reactivex import Observable
from reactivex import operators as ops

from benchmarks.blast import Blast
from benchmarks.growth import BOUND, CUTS, LEAST_SECONDS, READERS, seconds, worst
from ollama_rx import Chunk, ContextBox
from ollama_rx import operators as op

SIZES = (10_000, 100_000)  # tokens
LENGTHS = (1_000, 10_000, 100_000)  # characters
ROUNDS = 5

AnyOperator = Callable[[Observable[Any]], Observable[Any]]

_ENGLISH = " The| quick| brown| fox| (it| is| *fast*|)| jumps| over| 3|.|14| lazy| dogs|.\n"
_CHINESE = "北京|大学|的|研究|人员|昨天|宣布|了|重大|突破|。"
_EMOJI = "ok| 👩|\u200d|👧| e|\u0301| 🇩|🇪|!"
_RECORDS = '{"name": |"Ada |Love|lace", |"age": |36}, '
ENGLISH, CHINESE, EMOJI, RECORDS = (text.split("|") for text in (_ENGLISH, _CHINESE, _EMOJI, _RECORDS))


def repeated(tokens: Sequence[str], count: int) -> list[str]:
    """Return ``count`` tokens."""
    return list(islice(cycle(tokens), count))


def chunks(count: int) -> list[Chunk]:
    """Return ``count`` chunks of an answer."""
    return [Chunk({"model": "m", "response": text, "done": False}) for text in repeated(ENGLISH, count)]


def records(count: int) -> list[str]:
    """Return about ``count`` tokens of a JSON array."""
    whole = count // len(RECORDS)
    return ["[", *RECORDS * whole, "{}]"]


def sentences(count: int) -> list[str]:
    """Return sentences of about ``count`` tokens in total."""
    return ["".join(ENGLISH)] * (count // len(ENGLISH))


def cost(items: Sequence[Any], operator: AnyOperator | None, tokens: int) -> float:
    """Return the microseconds of processor time per token."""
    stream: Observable[Any] = Blast(items)
    if operator is not None:
        stream = operator(stream)
    began = process_time()
    stream.subscribe(lambda _: None)
    return (process_time() - began) / tokens * 1e6


def cases() -> Iterator[tuple[str, AnyOperator | None, Callable[[int], Sequence[Any]]]]:
    """Yield a name, an operator, and a function that makes the items for it."""

    def english(count: int) -> list[str]:
        return repeated(ENGLISH, count)

    def emoji(count: int) -> list[str]:
        return repeated(EMOJI, count)

    yield "no operator", None, english
    yield "ops.map", ops.map(lambda item: item), english
    yield "capture_context", op.capture_context(ContextBox()), chunks
    yield "gather_stats", op.gather_stats(lambda _: None), chunks
    yield "split_thinking", op.split_thinking(), chunks
    yield "text", op.text(), chunks
    yield "stop_at", op.stop_at("END", "</s>"), english
    yield "stop_at, any case", op.stop_at("END", ignore_case=True), english
    yield "split_lines", op.split_lines(), english
    yield "split_words", op.split_words(), english
    yield "split_words, Chinese", op.split_words(), lambda count: repeated(CHINESE, count)
    yield "split_words, emoji", op.split_words(), emoji
    yield "buffer_tokens, count", op.buffer_tokens(count=5), english
    yield "buffer_tokens, chars", op.buffer_tokens(chars=40), english
    yield "buffer_tokens, until", op.buffer_tokens(until="never"), english
    yield "throttle_latest", op.throttle_latest(0.1), english
    yield "smooth, words", op.smooth(per_second=1e9), english
    yield (
        "smooth, graphemes",
        op.smooth(per_second=1e9, unit="grapheme"),
        lambda count: repeated(EMOJI, count),
    )
    yield "speakable", op.speakable(), sentences
    yield "parse_json, records", op.parse_json(), records
    yield "parse_json, into", op.parse_json(into=repr), records
    yield "markdown_blocks", op.markdown_blocks(), english
    yield (
        "markdown_blocks, lists",
        op.markdown_blocks(),
        lambda count: repeated(["- ", "an", " item", "\n"], count),
    )
    yield "retry_unstarted", op.retry_unstarted(), english


def main() -> None:
    """Print two tables."""
    print_costs()
    print()
    print_growth()


def print_growth() -> None:
    """Print what long texts cost that are nasty for an operator."""
    print(f"{'operator':42}{'1k s':>8}{'10k s':>8}{'100k s':>8}{'growth':>8}  text")
    for name, read in READERS.items():
        cut, text = worst(name)
        costs = [
            min(seconds(read, CUTS[cut](text.of_length(length))) for _ in range(ROUNDS)) for length in LENGTHS
        ]
        growth = max(after / before for before, after in pairwise(costs))
        figures = "".join(f"{cost:8.3f}" for cost in costs)
        verdict = " !" if growth > BOUND and costs[-1] > LEAST_SECONDS else ""
        print(f"{name:42}{figures}{growth:8.1f}{verdict}  {text}, {cut}", flush=True)


def print_costs() -> None:
    """Print what a token costs."""
    print(f"{'operator':24}{'us/token':>10}{'x ops.map':>11}{'growth':>8}")
    bare = mapped = 0.0
    for name, operator, make in cases():
        small, large = (
            median(cost(items, operator, size) for _ in range(ROUNDS))
            for size, items in ((size, make(size)) for size in SIZES)
        )
        bare = bare or small
        mapped = mapped or (small - bare if operator is not None else 0.0)
        hop = f"{(small - bare) / mapped:.2f}" if mapped else ""
        print(f"{name:24}{small - (bare if operator else 0):10.3f}{hop:>11}{large / small:8.2f}", flush=True)


if __name__ == "__main__":
    main()
