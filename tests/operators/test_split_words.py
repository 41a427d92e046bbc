"""`split_words` emits whole words, however the text was cut."""

import pytest

from ollama_rx.operators import split_words
from ollama_rx.testing import check
from tests.operators.text_pieces import SIZES, cut, run

TEXT = "  Hello, wörld  and\n日本 👩‍👩‍👧 ok "


def test_a_word_is_emitted_when_the_character_after_it_arrives() -> None:
    check(
        split_words(),
        source="-a--b---c-|   ",
        expect="----x-----(y|)",
        a="Hel",
        b="lo, wor",
        c="ld!",
        x="Hello,",
        y="world!",
    )


def test_one_piece_can_hold_several_words() -> None:
    check(
        split_words(),
        source="-a    -b-|   ",
        expect="-(xyz)---(w|)",
        a="a b c d",
        b="e",
        x="a",
        y="b",
        z="c",
        w="de",
    )


def test_an_error_drops_the_unfinished_word() -> None:
    check(split_words(), source="-a-b-#", expect="-x---#", a="Hello wor", b="ld", x="Hello")


def test_white_space_alone_gives_no_word() -> None:
    check(split_words(), source="-a-b-|", expect="-----|", a=" ", b="\n")


def test_cancel_unsubscribes_from_the_source_and_drops_the_unfinished_word() -> None:
    check(
        split_words(),
        source="-a-b-c-|",
        expect="-x--!",
        life="^---!",
        a="Hello wor",
        b="ld",
        c=" ",
        x="Hello",
    )


@pytest.mark.parametrize("size", SIZES)
def test_any_cutting_gives_the_same_words(size: int) -> None:
    assert run(split_words(), cut(TEXT, size)) == TEXT.split()
