"""`split_lines` emits whole lines, however the text was cut."""

import pytest
from hypothesis import given

from ollama_rx.operators import split_lines
from ollama_rx.testing import check
from tests.operators.text_pieces import SIZES, TEXT, cut, pieces, run


def test_a_line_is_emitted_when_its_break_arrives() -> None:
    check(
        split_lines(),
        source="-a--b    ---c-|   ",
        expect="----(xyz)-----(w|)",
        a="one\r",
        b="\ntwo\n\n",
        c="three",
        x="one",
        y="two",
        z="",
        w="three",
    )


def test_an_error_drops_the_unfinished_line() -> None:
    check(split_lines(), source="-a-b-#", expect="-x---#", a="one\ntw", b="o", x="one")


def test_on_completion_the_last_line_is_emitted_unless_it_is_empty() -> None:
    check(split_lines(), source="-a-b-|   ", expect="-----(x|)", a="o", b="ne", x="one")
    check(split_lines(), source="-a-b-|", expect="---x-|", a="o", b="ne\n", x="one")


def test_cancel_unsubscribes_from_the_source_and_drops_the_unfinished_line() -> None:
    check(split_lines(), source="-a-b-c-|", expect="-x--!", life="^---!", a="one\ntw", b="o", c="\n", x="one")


def expected(text: str) -> list[str]:
    *lines, last = text.split("\n")
    return [line.removesuffix("\r") for line in lines] + ([last] if last else [])


@given(pieces)
def test_any_cutting_gives_the_same_lines(cuts: list[str]) -> None:
    assert run(split_lines(), cuts) == expected("".join(cuts))


@pytest.mark.parametrize("size", SIZES)
def test_a_break_of_two_characters_may_be_cut_in_two(size: int) -> None:
    assert run(split_lines(), cut(TEXT, size)) == expected(TEXT)


def test_a_lone_carriage_return_and_unicode_separators_stay_in_their_line() -> None:
    assert run(split_lines(), ["a\rb\u2028c\x85d\n"]) == ["a\rb\u2028c\x85d"]
