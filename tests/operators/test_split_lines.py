"""Lines come out whole however the text was cut."""

import pytest
from hypothesis import given

from ollama_rx.operators import split_lines
from tests.operators.text_pieces import SIZES, TEXT, cut, pieces, run


def expected(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [line.removesuffix("\r") for line in lines] + ([last] if last else [])


@given(pieces)
def test_any_cutting_gives_the_same_lines(cuts: list[str]) -> None:
    assert run(split_lines(), cuts) == expected("".join(cuts))


@pytest.mark.parametrize("size", SIZES)
def test_a_break_of_two_characters_may_be_cut(size: int) -> None:
    assert run(split_lines(), cut(TEXT, size)) == expected(TEXT)


def test_a_lone_carriage_return_and_unicode_separators_stay_in_their_line() -> None:
    assert run(split_lines(), ["a\rb\u2028c\x85d\n"]) == ["a\rb\u2028c\x85d"]
