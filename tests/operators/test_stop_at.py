"""`stop_at` ends the text at the first stop word, however the text was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, of

from ollama_rx.operators import stop_at
from ollama_rx.operators._stop_at import _offsets_before_folding, _StopAt, _StopWords
from ollama_rx.rx.operator import Emitter
from ollama_rx.testing import check
from tests.operators.text_pieces import SIZES, cut, pieces, run


def test_a_stop_word_ends_the_text_and_closes_the_request() -> None:
    check(
        stop_at("END"),
        source="-a--b--c--d-|",
        expect="-x--y--|     ",
        life="  ^------!     ",
        a="Hi E",
        b="va, E",
        c="ND of",
        d="never seen",
        x="Hi ",
        y="Eva, ",
    )


def test_a_stop_word_cut_over_three_pieces_is_held_back_and_found() -> None:
    check(
        stop_at("END"),
        source="-a-b-c-d-|",
        expect="-x---|    ",
        life="  ^----!    ",
        a="Hi E",
        b="N",
        c="D",
        d="never seen",
        x="Hi ",
    )


def test_a_held_beginning_is_emitted_when_it_turns_out_to_be_text() -> None:
    check(
        stop_at("END"),
        source="-a-b-c-|",
        expect="-x---y-|",
        life="  ^------!",
        a="Hi E",
        b="N",
        c="VY",
        x="Hi ",
        y="ENVY",
    )


def test_with_include_the_stop_word_is_emitted_too() -> None:
    check(
        stop_at("END", include=True),
        source="-a-b   -c-|",
        expect="-x-(y|)    ",
        life="  ^--!       ",
        a="Hi E",
        b="ND of",
        c="never seen",
        x="Hi ",
        y="END",
    )


def test_text_before_the_stop_word_in_the_same_piece_is_emitted_with_completion() -> None:
    check(stop_at("END"), source="-a   -b-|", expect="-(x|)", life="^!", a="Hi END", b="never seen", x="Hi ")


def test_on_completion_held_text_is_emitted() -> None:
    check(stop_at("END"), source="-a-b-|   ", expect="-x---(y|)", a="Hi E", b="N", x="Hi ", y="EN")


def test_an_error_drops_held_text() -> None:
    check(stop_at("END"), source="-a-b-#", expect="-x---#", life="^----!", a="Hi E", b="N", x="Hi ")


def test_cancel_unsubscribes_from_the_source_and_drops_held_text() -> None:
    check(stop_at("END"), source="-a-b-c-|", expect="-x--!", life="^---!", a="Hi E", b="N", c="VY", x="Hi ")


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
def test_a_stop_word_is_found_after_text_that_begins_like_it(size: int) -> None:
    assert "".join(run(stop_at("</answer>"), cut("a < b </answe </answer> c", size))) == "a < b </answe "


@pytest.mark.parametrize("size", SIZES)
def test_a_stop_word_is_found_after_its_own_beginning_repeated(size: int) -> None:
    assert "".join(run(stop_at("aab"), cut("aaaaabx", size))) == "aaa"


def test_only_text_that_may_still_become_a_stop_word_is_held_back() -> None:
    emitted: list[str] = []
    machine = _StopAt(Emitter(emitted.append), _StopWords(["END"], fold=False), include=False)
    machine.feed("Hi E")
    machine.feed("N")
    assert emitted == ["Hi "]
    machine.feed("VY E")
    assert emitted == ["Hi ", "ENVY "]


def test_pieces_without_a_stop_word_pass_unchanged_and_empty_ones_are_dropped() -> None:
    assert run(stop_at("END"), ["Hi ", "", "you"]) == ["Hi ", "you"]


def test_a_stop_word_inside_a_held_beginning_is_found_on_completion() -> None:
    assert run(stop_at("abc", "b"), ["xab"]) == ["x", "a"]
    assert run(stop_at("abc", "b", include=True), ["xab"]) == ["x", "ab"]


def test_the_stop_word_that_starts_first_ends_the_text() -> None:
    assert run(stop_at("abc", "b"), ["xab", "c"]) == ["x"]


def test_the_shorter_of_two_stop_words_that_start_together_is_found() -> None:
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
def test_ignore_case_compares_by_full_case_folding(size: int, word: str, text: str, before: str) -> None:
    assert "".join(run(stop_at(word, ignore_case=True), cut(text, size))) == before


def test_the_offsets_in_folded_text_are_looked_up_and_not_searched_for() -> None:
    offsets = _offsets_before_folding("aßb")
    assert offsets == {0: 0, 1: 1, 3: 2, 4: 3}  # a dict: "ß" * 10_000 asks 10 000 times


@pytest.mark.parametrize("size", SIZES)
def test_a_stop_word_is_found_after_text_that_begins_like_it_over_and_over(size: int) -> None:
    word = "a" * 299 + "b"
    assert "".join(run(stop_at(word, "\u0301x"), cut("a" * 2000 + "bc", size))) == "a" * 1701
    folded = stop_at("s" * 298 + "b", ignore_case=True)
    assert "".join(run(folded, cut("ß" * 800 + "bc", size))) == "ß" * 651


def test_case_matters_by_default() -> None:
    assert run(stop_at("END"), ["the end"]) == ["the end"]


def test_an_included_word_keeps_its_own_spelling() -> None:
    assert "".join(run(stop_at("ss", ignore_case=True, include=True), ["Gruß an"])) == "Gruß"


def test_nothing_is_emitted_after_the_stop_word_even_if_more_text_is_fed() -> None:
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


def test_the_stream_completes_once_at_the_first_of_two_stop_words() -> None:
    seen: list[str] = []
    source: Observable[str] = of("a", "END", "b", "END")
    source.pipe(stop_at("END")).subscribe(seen.append, on_completed=lambda: seen.append("|"))
    assert seen == ["a", "|"]


@pytest.mark.parametrize(
    ("words", "error"),
    [((), ValueError), (("",), ValueError), (("x" * 301,), ValueError), ((3,), TypeError)],
)
def test_invalid_stop_words_are_refused_when_the_operator_is_built(
    words: tuple[str, ...], error: type
) -> None:
    with pytest.raises(error, match="words"):
        stop_at(*words)


def test_the_longest_allowed_word_is_found_in_single_characters() -> None:
    word = "ab" * 150
    assert "".join(run(stop_at(word), "x" + word + "y")) == "x"
