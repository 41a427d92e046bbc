"""Our readers and the json module read the same from streams of real servers, however they are cut.

The recordings are not part of the project; OLLAMA_RX_RECORDINGS names the folder that holds them.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx import Chunk, Client, IncompleteStreamError, Progress, ServerError, StreamError
from ollama_rx.protocol.ndjson import LineBuffer, split_lines
from ollama_rx.protocol.readers import ChunkReader, ProgressReader, Reader, reason_of
from ollama_rx.testing import (
    FakeOllama,
    Reply,
    all_at_once,
    blank_lines,
    byte_by_byte,
    crlf,
    inside_characters,
    inside_escapes,
    line_by_line,
    lines_per_write,
    pieces_of,
    recording,
    without_last_newline,
)

FOLDER = os.environ.get("OLLAMA_RX_RECORDINGS")
FILES = sorted(Path(FOLDER).rglob("*.ndjson")) if FOLDER else []
BODIES = [
    file for file in (sorted(Path(FOLDER).rglob("*.json")) if FOLDER else []) if ".meta" not in file.suffixes
]

pytestmark = pytest.mark.skipif(FOLDER is None, reason="OLLAMA_RX_RECORDINGS is not set")
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@dataclass
class Summary:
    """The content of a stream, read by our readers or with the json module alone."""

    lines: list[dict[str, Any]]
    text: str = ""
    thinking: str = ""
    tool_calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    context: list[int] | None = None
    figures: tuple[float | None, ...] = ()
    done_reason: str | None = None
    statuses: tuple[str, ...] = ()
    error: str | None = None


GIVEN_UP = "the stream ended without its last line"
FIGURES = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
COUNTS = ("prompt_eval_count", "eval_count")


def read_with_json(body: bytes) -> Summary:
    """Read a recording with the json module alone."""
    lines: list[dict[str, Any]] = [json.loads(line) for line in body.split(b"\n") if line.strip()]
    summary = Summary([line for line in lines if "error" not in line])
    ended = False
    for line in lines:
        ended = ended or bool(line.get("done")) or line.get("status") == "success" or "error" in line
        message = line.get("message") or line
        summary.text += message.get("content", message.get("response", ""))
        summary.thinking += message.get("thinking", "")
        for call in message.get("tool_calls", ()):
            summary.tool_calls += ((call["function"]["name"], call["function"]["arguments"]),)
        if "status" in line:
            summary.statuses += (line["status"],)
        if line.get("done"):
            summary.context = line.get("context")
            summary.done_reason = line.get("done_reason")
            summary.figures = tuple(line[name] / 1e9 if name in line else None for name in FIGURES)
            summary.figures += tuple(line.get(name) for name in COUNTS)
        summary.error = line.get("error")
    if not ended:
        summary.error = GIVEN_UP
    return summary


def summary_of(items: list[Any], error: StreamError | None) -> Summary:
    """Summarise the items of our readers."""
    summary = Summary([dict(item.raw) for item in items], error=None if error is None else reason(error))
    for item in items:
        if isinstance(item, Progress):
            summary.statuses += (item.status,)
            continue
        assert isinstance(item, Chunk)
        summary.text += item.text
        summary.thinking += item.thinking
        summary.tool_calls += tuple((call.name, dict(call.arguments)) for call in item.tool_calls)
        if item.metrics is not None:
            summary.context = None if item.context is None else list(item.context)
            summary.done_reason = item.done_reason
            summary.figures = tuple(getattr(item.metrics, name) for name in (*FIGURES, *COUNTS))
    if error is not None:
        assert error.partial == summary.text
    return summary


def reason(error: StreamError) -> str:
    assert isinstance(error, ServerError | IncompleteStreamError)
    return error.reason if isinstance(error, ServerError) else GIVEN_UP


def is_progress(body: bytes) -> bool:
    return b'"status"' in body.partition(b"\n")[0]


def reader_of(body: bytes) -> Reader[Chunk] | Reader[Progress]:
    return ProgressReader() if is_progress(body) else ChunkReader()


def read(body: bytes, *payloads: bytes) -> Summary:
    reader, items = reader_of(body), list[Any]()
    try:
        for payload in payloads:
            items.extend(reader.read(payload))
        items.extend(reader.end())
    except StreamError as error:
        return summary_of(items, error)
    return summary_of(items, None)


def test_there_are_recordings() -> None:
    assert FILES


@each_file
def test_a_recording_reads_as_plain_json_does(file: Path) -> None:
    body = file.read_bytes()
    assert read(body, body) == read_with_json(body)


@each_file
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pieces_of_any_size_read_the_same(file: Path, size: int) -> None:
    body = file.read_bytes()
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert read(body, *pieces) == read_with_json(body)


@each_file
def test_a_cut_at_any_byte_gives_the_same_lines(file: Path) -> None:
    body = file.read_bytes()
    expected = body.split(b"\n")
    for place in range(len(body) + 1):
        lines = LineBuffer()
        found = b"".join(map(lines.complete_lines, (body[:place], body[place:], b"\n")))
        assert split_lines(found) == expected, place


@each_file
def test_a_cut_at_any_byte_of_a_line_reads_the_same(file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    for before, line in zip([b"", *lines], lines, strict=False):
        window = before + line
        expected = items_of(window)
        for place in range(len(before), len(window) + 1):
            assert items_of(window[:place], window[place:]) == expected, (line, place)


def items_of(*payloads: bytes) -> tuple[list[Any], str | None]:
    reader, items = reader_of(payloads[0] + b"".join(payloads[1:])), list[Any]()
    try:
        for payload in payloads:
            items.extend(reader.read(payload))
    except ServerError as error:
        return items, error.reason
    return items, None


MODES: dict[str, Callable[[Reply], Reply]] = {
    "line by line": lambda reply: reply.sent(line_by_line),
    "byte by byte": lambda reply: reply.sent(byte_by_byte),
    "all at once": lambda reply: reply.sent(all_at_once),
    "three lines a write": lambda reply: reply.sent(lines_per_write(3)),
    "in pieces of seven": lambda reply: reply.sent(pieces_of(7)),
    "inside characters and escapes": lambda reply: reply.sent(inside_characters, inside_escapes),
    "with CR LF and blank lines": lambda reply: reply.sent(crlf, blank_lines, pieces_of(11)),
    "without the last newline": lambda reply: reply.sent(without_last_newline),
    "until the connection closes": lambda reply: reply.sent(pieces_of(100), framing="close"),
    "in a body of known length": lambda reply: reply.sent(framing="length"),
    "in writes across the HTTP chunks": lambda reply: reply.sent(socket_bytes=61),
}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_the_client_reads_as_plain_json_does(mode: Callable[[Reply], Reply]) -> None:
    bodies = [file.read_bytes() for file in FILES]
    for body in bodies:
        reply = mode(recording(body))
        on = {"/api/pull": reply}
        with FakeOllama(reply, on=on) as fake, Client(fake.url, model="m") as client:
            stream: Observable[Any] = client.pull() if is_progress(body) else client.generate("Hi")
            assert collected(stream) == read_with_json(body)


def collected(stream: Observable[Any]) -> Summary:
    items: list[Any] = []
    try:
        stream.pipe(ops.do_action(items.append)).run()
    except StreamError as error:
        return summary_of(items, error)
    return summary_of(items, None)


@pytest.mark.parametrize("file", BODIES, ids=lambda file: file.stem)
def test_a_body_that_is_not_a_stream_reads_as_plain_json_does(file: Path) -> None:
    body = file.read_bytes()
    found = reason_of(body)[0]
    try:
        raw = json.loads(body)
    except json.JSONDecodeError:  # plain text, or several lines
        assert found == body.decode().strip()
    else:
        assert found == raw.get("error", body.decode().strip())


def test_the_server_that_guards_against_repetition_is_not_asked_again() -> None:
    for file in FILES:
        reader = ChunkReader()
        if file.stem == "token-repeat-guard":
            list(reader.read(file.read_bytes()))
            with pytest.raises(IncompleteStreamError) as caught:
                list(reader.end())
            assert not caught.value.retryable
