"""`accumulate_text` emits the whole text so far for each piece."""

from hypothesis import given

from ollama_rx.operators import accumulate_text
from ollama_rx.testing import check
from tests.operators.text_pieces import pieces, run


def test_each_piece_gives_the_text_so_far() -> None:
    check(
        accumulate_text(),
        source="-a--b--c-|",
        expect="-x--y--z-|",
        a="Hel",
        b="lo ",
        c="you",
        x="Hel",
        y="Hello ",
        z="Hello you",
    )


def test_an_error_passes_and_emits_nothing_more() -> None:
    check(accumulate_text(), source="-a-b-#", expect="-a-x-#", x="ab", life="^----!")


def test_cancel_reaches_the_source() -> None:
    check(accumulate_text(), source="-a-b-c-|", expect="-a-x!", x="ab", life="^---!")


@given(pieces)
def test_any_cutting_gives_the_text_so_far(cuts: list[str]) -> None:
    assert run(accumulate_text(), cuts) == ["".join(cuts[: i + 1]) for i in range(len(cuts))]
