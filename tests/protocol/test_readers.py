"""Bytes become chunks, progress steps and single items; an incomplete body is an error."""

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx.chunks import Chunk, Progress
from ollama_rx.errors import (
    BadLineError,
    IncompleteStreamError,
    LineTooLongError,
    ServerError,
    StreamError,
)
from ollama_rx.partial_text import MAX_PARTIAL
from ollama_rx.protocol.readers import (
    ChunkReader,
    JsonReader,
    ProgressReader,
    ProgressTask,
    RawReader,
    Reader,
    reason_of,
)

DONE = b'{"response":"","done":true,"done_reason":"stop"}\n'


def text_line(text: str) -> bytes:
    return json.dumps({"response": text, "done": False}, ensure_ascii=False).encode() + b"\n"


def texts(reader: ChunkReader, *payloads: bytes) -> list[str]:
    return [chunk.text for payload in payloads for chunk in reader.read(payload)]


# generate and chat


def test_chunks_come_out_as_their_lines_are_complete() -> None:
    reader = ChunkReader()
    assert texts(reader, text_line("Hel")[:-1]) == []
    assert texts(reader, b"\n" + text_line("lo") + DONE) == ["Hel", "lo", ""]
    assert reader.done
    assert reader.partial == "Hello"


def test_blank_lines_and_carriage_returns_are_skipped() -> None:
    assert texts(ChunkReader(), b"\n\r\n" + text_line("a")[:-1] + b"\r\n\n" + DONE) == ["a", ""]


def test_a_last_line_needs_no_line_feed() -> None:
    reader = ChunkReader()
    assert texts(reader, text_line("a") + DONE[:-1]) == ["a"]
    assert [chunk.done for chunk in reader.end()] == [True]
    assert reader.done


def test_the_last_chunk_may_carry_text() -> None:
    assert texts(ChunkReader(), b'{"response":"all of it","done":true}\n') == ["all of it"]


def test_lines_after_the_last_chunk_are_ignored() -> None:
    reader = ChunkReader()
    assert texts(reader, DONE + text_line("late") + b"garbage\n") == [""]
    assert list(reader.end()) == []


def test_a_done_reason_without_done_ends_the_stream() -> None:
    reader = ChunkReader()
    assert texts(reader, b'{"response":"x","done":false,"done_reason":"stop"}\n') == ["x"]
    assert reader.done


def test_an_empty_done_reason_does_not_end_the_stream() -> None:
    reader = ChunkReader()
    assert texts(reader, b'{"response":"x","done":false,"done_reason":""}\n') == ["x"]
    assert not reader.done


def test_a_stream_without_a_last_chunk_is_an_error_with_the_partial_text() -> None:
    reader = ChunkReader()
    assert texts(reader, text_line("Hel") + text_line("lo")) == ["Hel", "lo"]
    with pytest.raises(IncompleteStreamError, match="without saying that it is complete") as caught:
        list(reader.end())
    assert caught.value.partial == "Hello"


def incomplete(*payloads: bytes) -> IncompleteStreamError:
    reader = ChunkReader()
    texts(reader, *payloads)
    return incomplete_at_end(reader)


@pytest.mark.parametrize("payloads", [[], [b""], [b"\n", b"\r\n"]])
def test_a_body_without_any_chunk_is_incomplete_and_worth_a_retry(payloads: list[bytes]) -> None:
    assert incomplete(*payloads).retryable


@pytest.mark.parametrize("chunk", [text_line("-"), b'{"response":"","thinking":"-","done":false}\n', b"{}\n"])
@pytest.mark.parametrize("before", [b"", b"\n"])
def test_an_answer_that_the_server_ended_early_is_not_worth_a_retry(chunk: bytes, before: bytes) -> None:
    for payloads in ([chunk], [chunk, chunk], [chunk * 3], [chunk[:-1]], [chunk[:5], chunk[5:]]):
        assert not incomplete(before, *payloads).retryable


def test_the_partial_text_is_the_end_of_a_long_answer_and_says_so() -> None:
    for line_count in (1, 40):  # lines in a read
        reader = ChunkReader()
        payload = text_line("x" * 300) * line_count
        reads = 3 * MAX_PARTIAL // 300 // line_count
        for _ in range(reads):
            list(reader.read(payload))
        list(reader.read(text_line("end")))
        assert reader.partial == "…" + "x" * (MAX_PARTIAL - 3) + "end"
        assert reader._partial.room >= 0  # the beginning is really gone
        assert incomplete_at_end(reader).partial == reader.partial


def incomplete_at_end(reader: ChunkReader) -> IncompleteStreamError:
    with pytest.raises(IncompleteStreamError) as caught:
        list(reader.end())
    return caught.value


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
        ({"error": {"error": {"message": "m"}}}, "m", None, None),
        ({"error": '{"error":{"code":400,"message":"too long"}}'}, "too long", None, None),
        ({"error": '{"error":"{\\"error\\":\\"deep\\"}"}'}, "deep", None, None),
        ({"error": {"message": '{"error": "deep"}'}}, "deep", None, None),
        ({"error": '{"error":""}'}, '{"error":""}', None, None),
        ({"error": '{"detail":"x"}'}, '{"detail":"x"}', None, None),
        ({"error": "{broken"}, "{broken", None, None),
        ({"error": ""}, "no reason given", None, None),
        ({"error": "x", "status": "text", "signin_url": 5}, "x", None, None),
    ],
)
@pytest.mark.parametrize("before", [b"", text_line("Hi")])
def test_an_error_line_ends_the_stream_even_as_the_first_line(
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
def test_the_error_of_the_server_wins_over_a_malformed_text(more: dict[str, Any]) -> None:
    with pytest.raises(ServerError, match="slow down"):
        texts(ChunkReader(), json.dumps({"error": "slow down", **more}).encode() + b"\n")


def test_a_chunk_with_raw_control_characters_is_read_leniently() -> None:
    reader = ChunkReader()
    assert texts(reader, b'{"response":"a\tb"}\n{"response":"\xff"}\n') == ["a\tb", "\ufffd"]
    assert reader.partial == "a\tb\ufffd"


def lines(*chunks: dict[str, Any], last: str = "") -> bytes:
    """Return the lines of an answer as a server writes it whose strings may hold half an emoji."""
    done = {"response": last, "done": True}
    return b"".join(
        json.dumps(chunk).encode() + b"\n" for chunk in [*({"done": False, **c} for c in chunks), done]
    )


def cut_into(body: bytes, size: int) -> list[bytes]:
    """Cut into pieces of this size; for 0 into lines, for -1 into lines with an empty read after each."""
    if size < 1:
        return [piece for line in body.splitlines(keepends=True) for piece in (line, b"")[: 1 - size]]
    return [body[start : start + size] for start in range(0, len(body), size)]


each_cutting = pytest.mark.parametrize("size", [-1, 0, 1, 7, 60, 1000])


@each_cutting
@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (["Nice \ud83d", "\ude00!"], ["Nice ", "😀!", ""]),
        (["Nice \ud83d", "", "\ude00!"], ["Nice ", "", "😀!", ""]),
        (["\ud83d", "\ude00"], ["", "😀", ""]),
        (["Nice \ud83d", "x", "y"], ["Nice ", "\ufffdx", "y", ""]),
        (["Nice \ud83d", "\ud83d", "\ude00"], ["Nice ", "\ufffd", "😀", ""]),
        (["Nice \ud83d"], ["Nice ", "\ufffd"]),
        (["\ude00", "a\ud83db"], ["\ufffd", "a\ufffdb", ""]),
        (["a", "b", "c\ud83d", "d", "e"], ["a", "b", "c", "\ufffdd", "e", ""]),
    ],
)
def test_the_halves_of_a_character_in_two_chunks_become_the_character(
    sent: list[str], read: list[str], size: int
) -> None:
    for name in ("response", "thinking"):
        generate = lines(*({"response": "", name: text} for text in sent))
        chat = lines(
            *({"message": {"content": "", name.replace("response", "content"): text}} for text in sent)
        )
        for body in (generate, chat.replace(b'"response"', b'"other"')):
            reader = ChunkReader()
            chunks = [chunk for payload in cut_into(body, size) for chunk in reader.read(payload)]
            assert [chunk.text if name == "response" else chunk.thinking for chunk in chunks] == read
            assert reader.partial == ("".join(read) if name == "response" else "")


def test_a_half_at_the_end_of_the_thinking_does_not_join_with_the_answer() -> None:
    chunks = list(ChunkReader().read(lines({"response": "", "thinking": "\ud83d"}, {"response": "\ude00"})))
    assert [(chunk.thinking, chunk.text) for chunk in chunks] == [("", ""), ("", "\ufffd"), ("\ufffd", "")]


def test_halves_written_as_raw_bytes_are_joined() -> None:
    reader = ChunkReader()
    assert texts(reader, b'{"response":"a\xed\xa0\xbd"}\n', b'{"response":"\xed\xb8\x80"}\n') == ["a", "😀"]


def test_every_text_of_a_chunk_can_be_encoded() -> None:
    line = json.dumps(
        {
            "response": "a\ud83db",
            "thinking": "\ude00",
            "model": "\ud83d",
            "new": [{"\ud83d": ["\ud83d"]}],
            "message": {"tool_calls": [{"function": {"name": "f", "arguments": {"a": "\ud83d"}}}]},
        }
    )
    (chunk,) = ChunkReader().read(line.encode() + b"\n")
    orjson.dumps(chunk.raw)
    assert (chunk.text, chunk.thinking, chunk.model) == ("a\ufffdb", "\ufffd", "\ufffd")
    assert chunk.tool_calls[0].arguments == {"a": "\ufffd"}


HALVES = st.text(st.sampled_from("a \n😀\ud83d\ude00"), max_size=4)


@given(st.lists(HALVES, max_size=6), st.integers(-1, 100))
def test_the_joined_text_is_the_same_whether_it_came_in_one_chunk_or_in_many(
    sent: list[str], size: int
) -> None:
    (whole, last) = texts(ChunkReader(), lines({"response": "".join(sent)}))
    body = lines(*({"response": text} for text in sent))
    assert "".join(texts(ChunkReader(), *cut_into(body, size))) == whole + last


def test_a_line_that_is_nested_too_deeply_is_a_bad_line() -> None:
    deep = b'{"response":"!","done":false,"deep":' + b"[" * 600 + b"]" * 600 + b"}\n"
    for payloads in ([text_line("Hi"), deep], [text_line("Hi") + deep]):
        reader = ChunkReader()
        with pytest.raises(BadLineError) as caught:
            texts(reader, *payloads)
        assert caught.value.partial == "Hi"


def test_a_null_error_is_ignored() -> None:
    assert texts(ChunkReader(), b'{"response":"x","error":null}\n') == ["x"]


def test_an_error_line_needs_no_line_feed() -> None:
    reader = ChunkReader()
    assert texts(reader, text_line("Hi") + b'{"error":"unauthorized"}') == ["Hi"]
    with pytest.raises(ServerError) as caught:
        list(reader.end())
    assert caught.value.partial == "Hi"


def test_an_object_cut_by_the_end_is_a_bad_line_with_the_partial_text() -> None:
    reader = ChunkReader()
    texts(reader, text_line("Hi") + b'{"response":"th')
    with pytest.raises(BadLineError) as caught:
        list(reader.end())
    assert (caught.value.line, caught.value.partial) == (b'{"response":"th', "Hi")


def test_a_message_of_a_wrong_type_beside_a_text_is_ignored() -> None:
    assert texts(ChunkReader(), b'{"response":"a","done":false,"message":"x"}\n') == ["a"]


@pytest.mark.parametrize("done", [b'"false"', b"1", b"[0]"])
def test_anything_but_true_does_not_end_the_answer(done: bytes) -> None:
    line = b'{"response":"a","done":' + done + b"}\n"
    assert texts(ChunkReader(), line, line + line, DONE) == ["a", "a", "a", ""]


@pytest.mark.parametrize(
    "line", [b'{"response":5}', b'{"response":["a"]}', b'{"message":"x"}', b'{"message":{"content":{"a":1}}}']
)
def test_a_text_of_a_wrong_type_is_a_bad_line(line: bytes) -> None:
    with pytest.raises(BadLineError) as caught:
        texts(ChunkReader(), text_line("Hi") + line + b"\n")
    assert (caught.value.line, caught.value.partial) == (line, "Hi")


def test_the_error_for_a_long_line_carries_the_partial_text() -> None:
    reader = ChunkReader(100)
    texts(reader, text_line("Hi"))
    with pytest.raises(LineTooLongError) as caught:
        texts(reader, b"x" * 101)
    assert caught.value.partial == "Hi"


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("last", [b"", b"\n"])
def test_the_chunks_before_a_long_line_are_emitted_however_the_bytes_are_cut(size: int, last: bytes) -> None:
    wire = text_line("Hi") + text_line(" you") + b"x" * 101 + last
    pieces = [wire[start : start + size] for start in range(0, len(wire), size)]
    reader, found = ChunkReader(100), list[str]()
    with pytest.raises(LineTooLongError) as caught:
        found.extend(chunk.text for piece in pieces for chunk in reader.read(piece))
    assert (found, caught.value.partial) == (["Hi", " you"], "Hi you")


@pytest.mark.parametrize("reader", [ChunkReader(100), ProgressReader(100)], ids=["chunks", "progress"])
def test_a_long_line_after_the_end_is_ignored(reader: Reader[object]) -> None:
    last = {"response": "", "done": True, "status": "success"}
    assert len(list(reader.read(json.dumps(last).encode() + b"\n" + b"x" * 101))) == 1
    assert reader.done


def test_the_step_before_a_long_line_is_emitted() -> None:
    found: list[Progress] = []
    with pytest.raises(LineTooLongError):
        found.extend(ProgressReader(100).read(b'{"status":"pulling manifest"}\n' + b"x" * 101))
    assert [step.status for step in found] == ["pulling manifest"]


def test_the_servers_text_stays_short_in_messages_and_whole_in_the_error() -> None:
    with pytest.raises(ServerError) as caught:
        texts(ChunkReader(), json.dumps({"error": "secret " * 1000}).encode() + b"\n")
    assert len(str(caught.value)) < 150
    assert caught.value.reason == "secret " * 1000


def test_a_last_chunk_of_eight_megabytes_is_read() -> None:
    context = list(range(1_000_000, 1_880_000))
    line = json.dumps({"response": "", "done": True, "context": context}, separators=(",", ":")).encode()
    assert 7_000_000 < len(line) < 8_000_000
    reader = ChunkReader()
    pieces = [line[start : start + 65536] for start in range(0, len(line), 65536)]
    chunks = [chunk for piece in [*pieces, b"\n"] for chunk in reader.read(piece)]
    assert chunks[0].context == tuple(context)


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


@pytest.mark.parametrize("task", ["pull", "push", "create"])
def test_an_error_of_a_pull_says_that_it_was_a_pull(task: ProgressTask) -> None:
    with pytest.raises(ServerError, match=f"stopped the {task}: no such host"):
        list(ProgressReader(task=task).read(b'{"error":"no such host"}\n'))
    with pytest.raises(IncompleteStreamError, match=f'ended the {task} before "success"') as caught:
        list(ProgressReader(task=task).end())
    assert caught.value.retryable


SUCCESS = b'{"status":"success"}\n'


@pytest.mark.parametrize("after", [b'{"error":"late"}\n', b"garbage\n", b'{"status":"more"}\n'])
def test_nothing_after_success_is_read_in_one_read_or_in_two(after: bytes) -> None:
    for payloads in ([SUCCESS + after], [SUCCESS, after], [SUCCESS[:5], SUCCESS[5:] + after]):
        reader, found = ProgressReader(), list[str]()
        for payload in payloads:
            if not reader.done:  # then nobody reads on
                found.extend(step.status for step in reader.read(payload))
        assert found == ["success"]
        assert list(reader.end()) == []


def test_progress_may_fail_in_the_middle() -> None:
    reader = ProgressReader()
    with pytest.raises(ServerError, match="file does not exist"):
        list(reader.read(b'{"status":"pulling manifest","error":null}\n{"error":"file does not exist"}\n'))


# single JSON bodies


def names(raw: dict[str, Any]) -> list[str]:
    return sorted(raw)


def test_a_json_body_may_come_in_any_pieces_and_on_several_lines() -> None:
    reader = JsonReader(names)
    for byte in b'{\n "b": 1,\r\n "a": 2\n}\n':
        assert list(reader.read(bytes([byte]))) == []
    assert list(reader.end()) == [["a", "b"]]
    assert reader.done
    assert reader.partial == ""


def test_an_empty_body_is_an_error_where_an_object_is_expected() -> None:
    with pytest.raises(BadLineError):
        list(JsonReader(names).end())


@pytest.mark.parametrize("body", [b"", b"null", b"\n", b"{}"])
def test_a_body_may_be_empty_where_that_is_allowed(body: bytes) -> None:
    reader = JsonReader(names, allow_empty=True)
    list(reader.read(body))
    assert list(reader.end()) == [[]]


def test_a_json_body_may_be_an_error() -> None:
    reader = JsonReader(names)
    list(reader.read(b'{"error":"no"}'))
    with pytest.raises(ServerError, match="no"):
        list(reader.end())


def test_a_json_body_may_be_longer_than_a_line_up_to_a_limit() -> None:
    reader = JsonReader(names, 10)
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
        (b'{"error":"{\\"error\\":{\\"code\\":400,\\"message\\":\\"too long\\"}}"}', ("too long", None)),
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


def test_errors_in_errors_are_unwrapped_a_few_times_only() -> None:
    error = "cause"
    for _ in range(12):
        error = json.dumps({"error": error})
    reason, _ = reason_of(error.encode())
    assert reason.startswith('{"error": ')
    assert reason.endswith("}")
    assert "cause" in reason


# all readers, payloads cut anywhere


@pytest.mark.parametrize(
    ("make", "body"),
    [
        (ChunkReader, text_line("é") + text_line("<\u2028>") + DONE[:-1]),
        (ChunkReader, text_line("日本") + b'{"error":"x"}'),
        (ProgressReader, b'{"status":"a","total":5}\r\n\r\n{"status":"success"}'),
        (lambda: JsonReader(Chunk), b'{"response":"caf\xc3\xa9"}'),
    ],
)
def test_the_result_does_not_depend_on_the_cuts(make: Callable[[], Reader[object]], body: bytes) -> None:
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


@pytest.mark.parametrize("done", [b"", b',"done":false', b',"done":null', b',"done":0'])
@pytest.mark.parametrize("more", [b"", b',"done_reason":null', b',"done_reason":""', b',"error":null'])
def test_a_chunk_without_done_and_without_a_reason_is_not_the_last(done: bytes, more: bytes) -> None:
    line = b'{"response":"a"' + done + more + b"}\n"
    for payloads in ([line, line], [line + line], [line[:5], line[5:] + line]):
        reader = ChunkReader()
        assert texts(reader, *payloads) == ["a", "a"]
        assert not reader.done


def test_the_chunks_before_a_bad_line_of_the_same_read_are_emitted() -> None:
    reader, texts = ChunkReader(), list[str]()
    with pytest.raises(BadLineError) as caught:
        texts.extend(chunk.text for chunk in reader.read(b'{"response":"Hi"}\n[]\n{"response":"!"}\n'))
    assert caught.value.partial == "Hi"


def test_progress_is_told_for_all_layers_too() -> None:
    lines = (
        b'{"status":"pulling manifest"}\n'
        b'{"status":"pulling a","digest":"a","total":10}\n'
        b'{"status":"pulling a","digest":"a","total":10,"completed":4}\n'
        b'{"status":"pulling b","digest":"b","total":5,"completed":5}\n'
        b'{"status":"pulling a","digest":"a","total":10,"completed":10}\n'
        b'{"status":"verifying","digest":"c"}\n'
        b'{"status":"success"}\n'
    )
    steps = [(step.overall_completed, step.overall_total) for step in ProgressReader().read(lines)]
    assert steps == [(None, None), (0, 10), (4, 10), (9, 15), (15, 15), (15, 15), (15, 15)]


# bodies that are passed on


@given(st.lists(st.sampled_from([b"\n", b"x", b"yy\n", b"z" * 20_000])))
def test_a_body_is_passed_on_unchanged_however_it_is_cut(payloads: list[bytes]) -> None:
    reader = RawReader()
    items = [item for payload in payloads for item in reader.read(payload)]
    assert not reader.done
    items += reader.end()
    assert reader.done
    assert b"".join(items) == b"".join(payloads)
    assert all(items)


def test_a_body_is_passed_on_line_by_line_as_soon_as_lines_are_complete() -> None:
    reader = RawReader()
    assert list(reader.read(b"a")) == []
    assert list(reader.read(b"b\nc\nd")) == [b"ab\nc\n"]
    assert list(reader.end()) == [b"d"]


def test_a_long_line_is_passed_on_in_pieces() -> None:
    reader = RawReader()
    assert list(reader.read(b"x" * 16_384)) == []
    assert list(reader.read(b"x")) == [b"x" * 16_385]
    assert list(reader.read(b"y\n")) == [b"y\n"]
