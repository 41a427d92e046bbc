"""Words come out whole however the text was cut."""

import pytest
from reactivex import of
from reactivex import operators as ops

from ollama_rx.operators import split_words

TEXT = "  Hello, wörld  and\n日本 👩‍👩‍👧 ok "


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_any_cutting_gives_the_same_words(size: int) -> None:
    pieces = [TEXT[i : i + size] for i in range(0, len(TEXT), size)]
    found = of(*pieces).pipe(split_words(), ops.to_list()).run()
    assert found == TEXT.split()
