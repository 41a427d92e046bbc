"""Hunt for text on which the cost of a character grows with the length of the answer.

``python -m benchmarks.growth`` makes repetitive texts such as a model in a loop writes, feeds each of them to
all that reads text, and prints the texts that cost more than `BOUND` times as much at ten times the length.
It exits with 1 if there are any. ``--seconds 60`` says how long to hunt, ``--seed 1`` which texts to try,
``--only speakable`` which readers.
"""

# ruff: noqa: RUF001 - characters that look alike are the point
import argparse
import gc
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO, StringIO
from itertools import chain, count, product, takewhile
from time import monotonic, process_time
from typing import Any, NamedTuple

from reactivex import Observable

from benchmarks.blast import Blast
from ollama_rx import Chunk
from ollama_rx import operators as op
from ollama_rx.protocol import lenient_json
from ollama_rx.sinks import Console, JsonLines
from ollama_rx.sinks._markdown_printer import MarkdownPrinter
from ollama_rx.sinks._word_wrap import WordWrap

BOUND = 12.0
"""The cost of ten times the text, as a multiple; 10 is linear, the rest is for caches and garbage."""

LEAST_SECONDS = 0.02
"""A shorter measurement is mostly noise."""

LENGTHS = (10_000, 100_000)  # characters, a tenfold
_SCREENED = (1_000, 16_000)  # characters; most texts are cleared at these
_SUSPICIOUS = 1.5  # the growth per character between the screened lengths
_MOST_SECONDS = 0.5  # a screened text that takes longer is not tried at ten times the length

FRAGMENTS = (
    *"a bA1.,;:!?-+*_~`'\"“”‘’«»「」『』。，、！？…—–()[]{}<>/\\|#$&@=^%\n\t\r",
    *"éßİΣ日本の語カナก\u0e31မ\u1039क\u094d각한\u1100\u0301\u0308\u200d\u200b\ufe0f\u202e\x1b👩🏽🇩🇪😀ا\u06dd\u0600\u0661",
    *(
        "\r\n",
        "\n\n",
        "```",
        "~~~",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\\",
        "**",
        "__",
        "](",
        "](http://a",
        "[^1]",
    ),
    *(
        "<think>",
        "</think>",
        "<th",
        "<!--",
        "-->",
        "<b>",
        "</b>",
        "&amp;",
        "&#",
        "http://a",
        "https://a.b/c",
        "www.",
    ),
    *(
        "e.g. ",
        "Dr. ",
        "U.S. ",
        "a.m. ",
        "1. ",
        "- ",
        "* ",
        "> ",
        "# ",
        "| ",
        "|-",
        "3.14",
        "...",
        ". . ",
        "No. ",
    ),
    *(
        '{"a": ',
        '": ',
        '", ',
        "[1, ",
        "\\u00e9",
        "\\ud83d",
        "true",
        "1e5",
        "the ",
        "word ",
        "END",
        "aaaa",
        "    ",
    ),
)
"""What texts are made of: all that some operator treats as special."""


class Text(NamedTuple):
    """A text that repeats itself, of any length."""

    unit: str
    start: str = ""
    end: str = ""

    def __str__(self) -> str:
        start, unit, end = (part and f"{part!a}" for part in (self.start, self.unit, self.end))
        return " + ".join(part for part in (start, f"{unit} * n", end) if part)

    def of_length(self, length: int) -> str:
        """Return about so many characters of it."""
        count = max(1, (length - len(self.start) - len(self.end)) // len(self.unit))
        return self.start + self.unit * count + self.end


KNOWN = (
    Text("word "),
    Text("The quick fox jumps. "),
    Text("a"),
    Text(" "),
    Text("\u0301"),
    Text("\u0301", start="a"),
    Text("\u0e31", start="ก"),
    Text("\u0e31\u0301", start="a"),
    Text("ก"),
    Text("🇩"),
    Text("👩\u200d"),
    Text("\u06dd", start="日"),
    Text("、", start="日"),
    Text("(", end="日"),
    Text("(a", end="日"),
    Text("।\u0301"),
    Text("ß"),
    Text("s"),
    Text(".\u0301"),
    Text("."),
    Text("\n"),
    Text("」", start="a"),
    Text(" ", start="a", end="b*.\n"),
    Text(" ", start="[1](http://a"),
    Text("\\("),
    Text("["),
    Text("[a]("),
    Text("{"),
    Text("a", start='{"a": "'),
    Text('\\"', start='{"a": "'),
    Text("<think>a</think>"),
    Text("<"),
    Text("<a>"),
    Text('<a x="1">a. '),
    Text("<a>a. B</a> "),
    Text("a-", start="<a>"),
    Text(" ", start="<a", end="/>"),
    Text("`"),
    Text("*a "),
    Text("$"),
    Text("\x1b"),
)
"""Texts that each were too costly for some operator once, and a few ordinary ones."""

Reader = Callable[[Sequence[str]], object]
"""Reads a text that comes in pieces."""


def _operator(build: Callable[[], Callable[[Observable[str]], Observable[Any]]]) -> Reader:
    return lambda pieces: _subscribe(build()(Blast(pieces)))


def _thinking(pieces: Sequence[str]) -> None:
    _subscribe(op.split_thinking()(Blast([Chunk({"response": piece, "done": False}) for piece in pieces])))


def _subscribe(stream: Observable[Any]) -> None:
    stream.subscribe(lambda _: None, lambda _: None)


def _console(pieces: Sequence[str]) -> None:
    with Console(StringIO()) as sink:
        for piece in pieces:
            sink.on_next(piece)


def _console_on_terminal(pieces: Sequence[str]) -> None:
    wrap = WordWrap()
    for piece in pieces:
        wrap.wrap(piece, 80)


def _console_with_markdown(pieces: Sequence[str]) -> None:
    file = StringIO()
    # In no time: how often the block that grows is drawn depends on time, not on the text.
    printer = MarkdownPrinter(file, file.write, lambda: 0.0)
    for piece in pieces:
        printer.feed(piece)
    printer.finish()


def _json_lines(pieces: Sequence[str]) -> None:
    with JsonLines(BytesIO()) as sink:
        for piece in pieces:
            sink.on_next(piece)


def _lenient_json(pieces: Sequence[str]) -> None:
    text = "".join(pieces)
    for whole in (text, f'{{"response": "{text}"}}', f'["{text}'):
        with suppress(ValueError):
            lenient_json.loads(whole)


READERS: dict[str, Reader] = {
    "buffer_tokens(chars=40)": _operator(lambda: op.buffer_tokens(chars=40)),
    "buffer_tokens(count=5)": _operator(lambda: op.buffer_tokens(count=5)),
    "buffer_tokens(until='\\n')": _operator(lambda: op.buffer_tokens(until="\n")),
    "buffer_tokens(until='.')": _operator(lambda: op.buffer_tokens(until=".")),
    "buffer_tokens(until='aa', chars=10**6)": _operator(lambda: op.buffer_tokens(until="aa", chars=10**6)),
    "join_text": _operator(op.join_text),
    "markdown_blocks": _operator(op.markdown_blocks),
    "parse_json": _operator(op.parse_json),
    "parse_json(into=)": _operator(lambda: op.parse_json(into=lambda value: value)),
    "parse_json(each='a')": _operator(lambda: op.parse_json(each="a")),
    "smooth(unit='grapheme')": _operator(lambda: op.smooth(per_second=1e9, unit="grapheme")),
    "smooth(unit='word')": _operator(lambda: op.smooth(per_second=1e9)),
    "speakable": _operator(op.speakable),
    "speakable(pronounce=, tags=)": _operator(
        lambda: op.speakable(pronounce={"a": "", "a b": "B"}, tags=("a",), drop_tags=("b",))
    ),
    "split_sentences": _operator(op.split_sentences),
    "split_sentences('de', eager=True)": _operator(lambda: op.split_sentences("de", eager=True)),
    "split_sentences(max_chars=100)": _operator(
        lambda: op.split_sentences(max_chars=100, first_fragment=True)
    ),
    "split_sentences(tags=)": _operator(lambda: op.split_sentences(tags=("a", "think"))),
    "split_sentences, speakable": _operator(lambda: _spoken_sentences),
    "split_lines": _operator(op.split_lines),
    "split_thinking": _thinking,
    "split_words": _operator(op.split_words),
    "stop_at('END')": _operator(lambda: op.stop_at("END")),
    "stop_at('s', ignore_case=True)": _operator(lambda: op.stop_at("s", ignore_case=True)),
    "stop_at('a' * 99 + 'b', ...)": _operator(lambda: op.stop_at("a" * 99 + "b", "aab", "ssx", "\u0301x")),
    "throttle_latest": _operator(lambda: op.throttle_latest(1e-9)),
    "Console": _console,
    "Console, on a terminal": _console_on_terminal,
    "Console(markdown=True)": _console_with_markdown,
    "JsonLines": _json_lines,
    "lenient_json": _lenient_json,
}
"""All that reads text. `accumulate_text` is missing: each of its items is as long as the text so far."""


def _spoken_sentences(source: Observable[str]) -> Observable[str]:
    return op.speakable()(op.split_sentences()(source))


CUTS: dict[str, Callable[[str], list[str]]] = {
    "by characters": list,
    "by tokens": lambda text: [text[i : i + 4] for i in range(0, len(text), 4)],
    "as one piece": lambda text: [text],
}
"""How a text may come."""


def seconds(read: Reader, pieces: Sequence[str]) -> float:
    """Return the processor time that reading the pieces takes."""
    gc.disable()  # a collection would look at the pieces themselves
    try:
        began = process_time()
        read(pieces)
        return process_time() - began
    finally:
        gc.enable()


class Finding(NamedTuple):
    """A reader that reads a text at a cost that grows."""

    growth: float
    seconds: float
    length: int
    reader: str
    cut: str
    text: Text

    def __str__(self) -> str:
        place = f"{self.reader}, {self.cut}: {self.text}"
        return f"x{self.growth:<6.1f}{self.seconds:8.2f} s at {self.length:<8}{place}"


def growth(name: str, cut: str, text: Text) -> Finding | None:
    """Measure what ten times the text costs; None if it clearly is linear."""
    per_character, large = screened_growth(name, cut, text)
    if per_character < _SUSPICIOUS or large < LEAST_SECONDS / 4:
        return None
    if large > _MOST_SECONDS:
        return Finding(per_character * 10, large, _SCREENED[1], name, cut, text)
    small, large = (
        min(seconds(READERS[name], CUTS[cut](text.of_length(length))) for _ in range(2)) for length in LENGTHS
    )
    if large < LEAST_SECONDS or large / small <= BOUND:
        return None
    return Finding(large / small, large, LENGTHS[1], name, cut, text)


def screened_growth(name: str, cut: str, text: Text) -> tuple[float, float]:
    """Return the growth of a character's cost from a short text to a long one, and the cost of that."""
    small, large = (seconds(READERS[name], CUTS[cut](text.of_length(length))) for length in _SCREENED)
    return large / max(small, 1e-6) / (_SCREENED[1] / _SCREENED[0]), large


def worst(name: str) -> tuple[str, Text]:
    """Return the known text whose cost grows most for a reader, and how it comes."""
    return max(product(CUTS, KNOWN), key=lambda cut_and_text: screened_growth(name, *cut_and_text)[0])


def hunt(limit: float, seed: int, only: str) -> Iterator[Finding]:
    """Yield what is found. The known texts go to all readers, then new ones to one each, for some seconds."""
    names = [name for name in READERS if re.search(only, name)]
    choice = random.Random(seed)
    known = ((name, cut, text) for text in KNOWN for name in names for cut in CUTS)
    new = ((choice.choice(names), choice.choice(list(CUTS)), new_text(choice)) for _ in count())
    end = monotonic() + limit
    for name, cut, text in chain(known, takewhile(lambda _: monotonic() < end, new)):
        found = growth(name, cut, text)
        if found is not None:
            yield found


def new_text(choice: random.Random) -> Text:
    """Make a text at random."""
    unit, start, end = (
        "".join(choice.choices(FRAGMENTS, k=choice.randint(least, most)))
        for least, most in ((1, 3), (0, 2), (0, 2))
    )
    return Text(unit, start, end)


def main() -> None:
    """Hunt, and print what is found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="the readers whose name this pattern matches")
    arguments = parser.parse_args()
    found = 0
    for finding in hunt(arguments.seconds, arguments.seed, arguments.only):
        found += 1
        print(finding, flush=True)
    print(f"{found} found")
    sys.exit(found > 0)


if __name__ == "__main__":
    main()
