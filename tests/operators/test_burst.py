"""What comes in one read gives the same as what comes one by one, for everybody in the chain."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, abc

from ollama_rx import operators as op
from ollama_rx.chunks import Chunk
from ollama_rx.operators._burst import eventful, whole_before
from ollama_rx.operators._life import Life
from ollama_rx.operators._through import Out, Stream, Tap, through
from ollama_rx.stats import Stats

_TEXT = " The| end|.|\n| E|N|D|END| x<|END>| Dr|. Lee|?| 3.|5|。|…"
PIECES = st.sampled_from(["", *_TEXT.split("|")])


class Source(Stream[Chunk]):
    """Sends chunks when it is told to, singly or many at once, as a request does."""

    def attach(self, down: Tap[Chunk], life: Life) -> None:
        life.root(down.on_error, down.on_completed)
        self.down, self.life = down, life

    def send(self, chunks: list[Chunk]) -> None:
        absorb = self.down.absorb if len(chunks) > 1 else None  # a single one goes its own way
        for chunk in chunks if absorb is None else eventful(chunks, absorb):
            try:
                self.down.on_next(chunk)
            except ValueError as error:
                with suppress(ValueError):  # raised while the stream was ending: nobody is left to tell
                    self.life.raised(error)
            if self.life.over:
                return


@dataclass
class Seen:
    """What the end of a chain saw, and what its first operator had seen by then."""

    leaves_at: int = 1000
    raises: bool = False
    sentences: list[str] = field(default_factory=list[str])
    ends: list[object] = field(default_factory=list[object])
    stats: list[Stats] = field(default_factory=list[Stats])
    subscription: abc.DisposableBase | None = None

    def take(self, sentence: str) -> None:
        self.sentences.append(sentence)
        if len(self.sentences) == self.leaves_at:
            if self.raises:
                raise ValueError("enough")
            assert self.subscription is not None
            self.subscription.dispose()

    @property
    def all(self) -> list[object]:
        figures = [(each.chunks, each.characters, each.ended_by, each.metrics) for each in self.stats]
        timed = [each.time_to_first_text is not None for each in self.stats]
        return [self.sentences, [type(end) for end in self.ends], figures, timed]


def pipeline(source: Source, seen: Seen, **options: Any) -> Observable[str]:
    return source.pipe(
        op.gather_stats(seen.stats.append),
        op.chunk_text(),
        op.stop_at("END", ignore_case=options.pop("ignore_case", False)),
        op.split_sentences(**options),
    )


def run(pieces: list[str], at_once: int, seen: Seen, **options: Any) -> list[object]:
    source = Source()
    seen.subscription = pipeline(source, seen, **options).subscribe(
        seen.take, seen.ends.append, lambda: seen.ends.append(None)
    )
    chunks = [Chunk({"response": piece, "done": False}) for piece in pieces]
    for start in range(0, len(chunks), at_once):
        source.send(chunks[start : start + at_once])
    with suppress(ValueError):
        source.life.complete()
    return seen.all


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"eager": True},
        {"first_fragment": True, "min_chars": 5},
        {"max_chars": 12},
        {"strip": False, "ignore_case": True},
        {"idle": 1.0},
    ],
    ids=str,
)
@given(
    pieces=st.lists(PIECES, max_size=60),
    at_once=st.integers(2, 60),
    leaves_at=st.integers(1, 5),
    raises=st.booleans(),
)
def test_a_burst_gives_what_its_items_give(
    options: dict[str, Any], pieces: list[str], at_once: int, leaves_at: int, *, raises: bool
) -> None:
    singly, together = Seen(leaves_at, raises), Seen(leaves_at, raises)
    assert run(pieces, at_once, together, **options) == run(pieces, 1, singly, **options)


def test_quiet_items_are_taken_together() -> None:
    offered: list[int] = []

    def absorb(items: list[int]) -> int:
        offered.append(len(items))
        return next((place for place, item in enumerate(items) if item % 10 == 0), len(items))

    assert list(eventful(list(range(1, 41)), absorb)) == [10, 20, 30, 40]
    assert sum(offered) < 100
    assert list(eventful(list[int](), absorb)) == []


@pytest.mark.parametrize(("position", "count"), [(0, 0), (1, 0), (2, 1), (4, 2), (5, 3), (9, 3)])
def test_pieces_before_a_position_are_whole(position: int, count: int) -> None:
    assert whole_before(["ab", "cd", "e"], position) == count


def test_who_relays_needs_somebody_who_absorbs() -> None:
    class Relaying:
        def __init__(self, out: Out[str]) -> None:
            self.feed = out.emit
            self.relay = out.absorb

    source = Source()
    source.pipe(op.chunk_text(), through(Relaying)).subscribe()
    assert source.down.absorb is None
    source.pipe(op.chunk_text(), through(Relaying), op.split_sentences()).subscribe()
    assert source.down.absorb is not None
    assert source.down.absorb([Chunk({"response": text}) for text in ("a", "b", "", "c")]) == 2


def test_a_machine_tested_bare_absorbs_nothing() -> None:
    assert Out[str](print).absorb(["a"]) == 0
