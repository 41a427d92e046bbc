"""`capture_context` stores the context of a finished answer in a box."""

import pytest
from reactivex import of

from ollama_rx import Chunk, ContextBox
from ollama_rx.operators import capture_context
from ollama_rx.testing import check
from tests.operators.text_pieces import run

FIRST = Chunk({"response": "Hi", "done": False})
LAST = Chunk({"response": "", "done": True, "context": [1, 2, 3]})


def test_chunks_pass_and_the_last_one_fills_the_box() -> None:
    box = ContextBox()
    check(capture_context(box), source="-a--b--c-|", expect="-a--b--c-|", a=FIRST, b=FIRST, c=LAST)
    assert box.value == (1, 2, 3)


def test_an_error_passes_and_leaves_the_box_unchanged() -> None:
    box = ContextBox((9,))
    check(capture_context(box), source="-a--b-#", expect="-a--b-#", a=FIRST, b=FIRST, life="^-----!")
    assert box.value == (9,)


def test_cancel_reaches_the_source_and_leaves_the_box_unchanged() -> None:
    box = ContextBox((9,))
    check(capture_context(box), source="-a--b--c-|", expect="-a--b!", a=FIRST, b=FIRST, c=LAST, life="^----!")
    assert box.value == (9,)


def test_the_last_context_replaces_the_one_before() -> None:
    box = ContextBox((9,))
    assert run(capture_context(box), [FIRST, LAST]) == [FIRST, LAST]
    assert box.value == (1, 2, 3)


@pytest.mark.parametrize("chunks", [[], [FIRST], [FIRST, Chunk({"response": "", "done": True})]])
def test_a_stream_without_a_context_leaves_the_box_unchanged(chunks: list[Chunk]) -> None:
    box = ContextBox((9,))
    run(capture_context(box), chunks)
    assert box.value == (9,)


def test_the_box_is_filled_before_the_chunk_is_passed_on() -> None:
    box = ContextBox()
    seen: list[object] = []
    of(FIRST, LAST).pipe(capture_context(box)).subscribe(lambda _: seen.append(box.value))
    assert seen == [None, (1, 2, 3)]


def test_a_box_can_be_cleared_and_its_repr_gives_the_number_of_tokens() -> None:
    box = ContextBox((1, 2))
    assert repr(box) == "<ContextBox 2 tokens>"
    box.clear()
    assert (box.value, repr(box)) == (None, "<ContextBox empty>")


def test_a_value_that_is_not_a_box_is_refused() -> None:
    with pytest.raises(TypeError, match="box"):
        capture_context([])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
