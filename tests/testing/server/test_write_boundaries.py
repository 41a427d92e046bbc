"""WriteBoundaries splits and joins writes; bytes and pauses stay as they are."""

import json

import pytest

from ollama_rx.testing import (
    all_at_once,
    blank_lines,
    byte_by_byte,
    crlf,
    cut_at,
    inside_characters,
    inside_escapes,
    line_by_line,
    lines_per_write,
    pause,
    pieces_of,
    without_last_newline,
)
from ollama_rx.testing.server.reply import WriteBoundaries
from ollama_rx.testing.server.steps import Step

LINES: list[Step] = [b'{"a":"\xc3\xa9\xe2\x82\xac"}\n', pause(1), b'{"b":"\\u003c!\\u003e"}\n', b"{}\n"]
WHOLE = b"".join(step for step in LINES if isinstance(step, bytes))


@pytest.mark.parametrize(
    "mode",
    [
        line_by_line,
        byte_by_byte,
        inside_characters,
        inside_escapes,
        all_at_once,
        lines_per_write(2),
        pieces_of(5),
        cut_at(),
        cut_at(1, 17, 18, 40, 9999),
    ],
)
def test_rechunking_keeps_the_bytes_and_the_place_of_pauses(mode: WriteBoundaries) -> None:
    out = list(mode(LINES))
    assert b"".join(step for step in out if isinstance(step, bytes)) == WHOLE
    at = out.index(pause(1))
    assert b"".join(step for step in out[:at] if isinstance(step, bytes)) == LINES[0]
    assert b"" not in out


@pytest.mark.parametrize("mode", [line_by_line, all_at_once, without_last_newline, cut_at(3), blank_lines])
def test_an_empty_body_stays_empty(mode: WriteBoundaries) -> None:
    assert list(mode([])) == []


def test_byte_by_byte_sends_single_bytes() -> None:
    assert list(byte_by_byte([b"ab\n"])) == [b"a", b"b", b"\n"]


def test_characters_of_several_bytes_are_split_after_the_first_byte() -> None:
    assert list(inside_characters([b"\xc3\xa9x\xe2\x82\xac"])) == [b"\xc3", b"\xa9x\xe2", b"\x82\xac"]
    assert list(inside_characters([b"abc"])) == [b"abc"]


def test_escapes_are_split_after_the_u() -> None:
    assert list(inside_escapes([b"a\\u003cb\\n\\u"])) == [b"a\\u", b"003cb\\n\\u"]


def test_a_split_at_the_very_end_makes_no_empty_write() -> None:
    assert list(inside_characters([b"a\xc3"])) == [b"a\xc3"]


def test_lines_are_joined_into_writes() -> None:
    assert list(all_at_once([pause(1), pause(2), b"1\n"])) == [pause(1), pause(2), b"1\n"]
    assert list(lines_per_write(2)([b"1\n", b"2\n", b"3\n"])) == [b"1\n2\n", b"3\n"]
    assert list(lines_per_write(2)([b"1\n", pause(1), b"2\n"])) == [b"1\n", pause(1), b"2\n"]
    assert list(all_at_once([b"1\n", b"2\n", b"3\n"])) == [b"1\n2\n3\n"]


def test_the_body_is_split_at_the_given_offsets() -> None:
    assert list(cut_at(1, 3, 4)([b"ab\n", b"cd\n"])) == [b"a", b"b\n", b"c", b"d\n"]
    assert list(cut_at(2, 4)([b"abc", pause(1), b"def"])) == [b"ab", b"c", pause(1), b"d", b"ef"]


def test_only_the_last_newline_is_left_out() -> None:
    assert list(without_last_newline([b"a\n", b"b\n", pause(1)])) == [b"a\n", b"b", pause(1)]
    assert list(without_last_newline(crlf([b"a\n", b"b\n"]))) == [b"a\r\n", b"b"]


def test_blank_lines_are_put_around_every_line() -> None:
    assert list(blank_lines([b"a\n", pause(1)])) == [b"\na\n\n", pause(1)]


def test_crlf_keeps_pauses_and_valid_json() -> None:
    out = list(crlf([b"{}\n", pause(1)]))
    assert out == [b"{}\r\n", pause(1)]
    assert json.loads(b"{}\r\n") == {}


def test_invalid_sizes_raise_value_error() -> None:
    with pytest.raises(ValueError, match=r"^count: expected a whole number of at least 0, got -1$"):
        lines_per_write(-1)
    with pytest.raises(ValueError, match=r"^size: expected a whole number of at least 1, got 0$"):
        pieces_of(0)
    with pytest.raises(ValueError, match=r"^offsets: expected a whole number of at least 0, got -1$"):
        cut_at(3, -1)
