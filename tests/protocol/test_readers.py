"""Bytes become chunks: split at the line feed only, checked, and complete or an error."""

import json
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from ollama_rx.chunks import Chunk, Progress
from ollama_rx.errors import (
    BadLineError,
    IncompleteStreamError,
    LineTooLongError,
    ServerError,
    StreamError,
)
from ollama_rx.protocol.ndjson import LineDecoder, parse_line, parse_lines, split_lines
from ollama_rx.protocol.readers import ChunkReader, ProgressReader, Reader, WholeReader, reason_of

DONE = b'{"response":"","done":true,"done_reason":"stop"}\n'


def say(text: str) -> bytes:
    return json.dumps({"response": text, "done": False}, ensure_ascii=False).encode() + b"\n"


def fed(lines: LineDecoder, data: bytes) -> list[bytes]:
    return split_lines(lines.block(data))


def texts(reader: ChunkReader, *payloads: bytes) -> list[str]:
    return [chunk.text for payload in payloads for chunk in reader.read(payload)]


# lines


def test_lines_end_at_the_line_feed_and_nowhere_else() -> None:
    others = "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei\rj".encode()
    assert fed(LineDecoder(), others + b"\nnext\nrest") == [others, b"next"]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_line_may_come_in_any_pieces(size: int) -> None:
    data, lines = b"first\n\nthird\r\nlast", LineDecoder()
    found = [line for start in range(0, len(data), size) for line in fed(lines, data[start : start + size])]
    assert found == [b"first", b"", b"third\r"]
    assert fed(lines, b"\n") == [b"last"]


def test_an_empty_read_changes_nothing() -> None:
    lines = LineDecoder()
    assert fed(lines, b"a") == []
    assert fed(lines, b"") == []
    assert fed(lines, b"b\n") == [b"ab"]


def test_a_line_as_long_as_the_limit_is_accepted() -> None:
    assert fed(LineDecoder(5), b"12345\n12345\n") == [b"12345", b"12345"]


@pytest.mark.parametrize(
    "reads", [[b"123456\n"], [b"123456"], [b"123", b"456"], [b"123", b"456\n"], [b"1\n123456\n2\n"]]
)
def test_a_line_above_the_limit_is_refused_finished_or_not(reads: list[bytes]) -> None:
    lines = LineDecoder(5)
    found = [line for data in reads for line in fed(lines, data)]
    assert found == [b"1"] * reads[0].startswith(b"1\n")
    assert lines.error is not None
    assert lines.error.limit == 5


def test_a_line_of_a_million_single_bytes_costs_each_byte_once() -> None:
    lines, began = LineDecoder(), time.monotonic()
    for _ in range(1_000_000):
        fed(lines, b"x")
    assert fed(lines, b"\n") == [b"x" * 1_000_000]
    assert time.monotonic() - began < 20  # half a second; joining at each byte takes minutes


def test_a_last_chunk_of_eight_megabytes_is_read() -> None:
    context = list(range(1_000_000, 1_880_000))
    line = json.dumps({"response": "", "done": True, "context": context}, separators=(",", ":")).encode()
    assert 7_000_000 < len(line) < 8_000_000
    reader = ChunkReader()
    pieces = [line[start : start + 65536] for start in range(0, len(line), 65536)]
    chunks = [chunk for piece in [*pieces, b"\n"] for chunk in reader.read(piece)]
    assert chunks[0].context == tuple(context)


# parsing


@pytest.mark.parametrize("line", [b"", b" ", b"\r", b"\t \r"])
def test_a_blank_line_is_nothing(line: bytes) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a":1}', {"a": 1}),
        (b' {"a":1} \r', {"a": 1}),
        (b'{"a":"\x01\t"}', {"a": "\x01\t"}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":NaN}', {"a": pytest.approx(float("nan"), nan_ok=True)}),
        (b'{"a":"\\ud800"}', {"a": "\ud800"}),
        (b'{"a":"\xff"}', {"a": "\ufffd"}),
        (b'{"a":"\\u2028 \\u003c"}', {"a": "\u2028 <"}),
    ],
)
def test_what_orjson_refuses_is_read_leniently(line: bytes, expected: dict[str, Any]) -> None:
    assert parse_line(line) == expected


@pytest.mark.parametrize(
    "line", [b"<html>", b"[1]", b"5", b"null", b'"text"', b'{"a":', b'{"a":1}{', b"[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_object_is_an_error_that_holds_the_line(line: bytes) -> None:
    with pytest.raises(BadLineError) as caught:
        parse_line(line)
    assert caught.value.line == line
    assert len(str(caught.value)) < 400


# generate and chat


def test_chunks_come_out_as_their_lines_are_complete() -> None:
    reader = ChunkReader()
    assert texts(reader, say("Hel")[:-1]) == []
    assert texts(reader, b"\n" + say("lo") + DONE) == ["Hel", "lo", ""]
    assert reader.done
    assert reader.partial == "Hello"


def test_blank_lines_and_carriage_returns_are_skipped() -> None:
    assert texts(ChunkReader(), b"\n\r\n" + say("a")[:-1] + b"\r\n\n" + DONE) == ["a", ""]


def test_a_last_line_needs_no_line_feed() -> None:
    reader = ChunkReader()
    assert texts(reader, say("a") + DONE[:-1]) == ["a"]
    assert [chunk.done for chunk in reader.end()] == [True]
    assert reader.done


def test_the_last_chunk_may_carry_text() -> None:
    assert texts(ChunkReader(), b'{"response":"all of it","done":true}\n') == ["all of it"]


def test_nothing_counts_after_the_last_chunk() -> None:
    reader = ChunkReader()
    assert texts(reader, DONE + say("late") + b"garbage\n") == [""]
    assert list(reader.end()) == []


def test_a_reason_without_done_is_an_end_too() -> None:
    reader = ChunkReader()
    assert texts(reader, b'{"response":"x","done":false,"done_reason":"stop"}\n') == ["x"]
    assert reader.done


def test_an_empty_reason_is_none() -> None:
    reader = ChunkReader()
    assert texts(reader, b'{"response":"x","done":false,"done_reason":""}\n') == ["x"]
    assert not reader.done


def test_a_stream_without_a_last_chunk_is_an_error_with_what_arrived() -> None:
    reader = ChunkReader()
    assert texts(reader, say("Hel") + say("lo")) == ["Hel", "lo"]
    with pytest.raises(IncompleteStreamError, match="without a last chunk") as caught:
        list(reader.end())
    assert caught.value.partial == "Hello"


def test_an_empty_body_is_an_incomplete_stream() -> None:
    with pytest.raises(IncompleteStreamError):
        list(ChunkReader().end())


@pytest.mark.parametrize(
    ("line", "reason", "status", "signin_url"),
    [
        ({"error": "out of memory"}, "out of memory", None, None),
        ({"error": "model 'x' not found", "status": 404}, "model 'x' not found", 404, None),
        ({"StatusCode": 429, "Status": "429 Too Many Requests", "error": "slow"}, "slow", 429, None),
        (
            {"StatusCode": 429, "Status": "429 Too Many Requests", "error": ""},
            "429 Too Many Requests",
            429,
            None,
        ),
        ({"error": "unauthorized", "signin_url": "https://x"}, "unauthorized", None, "https://x"),
        ({"error": {"message": "bad", "type": "api_error"}}, "bad", None, None),
        ({"error": {"code": 1}}, "{'code': 1}", None, None),
        ({"error": ["a", "b"]}, "['a', 'b']", None, None),
        ({"error": ""}, "no reason given", None, None),
        ({"error": "x", "status": "text", "signin_url": 5}, "x", None, None),
    ],
)
@pytest.mark.parametrize("before", [b"", say("Hi")])
def test_an_error_line_ends_the_stream_also_as_the_first_line(
    line: dict[str, Any], reason: str, status: int | None, signin_url: str | None, before: bytes
) -> None:
    reader = ChunkReader()
    with pytest.raises(ServerError) as caught:
        texts(reader, before + json.dumps(line).encode() + b"\n" + DONE)
    error = caught.value
    assert (error.reason, error.status, error.signin_url) == (reason, status, signin_url)
    assert error.retryable == (status == 429)
    assert error.partial == ("Hi" if before else "")


@pytest.mark.parametrize("more", [{"message": "Too many requests"}, {"response": 5}, {"message": ["x"]}])
def test_an_error_is_one_whatever_stands_beside_it(more: dict[str, Any]) -> None:
    with pytest.raises(ServerError, match="slow down"):
        texts(ChunkReader(), json.dumps({"error": "slow down", **more}).encode() + b"\n")


def test_a_chunk_with_raw_control_characters_is_read_leniently() -> None:
    reader = ChunkReader()
    assert texts(reader, b'{"response":"a\tb"}\n{"response":"\xff"}\n') == ["a\tb", "\ufffd"]
    assert reader.partial == "a\tb\ufffd"


def test_a_lone_surrogate_does_not_break_the_text_that_arrived() -> None:
    reader = ChunkReader()
    assert texts(reader, b'{"response":"\\ud83d"}\n') == ["\ud83d"]
    assert reader.partial == "\ud83d"


def test_an_error_that_is_null_is_none() -> None:
    assert texts(ChunkReader(), b'{"response":"x","error":null}\n') == ["x"]


def test_an_error_line_needs_no_line_feed() -> None:
    reader = ChunkReader()
    assert texts(reader, say("Hi") + b'{"error":"unauthorized"}') == ["Hi"]
    with pytest.raises(ServerError) as caught:
        list(reader.end())
    assert caught.value.partial == "Hi"


def test_an_object_cut_by_the_end_is_a_bad_line_with_what_arrived() -> None:
    reader = ChunkReader()
    texts(reader, say("Hi") + b'{"response":"th')
    with pytest.raises(BadLineError) as caught:
        list(reader.end())
    assert (caught.value.line, caught.value.partial) == (b'{"response":"th', "Hi")


@pytest.mark.parametrize(
    "line", [b'{"response":5}', b'{"response":["a"]}', b'{"message":"x"}', b'{"message":{"content":{"a":1}}}']
)
def test_a_text_that_is_no_text_is_a_bad_line(line: bytes) -> None:
    with pytest.raises(BadLineError) as caught:
        texts(ChunkReader(), say("Hi") + line + b"\n")
    assert (caught.value.line, caught.value.partial) == (line, "Hi")


def test_a_line_too_long_carries_what_arrived() -> None:
    reader = ChunkReader(100)
    texts(reader, say("Hi"))
    with pytest.raises(LineTooLongError) as caught:
        texts(reader, b"x" * 101)
    assert caught.value.partial == "Hi"


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("last", [b"", b"\n"])
def test_what_stands_before_a_line_too_long_arrives_however_it_is_cut(size: int, last: bytes) -> None:
    wire = say("Hi") + say(" you") + b"x" * 101 + last
    pieces = [wire[start : start + size] for start in range(0, len(wire), size)]
    reader, found = ChunkReader(100), list[str]()
    with pytest.raises(LineTooLongError) as caught:
        found.extend(chunk.text for piece in pieces for chunk in reader.read(piece))
    assert (found, caught.value.partial) == (["Hi", " you"], "Hi you")


@pytest.mark.parametrize("reader", [ChunkReader(100), ProgressReader(100)], ids=["chunks", "progress"])
def test_nothing_after_the_end_matters_however_long_it_is(reader: Reader[object]) -> None:
    last = {"response": "", "done": True, "status": "success"}
    assert len(list(reader.read(json.dumps(last).encode() + b"\n" + b"x" * 101))) == 1
    assert reader.done


def test_a_step_before_a_line_too_long_arrives() -> None:
    found: list[Progress] = []
    with pytest.raises(LineTooLongError):
        found.extend(ProgressReader(100).read(b'{"status":"pulling manifest"}\n' + b"x" * 101))
    assert [step.status for step in found] == ["pulling manifest"]


def test_the_server_s_text_stays_short_in_messages_and_whole_in_the_error() -> None:
    with pytest.raises(ServerError) as caught:
        texts(ChunkReader(), json.dumps({"error": "secret " * 1000}).encode() + b"\n")
    assert len(str(caught.value)) < 150
    assert caught.value.reason == "secret " * 1000


# pull, push, create


def test_progress_ends_with_success() -> None:
    reader = ProgressReader()
    found = list(reader.read(b'{"status":"pulling manifest"}\n\n{"status":"success"}\n'))
    assert [step.status for step in found] == ["pulling manifest", "success"]
    assert reader.done
    assert list(reader.end()) == []
    assert reader.partial == ""


def test_progress_without_success_is_incomplete() -> None:
    reader = ProgressReader()
    list(reader.read(b'{"status":"pulling manifest"}'))
    end = reader.end()
    assert next(end).status == "pulling manifest"
    with pytest.raises(IncompleteStreamError, match="success"):
        next(end)


def test_progress_may_fail_in_the_middle() -> None:
    reader = ProgressReader()
    with pytest.raises(ServerError, match="file does not exist"):
        list(reader.read(b'{"status":"pulling manifest","error":null}\n{"error":"file does not exist"}\n'))


# whole replies


def names(raw: dict[str, Any]) -> list[str]:
    return sorted(raw)


def test_a_whole_reply_may_come_in_any_pieces_and_on_several_lines() -> None:
    reader = WholeReader(names)
    for byte in b'{\n "b": 1,\r\n "a": 2\n}\n':
        assert list(reader.read(bytes([byte]))) == []
    assert list(reader.end()) == [["a", "b"]]
    assert reader.done
    assert reader.partial == ""


def test_an_empty_reply_is_an_error_where_something_is_expected() -> None:
    with pytest.raises(BadLineError):
        list(WholeReader(names).end())


@pytest.mark.parametrize("body", [b"", b"null", b"\n", b"{}"])
def test_a_reply_may_be_empty_where_nothing_is_expected(body: bytes) -> None:
    reader = WholeReader(names, may_be_empty=True)
    list(reader.read(body))
    assert list(reader.end()) == [[]]


def test_a_reply_may_be_an_error() -> None:
    reader = WholeReader(names)
    list(reader.read(b'{"error":"no"}'))
    with pytest.raises(ServerError, match="no"):
        list(reader.end())


def test_a_reply_may_be_longer_than_a_line_but_not_endless() -> None:
    reader = WholeReader(names, 10)
    for _ in range(32):
        list(reader.read(b"0123456789"))
    with pytest.raises(LineTooLongError):
        list(reader.read(b"0"))


# HTTP errors


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":"model not found"}', ("model not found", None)),
        (b'{"error":"unauthorized","signin_url":"https://x"}', ("unauthorized", "https://x")),
        (b'{"error":{"message":"m","type":"t"}}', ("m", None)),
        (b'{"detail":"Not Found"}', ('{"detail":"Not Found"}', None)),
        (b"[1, 2]", ("[1, 2]", None)),
        (b" <html>502</html>\n", ("<html>502</html>", None)),
        (b"404 page not found", ("404 page not found", None)),
        (b"\xff", ("\ufffd", None)),
        (b"", ("", None)),
    ],
)
def test_the_reason_of_an_http_error_is_found_in_any_body(body: bytes, expected: tuple[str, str]) -> None:
    assert reason_of(body) == expected


# all of them, cut anywhere


@pytest.mark.parametrize(
    ("make", "body"),
    [
        (ChunkReader, say("é") + say("<\u2028>") + DONE[:-1]),
        (ChunkReader, say("日本") + b'{"error":"x"}'),
        (ProgressReader, b'{"status":"a","total":5}\r\n\r\n{"status":"success"}'),
        (lambda: WholeReader(Chunk), b'{"response":"caf\xc3\xa9"}'),
    ],
)
def test_cuts_change_nothing(make: Callable[[], Reader[object]], body: bytes) -> None:
    expected = outcome(make(), body)
    for first in range(len(body)):
        for second in (first + 1, first + 3, len(body)):
            assert outcome(make(), body[:first], body[first:second], body[second:]) == expected
    assert outcome(make(), *(bytes([byte]) for byte in body)) == expected


def outcome(reader: Reader[object], *payloads: bytes) -> tuple[list[object], str, str]:
    found: list[object] = []
    error = ""
    try:
        for payload in payloads:
            found.extend(reader.read(payload))
        found.extend(reader.end())
    except StreamError as raised:
        error = repr(raised)
    return found, error, reader.partial


def test_lines_are_parsed_together_only_if_each_of_them_is_one_value() -> None:
    assert parse_lines(b'{"a":1}\n{"b":2}\r\n') == [{"a": 1}, {"b": 2}]
    assert parse_lines(b"") == []
    for block in (b'{"a":1}\n\n', b'{"a":1},{"b":2}\n{"c":3}\n', b"\n"):
        with pytest.raises(orjson.JSONDecodeError):
            parse_lines(block)


@pytest.mark.parametrize("done", [b"", b',"done":false', b',"done":null', b',"done":0'])
@pytest.mark.parametrize("more", [b"", b',"done_reason":null', b',"done_reason":""', b',"error":null'])
def test_what_does_not_say_that_it_is_the_last_is_not(done: bytes, more: bytes) -> None:
    line = b'{"response":"a"' + done + more + b"}\n"
    for payloads in ([line, line], [line + line], [line[:5], line[5:] + line]):
        reader = ChunkReader()
        assert texts(reader, *payloads) == ["a", "a"]
        assert not reader.done


def test_what_stands_before_a_bad_line_of_the_same_read_arrives() -> None:
    reader, texts = ChunkReader(), list[str]()
    with pytest.raises(BadLineError) as caught:
        texts.extend(chunk.text for chunk in reader.read(b'{"response":"Hi"}\n[]\n{"response":"!"}\n'))
    assert caught.value.partial == "Hi"
