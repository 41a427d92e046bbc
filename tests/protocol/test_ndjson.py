"""Bytes are split into lines at the line feed only, and lines are parsed into objects."""

import inspect
import sys
import time
from typing import Any

import orjson
import pytest

from ollama_rx.errors import BadLineError
from ollama_rx.protocol.lenient_json import MAX_NESTING
from ollama_rx.protocol.ndjson import LineBuffer, parse_line, parse_lines, split_lines


def decode(lines: LineBuffer, data: bytes) -> list[bytes]:
    return split_lines(lines.complete_lines(data))


# lines


def test_lines_end_at_the_line_feed_and_nowhere_else() -> None:
    others = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei\rj".encode()
    assert decode(LineBuffer(), others + b"\nnext\nrest") == [others, b"next"]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_line_may_come_in_any_pieces(size: int) -> None:
    data, lines = b"first\n\nthird\r\nlast", LineBuffer()
    found = [
        line for start in range(0, len(data), size) for line in decode(lines, data[start : start + size])
    ]
    assert found == [b"first", b"", b"third\r"]
    assert decode(lines, b"\n") == [b"last"]


def test_an_empty_read_changes_nothing() -> None:
    lines = LineBuffer()
    assert decode(lines, b"a") == []
    assert decode(lines, b"") == []
    assert decode(lines, b"b\n") == [b"ab"]


def test_a_line_as_long_as_the_limit_is_accepted() -> None:
    assert decode(LineBuffer(5), b"12345\n12345\n") == [b"12345", b"12345"]


@pytest.mark.parametrize(
    "reads", [[b"123456\n"], [b"123456"], [b"123", b"456"], [b"123", b"456\n"], [b"1\n123456\n2\n"]]
)
def test_a_line_above_the_limit_is_refused_finished_or_not(reads: list[bytes]) -> None:
    lines = LineBuffer(5)
    found = [line for data in reads for line in decode(lines, data)]
    assert found == [b"1"] * reads[0].startswith(b"1\n")
    assert lines.error is not None
    assert lines.error.limit == 5


def test_a_line_of_a_million_single_bytes_costs_each_byte_once() -> None:
    lines, began = LineBuffer(), time.monotonic()
    for _ in range(1_000_000):
        decode(lines, b"x")
    assert decode(lines, b"\n") == [b"x" * 1_000_000]
    assert time.monotonic() - began < 20  # half a second; joining at each byte takes minutes


# parsing


@pytest.mark.parametrize("line", [b"", b" ", b"\r", b"\t \r"])
def test_a_blank_line_gives_none(line: bytes) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a":1}', {"a": 1}),
        (b' {"a":1} \r', {"a": 1}),
        (b'{"a":"\x01\t"}', {"a": "\x01\t"}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":NaN}', {"a": pytest.approx(float("nan"), nan_ok=True)}),
        (b'{"a":"\\ud800"}', {"a": "\ufffd"}),
        (b'{"a":"\xed\xa0\xbd\xed\xb8\x80"}', {"a": "\U0001f600"}),
        (
            b'{"a":"\\ud800","n":[18446744073709551615,-9223372036854775808]}',
            {"a": "\ufffd", "n": [2**64 - 1, -(2**63)]},
        ),
        (
            b'{"a":"\\ud800","n":[18446744073709551616,-9223372036854775809]}',
            {"a": "\ufffd", "n": [2.0**64, -(2.0**63)]},
        ),
        (b'{"a":"\xff"}', {"a": "\ufffd"}),
        (b'{"a":"\\u2028 \\u003c"}', {"a": "\u2028 <"}),
    ],
)
def test_a_line_that_orjson_rejects_is_parsed_leniently(line: bytes, expected: dict[str, Any]) -> None:
    assert parse_line(line) == expected


@pytest.mark.parametrize(
    "line", [b"<html>", b"[1]", b"5", b"null", b'"text"', b'{"a":', b'{"a":1}{', b"[" * 100_000, b"\xff\xfe"]
)
def test_a_line_that_is_not_an_object_raises_bad_line_error(line: bytes) -> None:
    with pytest.raises(BadLineError) as caught:
        parse_line(line)
    assert caught.value.line == line
    assert len(str(caught.value)) < 400


DEEPEST = MAX_NESTING - 1  # levels inside the object that a line is


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_line_that_is_nested_too_deeply_is_refused_before_it_is_parsed(
    opening: bytes, closing: bytes
) -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' + opening * levels + b"1" + closing * levels + b"}"

    assert parse_line(nested(DEEPEST)) is not None
    assert len(parse_lines(nested(DEEPEST) + b"\n{}\n")) == 2
    for levels in (DEEPEST + 1, 100_000):
        with pytest.raises(BadLineError):
            parse_line(nested(levels))
        with pytest.raises(orjson.JSONDecodeError):
            parse_lines(b"{}\n" + nested(levels) + b"\n{}\n")


@pytest.mark.parametrize("end", [b"", b"\\"])
def test_a_string_without_an_end_costs_each_quote_in_it_once(end: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(BadLineError):
        parse_line(b'{"a":"' + b'[[\\"' * 500_000 + end)
    assert time.monotonic() - began < 20  # a fifth of a second; from each quote to the end takes minutes


def test_a_stack_that_is_too_small_to_join_characters_in_a_nested_line_gives_bad_line_error() -> None:
    line = b'{"response":"b","x":' + b"[" * 400 + b"]" * 400 + b"}"
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 50)
    try:
        with pytest.raises(BadLineError):
            parse_line(line, {("response", False): "\ud83d"})
    finally:
        sys.setrecursionlimit(limit)


def test_brackets_that_are_beside_each_other_or_in_texts_do_not_count_as_nested() -> None:
    line = b'{"a":[%b],"b":"%b\\"["}' % (b",".join([b"[[1],{}]"] * 1000), b"[{" * 1000)
    found = parse_line(line)
    assert found is not None
    assert len(found["a"]) == 1000
    assert parse_lines(line + b"\n") == [found]


def test_lines_are_parsed_together_only_if_each_of_them_is_one_value() -> None:
    assert parse_lines(b'{"a":1}\n{"b":2}\r\n') == [{"a": 1}, {"b": 2}]
    assert parse_lines(b"") == []
    for block in (b'{"a":1}\n\n', b'{"a":1},{"b":2}\n{"c":3}\n', b"\n"):
        with pytest.raises(orjson.JSONDecodeError):
            parse_lines(block)
