"""Cuttings are many and keep the text, and operators that depend on them are found."""

import pytest
from reactivex import operators as ops

from ollama_rx.operators import split_words
from ollama_rx.testing import check_any_cutting, cuttings, rechunk

TEXT = "Hello, wörld 日本 👩‍👩‍👧 e\u0301 ok."


def test_rechunking_keeps_the_text() -> None:
    assert rechunk(TEXT, 7)[0] == TEXT[:7]
    assert "".join(rechunk(TEXT, 7)) == TEXT
    assert rechunk("", 3) == []
    with pytest.raises(ValueError, match=r"^size: expected a whole number of at least 1, got 0$"):
        rechunk(TEXT, 0)


@pytest.mark.parametrize("text", ["", "a", TEXT, TEXT * 30])
def test_every_cutting_keeps_the_text(text: str) -> None:
    assert {"".join(pieces) for pieces in cuttings(text)} == {text}


def test_short_texts_are_cut_at_every_place() -> None:
    found = list(cuttings(TEXT))
    assert all([TEXT[:place], TEXT[place:]] in found for place in range(1, len(TEXT)))
    assert any("" in pieces for pieces in found)


def test_the_cuttings_are_the_same_in_every_run() -> None:
    assert list(cuttings(TEXT)) == list(cuttings(TEXT))


def test_an_operator_that_does_not_depend_on_the_cutting_passes() -> None:
    assert check_any_cutting(split_words(), TEXT) == TEXT.split()


def test_an_operator_that_depends_on_the_cutting_fails_with_the_pieces() -> None:
    with pytest.raises(AssertionError, match=r"\['a', 'b'\] gives \['A', 'B'\], but the whole text gives"):
        check_any_cutting(ops.map(str.upper), "ab")


def test_the_comparison_can_be_chosen() -> None:
    assert check_any_cutting(ops.map(str.upper), "ab", compare="".join) == ["AB"]
