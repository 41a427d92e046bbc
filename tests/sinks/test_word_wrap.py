"""Lines are broken between words, although words arrive in pieces."""

import pytest

from ollama_rx.sinks._word_wrap import WordWrap
from tests.sinks.terminal_screen import Terminal


def shown(*pieces: str, columns: int = 10) -> list[str]:
    """Return the rows that a terminal shows."""
    terminal = Terminal(columns)
    wrap = WordWrap()
    for piece in pieces:
        terminal.write(wrap.wrap(piece, columns))
    return terminal.text


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("one two", ["one two"]),
        ("one two three", ["one two", "three"]),
        ("one two  three", ["one two", "three"]),
        ("one four5 three", ["one four5", "three"]),
        ("one two three\nfour", ["one two", "three", "four"]),
        ("one two   \n\nthree", ["one two", "", "three"]),
        ("one-two-three-four five", ["one-two-th", "ree-four", "five"]),
        ("1 one-two-three-four", ["1", "one-two-th", "ree-four"]),
        ("  one two three", ["  one two", "three"]),
        ("a\tb c", ["a       b", "c"]),
        ("a b c de\tf", ["a b c de", "f"]),
        ("größere Wörter", ["größere", "Wörter"]),
        ("ab 日本語日本語", ["ab 日本語", "日本語"]),
        ("日本語日本。語", ["日本語日", "本。語"]),
        ("abc日本語。", ["abc日本", "語。"]),
        ("日本語「日本」", ["日本語", "「日本」"]),
        ("日本語abcde", ["日本語", "abcde"]),
        ("abcdef日本", ["abcdef日", "本"]),
        ("abcdefg\uff0c日", ["abcdefg\uff0c", "日"]),
        ("한국어 한국어", ["한국어", "한국어"]),
        ("สวัสดี สวัสดีค", ["สวัสดี", "สวัสดีค"]),
        (
            "e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301 e\u0301e",
            ["e\u0301" * 4 + " " + "e\u0301" * 2, "e\u0301e"],
        ),
        ("one two 😀😀", ["one two", "😀😀"]),
    ],
)
def test_a_line_is_broken_where_a_word_would_cross_the_edge(text: str, rows: list[str]) -> None:
    assert shown(text) == shown(*text) == rows


def test_a_word_that_is_already_printed_in_part_moves_to_the_next_line() -> None:
    wrap = WordWrap()
    pieces = [wrap.wrap(piece, 12) for piece in ("one two", " th", "ree", "-", "!")]
    assert pieces == ["one two", " th", "\x1b[2D\x1b[K\nthree", "-", "!"]


def test_a_word_of_uncertain_width_is_not_erased() -> None:
    wrap = WordWrap()
    family = "\N{MAN}\u200d\N{GIRL}"
    assert [wrap.wrap(piece, 12) for piece in ("one ", family, "three")] == ["one ", family, "three"]


def test_flags_and_selectors_are_counted_as_wide_as_any_terminal_shows_them() -> None:
    wrap = WordWrap()
    assert wrap.wrap("a \U0001f1e9\U0001f1ea \u2764\ufe0f b", 10) == "a \U0001f1e9\U0001f1ea \u2764\ufe0f\nb"


def test_the_width_of_the_terminal_may_change() -> None:
    wrap = WordWrap()
    assert [wrap.wrap("one two", 20), wrap.wrap(" three", 12), wrap.wrap(" four", 9)] == [
        "one two",
        " \nthree",
        " \nfour",
    ]
