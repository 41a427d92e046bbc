"""The context of a finished answer lands in its box."""

import pytest
from reactivex import Observable, of

from ollama_rx import Chunk, ContextBox
from ollama_rx.operators import capture_context
from tests.operators.text_pieces import run

FIRST = Chunk({"response": "Hi", "done": False})
LAST = Chunk({"response": "", "done": True, "context": [1, 2, 3]})


def test_the_last_context_replaces_the_one_before() -> None:
    box = ContextBox((9,))
    assert run(capture_context(box), [FIRST, LAST]) == [FIRST, LAST]
    assert box.value == (1, 2, 3)


@pytest.mark.parametrize("chunks", [[], [FIRST], [FIRST, Chunk({"response": "", "done": True})]])
def test_a_stream_without_context_leaves_the_box(chunks: list[Chunk]) -> None:
    box = ContextBox((9,))
    run(capture_context(box), chunks)
    assert box.value == (9,)


def test_the_box_is_filled_before_the_chunk_goes_on() -> None:
    box = ContextBox()
    seen: list[object] = []
    capture_context(box)(_source()).subscribe(lambda _: seen.append(box.value))
    assert seen == [None, (1, 2, 3)]


def _source() -> Observable[Chunk]:
    return of(FIRST, LAST)


def test_a_box_can_be_cleared_and_tells_what_it_holds() -> None:
    box = ContextBox((1, 2))
    assert repr(box) == "<ContextBox 2 tokens>"
    box.clear()
    assert (box.value, repr(box)) == (None, "<ContextBox empty>")


def test_anything_but_a_box_is_refused() -> None:
    with pytest.raises(TypeError, match="box"):
        capture_context([])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
