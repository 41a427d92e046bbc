"""`join_text` emits the whole text once, at the end."""

from hypothesis import given
from reactivex import of

from ollama_rx import Chunk
from ollama_rx import operators as op
from ollama_rx.operators import join_text
from ollama_rx.testing import check
from tests.operators.text_pieces import pieces, run


def test_the_whole_text_is_emitted_at_the_end() -> None:
    check(
        join_text(),
        source="-a--b--c-|   ",
        expect="---------(x|)",
        a="Hel",
        b="lo ",
        c="you",
        x="Hello you",
    )


def test_an_empty_stream_gives_the_empty_text() -> None:
    check(join_text(), source="---|", expect="---(x|)", x="")


def test_an_error_passes_and_nothing_is_emitted() -> None:
    check(join_text(), source="-a-b-#", expect="-----#", life="^----!")


def test_cancel_reaches_the_source_and_nothing_is_emitted() -> None:
    check(join_text(), source="-a-b-c-|", expect="----!", life="^---!")


def test_an_answer_that_only_calls_tools_gives_the_empty_text() -> None:
    call = Chunk({"message": {"content": "", "tool_calls": [{"function": {"name": "f"}}]}})
    done = Chunk({"message": {"content": ""}, "done": True})
    assert of(call, done).pipe(op.text(), join_text()).run() == ""


@given(pieces)
def test_any_cutting_gives_the_same_text(cuts: list[str]) -> None:
    assert run(join_text(), cuts) == ["".join(cuts)]
