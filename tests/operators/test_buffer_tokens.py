"""`buffer_tokens` joins pieces of text; no text is lost and no grapheme is cut."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icu4py.breakers import CharacterBreaker
from reactivex import Observable

from ollama_rx.operators import buffer_tokens
from ollama_rx.operators._buffer_tokens import _BufferTokens
from ollama_rx.operators._graphemes import is_boundary
from ollama_rx.rx import Emitter
from ollama_rx.testing import check, check_any_cutting
from tests.operators.counting_cursor import CountingCursor
from tests.operators.text_pieces import TEXT, pieces, run

Operator = Callable[[Observable[str]], Observable[str]]


def test_count_joins_so_many_pieces_and_emits_them_when_the_next_one_arrives() -> None:
    check(buffer_tokens(count=2), source="-a-b-c---d-|", expect="-----x-----(y|)", x="ab", y="cd")


def test_seconds_limits_how_long_a_piece_is_held() -> None:
    check(buffer_tokens(seconds=3), source="-a-b-c---d-|", expect="----x---c--(d|)", x="ab")


def test_an_error_drops_the_rest_and_stops_the_timer() -> None:
    check(buffer_tokens(seconds=3), source="-a#", expect="--#", life="^-!")


def test_completion_emits_the_rest() -> None:
    check(buffer_tokens(count=9), source="-a-b-|", expect="-----(x|)", x="ab", life="^----!")


def test_cancel_reaches_the_source_and_stops_the_timer() -> None:
    check(buffer_tokens(seconds=3), source="-ab------|", expect="--!", life="^-!")


def test_a_full_piece_that_ends_with_a_line_break_is_emitted_at_once() -> None:
    check(buffer_tokens(count=2), source="-a-b-c|", expect="---x--(c|)", b="\n", x="a\n")


def test_a_character_that_a_mark_could_continue_waits_for_at_most_one_more_interval() -> None:
    check(
        buffer_tokens(seconds=3),
        source="-ab-----c-----|",
        expect="----x--y---z--|",
        a="日",
        b="本",
        c="語",
        x="日",
        y="本",
        z="語",
    )


def test_the_first_limit_that_is_reached_ends_a_piece_and_restarts_the_timer() -> None:
    check(
        buffer_tokens(count=3, seconds=4),
        source="-abcd--e-----|",
        expect="----x---y----|",
        x="abc",
        y="de",
    )


def boundaries(text: str) -> set[int]:
    ends, end = {0}, 0
    for grapheme in CharacterBreaker(text, "en"):
        end += len(grapheme)
        ends.add(end)
    return ends


def ends(parts: list[str]) -> set[int]:
    found, end = set[int](), 0
    for part in parts:
        end += len(part)
        found.add(end)
    return found


@given(pieces, st.integers(1, 5))
def test_chars_limits_each_piece_at_a_grapheme_boundary(cuts: list[str], chars: int) -> None:
    text = "".join(cuts)
    found = run(buffer_tokens(chars=chars), cuts)
    assert "".join(found) == text
    assert ends(found) <= boundaries(text)
    for piece, following in pairwise(found):
        assert len(piece) <= chars or all(not is_boundary(piece, i) for i in range(1, len(piece)))
        assert len(piece) >= chars or not is_boundary(piece + following, chars)
    assert found == run(buffer_tokens(chars=chars), [text]) == run(buffer_tokens(chars=chars), text)


@given(pieces, st.integers(1, 4))
def test_counted_pieces_end_at_grapheme_boundaries(cuts: list[str], count: int) -> None:
    found = run(buffer_tokens(count=count), cuts)
    assert "".join(found) == "".join(cuts)
    assert ends(found) <= boundaries("".join(cuts))


@given(pieces, st.sampled_from(["\n", "\r\n", ".", "ND", "。", "aa", "👩"]), st.none() | st.integers(1, 6))
def test_any_cutting_gives_the_same_pieces_with_a_text_for_until(
    cuts: list[str], until: str, chars: int | None
) -> None:
    text = "".join(cuts)
    found = run(buffer_tokens(until=until, chars=chars), cuts)
    assert found == run(buffer_tokens(until=until, chars=chars), [text])
    assert found == run(buffer_tokens(until=until, chars=chars), text)
    assert "".join(found) == text
    assert ends(found) <= boundaries(text)


@pytest.mark.parametrize(
    "build",
    [
        lambda: buffer_tokens(chars=4),
        lambda: buffer_tokens(until="\n"),
        lambda: buffer_tokens(chars=9, until=". "),
    ],
)
def test_difficult_text_gives_the_same_pieces_in_any_cutting(build: Callable[[], Operator]) -> None:
    assert "".join(check_any_cutting(build(), TEXT)) == TEXT


def test_until_ends_pieces_right_after_it() -> None:
    assert run(buffer_tokens(until="--"), ["a-", "-b---", "c"]) == ["a--", "b--", "-c"]


def test_until_does_not_match_a_text_that_a_combining_mark_continues() -> None:
    assert run(buffer_tokens(until="。"), ["a。", "\u0301b。", "\u0301c。d"]) == [
        "a。\u0301b。\u0301c。",
        "d",
    ]
    assert run(buffer_tokens(until="。"), ["a。\u0301b。c"]) == ["a。\u0301b。", "c"]
    assert run(buffer_tokens(until="。"), ["a。\u0301🇩", "🇪。", "d"]) == ["a。\u0301🇩🇪。", "d"]


def test_until_takes_a_function_of_a_token() -> None:
    found = run(buffer_tokens(until=lambda token: token.endswith(".")), ["It ", "is.", " So", "."])
    assert found == ["It is.", " So."]


def test_a_full_piece_takes_the_rest_of_its_last_grapheme() -> None:
    assert run(buffer_tokens(count=1), ["e", "\u0301", "\u0302x", "y"]) == ["e\u0301\u0302", "x", "y"]


@pytest.mark.parametrize("unit", ["\u0301", "。\u0301", "🇩", "👩\u200d", "क\u094d", "日"])
@pytest.mark.parametrize(
    "limits",
    [{"count": 5}, {"chars": 4}, {"until": "。"}, {"until": "🇩"}, {"until": "\u0301", "chars": 10**6}],
)
def test_each_character_is_looked_at_a_few_times_however_long_a_piece_or_a_grapheme_gets(
    unit: str, limits: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.operators._buffer_tokens.GraphemeCursor", CountingCursor)
    monkeypatch.setattr(CountingCursor, "looked_at", 0)
    text = unit * 1000
    assert "".join(run(buffer_tokens(**limits), text)) == text
    assert CountingCursor.looked_at <= 4 * len(text)


def test_a_long_piece_is_joined_when_it_is_emitted_and_not_before() -> None:
    parts = "a" + "。\u0301" * 100
    machine = _BufferTokens(Emitter(lambda _: None), None, None, None, "。")
    for part in parts:
        machine.feed(part)
    assert machine._parts == list(parts)


def test_the_beginning_of_a_delimiter_that_did_not_come_does_not_restart_the_limits() -> None:
    for count in (2, 3):
        found = run(buffer_tokens(count=count, until="。"), ["a", "。", "\u0301", "b", "c"])
        assert found == ["a。\u0301", "bc"]
    found = run(buffer_tokens(count=3, until="。"), ["a", "。", "\u0301", "\u0302", "b", "c"])
    assert found == ["a。\u0301\u0302", "bc"]
    check(
        buffer_tokens(seconds=4, until="。"),
        source="-ab-c-d-|",
        expect="-----x--(d|)",
        b="。",
        c="\u0301.",
        x="a。\u0301.",
    )


def test_a_delimiter_that_the_timer_leaves_for_the_next_piece_still_ends_it() -> None:
    check(
        buffer_tokens(seconds=2, until="。"),
        source="-a--b--|",
        expect="---xy-b|",
        a="no。",
        b="so",
        x="no",
        y="。",
    )


def test_the_timer_does_not_cut_an_emoji_sequence() -> None:
    check(
        buffer_tokens(seconds=2),
        source="-abc--|",
        expect="---x-y|",
        a="so ",
        b="👩",
        c="\u200d👧",
        x="so ",
        y="👩\u200d👧",
    )


def test_the_timer_does_not_cut_a_line_break() -> None:
    check(buffer_tokens(seconds=2), source="-a--b-|", expect="---x-y|", a="a\r", b="\n", x="a", y="\r\n")


@pytest.mark.parametrize(
    ("limits", "named", "error"),
    [
        ({}, "limit", ValueError),
        ({"count": 0}, "count", ValueError),
        ({"chars": 0}, "chars", ValueError),
        ({"seconds": 0}, "seconds", ValueError),
        ({"until": ""}, "until", ValueError),
        ({"count": 1.5}, "count", TypeError),
        ({"chars": True}, "chars", TypeError),
        ({"seconds": "1"}, "seconds", TypeError),
        ({"until": 3}, "until", TypeError),
    ],
)
def test_wrong_limits_are_refused_when_the_operator_is_built(
    limits: dict[str, Any], named: str, error: type
) -> None:
    with pytest.raises(error, match=named):
        buffer_tokens(**limits)
