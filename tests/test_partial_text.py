"""The end of a text is kept, in bounded memory."""

import tracemalloc

import pytest

from ollama_rx.partial_text import MAX_PARTIAL, PartialText


def test_a_text_up_to_the_limit_is_kept_whole() -> None:
    partial = PartialText()
    assert partial.text == ""
    for piece in ("Hel", "lo", "x" * (MAX_PARTIAL - 5)):
        partial.append(piece)
    assert partial.text == "Hello" + "x" * (MAX_PARTIAL - 5)


@pytest.mark.parametrize("size", [1000, MAX_PARTIAL - 1, MAX_PARTIAL, MAX_PARTIAL + 1, 3 * MAX_PARTIAL])
def test_of_a_longer_text_the_end_is_kept_after_an_ellipsis(size: int) -> None:
    partial, whole = PartialText(), ""
    while len(whole) <= 3 * MAX_PARTIAL:
        piece = f"{len(whole):08}" * (size // 8) + "y" * (size % 8)
        partial.append(piece)
        whole += piece
        assert partial.text == (whole if len(whole) <= MAX_PARTIAL else "…" + whole[-MAX_PARTIAL:])


def test_memory_is_bounded() -> None:
    partial, piece = PartialText(), "0123456789" * 100
    tracemalloc.start()
    try:
        for _ in range(20 * MAX_PARTIAL // len(piece)):
            partial.append(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * MAX_PARTIAL
