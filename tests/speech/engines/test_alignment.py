"""The alignment of what was expected with what is said."""

from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.speech.engines.alignment import align

symbols = st.text("ab ", max_size=30)


@given(symbols)
def test_what_is_said_as_expected_corresponds_symbol_by_symbol(text: str) -> None:
    assert align(text, text) == list(range(len(text) + 1))


@given(symbols, symbols)
def test_the_numbers_only_rise_and_end_with_all_that_is_said(expected: str, said: str) -> None:
    reached = align(expected, said)
    assert len(reached) == len(expected) + 1
    assert reached == sorted(reached)
    assert reached[0] >= 0
    assert reached[-1] == len(said)


def test_a_different_sound_takes_the_place_of_the_expected_one() -> None:
    assert align("abcd", "abxd") == [0, 1, 2, 3, 4]


def test_a_missing_sound_corresponds_to_nothing() -> None:
    assert align("abcd", "abd") == [0, 1, 2, 2, 3]


def test_an_additional_sound_belongs_to_the_one_before() -> None:
    assert align("abcd", "abxcd") == [0, 1, 3, 4, 5]


def test_a_missing_pause_is_a_smaller_difference_than_a_different_sound() -> None:
    assert align("a b", "ab") == [0, 1, 1, 2]


def test_a_difference_at_the_beginning_of_a_long_text_does_not_displace_its_end() -> None:
    text = "abc de " * 300
    reached = align("x" * 40 + text, text + "y")
    assert reached[-len(text) :] == [*range(1, len(text)), len(text) + 1]


def test_a_text_that_is_much_longer_than_expected_is_aligned_too() -> None:
    reached = align("abc", "x" * 1_000)
    assert reached == sorted(reached)
    assert reached[-1] == 1_000
