"""A stop word ends the text in the same place however the text was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, of

from ollama_rx.operators import stop_at
from ollama_rx.operators._stop_at import _StopAt, _StopWords
from ollama_rx.rx.operator import Emitter
from tests.operators.text_pieces import SIZES, cut, pieces, run


def expected(text: str, words: tuple[str, ...], *, include: bool = False) -> str:
    starts = [(text.find(word), len(word)) for word in words if word in text]
    if not starts:
        return text
    start, length = min(starts)
    return text[: start + length if include else start]


@given(
    pieces,
    st.sampled_from([("END",), ("a b", "b"), ("aab", "ab"), ("e\u0301",), ("👩\u200d", "日本")]),
    st.booleans(),
)
def test_the_text_ends_before_the_first_stop_word_however_it_is_cut(
    cuts: list[str],
    words: tuple[str, ...],
    include: bool,  # noqa: FBT001
) -> None:
    found = "".join(run(stop_at(*words, include=include), cuts))
    assert found == expected("".join(cuts), words, include=include)


@pytest.mark.parametrize("size", SIZES)
def test_a_word_over_many_pieces_is_found(size: int) -> None:
    assert "".join(run(stop_at("</answer>"), cut("a < b </answe </answer> c", size))) == "a < b </answe "


@pytest.mark.parametrize("size", SIZES)
def test_a_repeated_beginning_is_no_trap(size: int) -> None:
    assert "".join(run(stop_at("aab"), cut("aaaaabx", size))) == "aaa"


def test_only_what_can_still_become_a_stop_word_is_held_back() -> None:
    emitted: list[str] = []
    machine = _StopAt(Emitter(emitted.append), _StopWords(["END"], fold=False), include=False)
    machine.feed("Hi E")
    machine.feed("N")
    assert emitted == ["Hi "]
    machine.feed("VY E")
    assert emitted == ["Hi ", "ENVY "]


def test_pieces_without_a_stop_word_pass_as_they_are() -> None:
    assert run(stop_at("END"), ["Hi ", "", "you"]) == ["Hi ", "you"]


def test_held_text_comes_out_on_completion() -> None:
    assert run(stop_at("END"), ["Hi E", "N"]) == ["Hi ", "EN"]


def test_a_word_inside_a_held_beginning_is_found_on_completion() -> None:
    assert run(stop_at("abc", "b"), ["xab"]) == ["x", "a"]
    assert run(stop_at("abc", "b", include=True), ["xab"]) == ["x", "ab"]


def test_the_word_that_starts_first_wins() -> None:
    assert run(stop_at("abc", "b"), ["xab", "c"]) == ["x"]


def test_include_keeps_the_stop_word() -> None:
    assert run(stop_at("END", include=True), ["Hi E", "ND of"]) == ["Hi ", "END"]


def test_of_two_words_that_start_together_the_shorter_one_counts() -> None:
    assert run(stop_at("stopping", "stop", include=True), ["we stopping"]) == ["we stop"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("word", "text", "before"),
    [
        ("end", "The END.", "The "),
        ("STRASSE", "Die Straße hier", "Die "),
        ("straße", "Die STRASSE hier", "Die "),
        ("Σ", "ὀδυσσεύς", "ὀδυ"),
        ("i̇x", "aİx", "a"),
        ("so", "ßo so", "ßo "),
        ("ßx", "ẞẞẞx", "ẞẞ"),
    ],
)
def test_case_is_ignored_by_full_folding(size: int, word: str, text: str, before: str) -> None:
    assert "".join(run(stop_at(word, ignore_case=True), cut(text, size))) == before


def test_case_counts_unless_told_otherwise() -> None:
    assert run(stop_at("END"), ["the end"]) == ["the end"]


def test_an_included_word_keeps_its_own_spelling() -> None:
    assert "".join(run(stop_at("ss", ignore_case=True, include=True), ["Gruß an"])) == "Gruß"


def test_nothing_comes_after_the_end_even_if_the_machine_is_fed() -> None:
    emitted: list[str] = []
    ends: list[bool] = []
    machine = _StopAt(
        Emitter(emitted.append, complete=lambda: ends.append(True)),
        _StopWords(["END"], fold=False),
        include=False,
    )
    for piece in ("aEND", "b", "END", "E"):
        machine.feed(piece)
    machine.flush()
    assert (emitted, ends) == (["a"], [True])


def test_the_end_completes_once_and_leaves_the_rest_unread() -> None:
    seen: list[str] = []
    source: Observable[str] = of("a", "END", "b", "END")
    source.pipe(stop_at("END")).subscribe(seen.append, on_completed=lambda: seen.append("|"))
    assert seen == ["a", "|"]


@pytest.mark.parametrize(
    ("words", "error"),
    [((), ValueError), (("",), ValueError), (("x" * 301,), ValueError), ((3,), TypeError)],
)
def test_wrong_words_are_refused_when_the_operator_is_built(words: tuple[str, ...], error: type) -> None:
    with pytest.raises(error, match="words"):
        stop_at(*words)


def test_the_longest_allowed_word_is_found_in_single_characters() -> None:
    word = "ab" * 150
    assert "".join(run(stop_at(word), "x" + word + "y")) == "x"
