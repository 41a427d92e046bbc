"""The running text always is all that has arrived."""

from hypothesis import given

from ollama_rx.operators import accumulate_text
from tests.operators.text_pieces import pieces, run


@given(pieces)
def test_each_item_is_the_text_so_far(cuts: list[str]) -> None:
    assert run(accumulate_text(), cuts) == ["".join(cuts[: i + 1]) for i in range(len(cuts))]
