"""The file contains whole lines of JSON at any time."""

import io
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
import pytest
from reactivex import Observable, empty, never, of, throw

from ollama_rx import Chunk, SinkError, deliver
from ollama_rx.sinks import Collector, JsonLines
from ollama_rx.sinks._control_characters import escape_controls

CHUNKS = (
    Chunk({"response": "gr\u00fc\u00df\n", "done": False, "unknown": [1, None]}),
    Chunk({"response": "", "done": True}),
)
LINES = '{"response":"grüß\\n","done":false,"unknown":[1,null]}\n{"response":"","done":true}\n'


def test_chunks_are_written_as_the_server_sent_them(tmp_path: Path) -> None:
    file = tmp_path / "answer.jsonl"
    deliver(of(*CHUNKS), JsonLines(file)).wait(5)
    assert file.read_text(encoding="utf-8") == LINES


def test_other_items_are_written_as_they_are(tmp_path: Path) -> None:
    @dataclass
    class Point:
        x: int

    file = tmp_path / "answer.jsonl"
    deliver(of("word", 1.5, {"a": (1, 2)}, Point(3)), JsonLines(str(file))).wait(5)
    assert file.read_text() == '"word"\n1.5\n{"a":[1,2]}\n{"x":3}\n'


def test_an_existing_file_is_replaced_or_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "answer.jsonl"
    for append, expected in (False, "1\n"), (False, "1\n"), (True, "1\n1\n"):
        deliver(of(1), JsonLines(file, append=append)).wait(5)
        assert file.read_text() == expected


def test_the_old_content_stays_until_the_first_item_arrives(tmp_path: Path) -> None:
    file = tmp_path / "answer.jsonl"
    file.write_text('"an old answer"\n')
    with JsonLines(file) as sink:
        assert file.read_text() == '"an old answer"\n'
        sink.on_next("new")
        assert file.read_text() == '"new"\n'


@pytest.mark.parametrize("end", [throw(ConnectionError("refused")), never()])
def test_a_stream_that_ends_before_its_first_item_loses_nothing(
    tmp_path: Path, end: Observable[object]
) -> None:
    file = tmp_path / "answer.jsonl"
    file.write_text("1\n")
    delivery = deliver(end, JsonLines(file))
    delivery.cancel()
    with suppress(ConnectionError):
        delivery.wait(5)
    assert file.read_text() == "1\n"


def test_a_stream_that_completes_without_an_item_empties_the_file(tmp_path: Path) -> None:
    file = tmp_path / "answer.jsonl"
    file.write_text("1\n")
    deliver(empty(), JsonLines(file)).wait(5)
    assert file.read_text() == ""


@pytest.mark.parametrize("item", [{"a": object()}, object()])
def test_an_item_that_is_not_serialisable_leaves_the_old_content(tmp_path: Path, item: object) -> None:
    file = tmp_path / "answer.jsonl"
    file.write_text("1\n")
    with pytest.raises(SinkError):
        deliver(of(item), JsonLines(file)).wait(5)
    assert file.read_text() == "1\n"


def test_a_device_is_written_to_although_it_cannot_be_emptied() -> None:
    deliver(of(1), JsonLines(os.devnull)).wait(5)


def test_a_file_that_cannot_be_written_is_an_error_when_the_sink_is_made(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        JsonLines(tmp_path)


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


CONTROLS = "\x1b[2J \x7f \x80 \x9b2J \u202e \u2066 \u2069 gr\u00fc\u00df\n"


def test_on_a_terminal_controls_are_escaped_and_the_value_stays_the_same() -> None:
    shown = Terminal()
    deliver(of({CONTROLS: CONTROLS}), JsonLines(shown)).wait(5)
    line = shown.getvalue().decode()
    assert escape_controls(line) == line
    assert "\\u009b2J" in line
    assert "gr\u00fc\u00df" in line
    assert orjson.loads(line) == {CONTROLS: CONTROLS}


def test_in_a_file_only_the_controls_that_json_forbids_are_escaped() -> None:
    file = io.BytesIO()
    deliver(of("\x1b\x9b"), JsonLines(file)).wait(5)
    assert file.getvalue().decode() == '"\\u001b\x9b"\n'


def test_a_file_of_the_users_own_needs_only_write_and_flush() -> None:
    class Lines:
        def __init__(self) -> None:
            self.written: list[bytes] = []

        def write(self, data: bytes) -> int:
            self.written.append(data)
            return len(data)

        def flush(self) -> None:
            pass

    file = Lines()
    deliver(of(1), JsonLines(cast(BinaryIO, file))).wait(5)
    assert file.written == [b"1\n"]


def test_each_line_is_in_the_file_before_the_next_item_arrives(tmp_path: Path) -> None:
    file = tmp_path / "answer.jsonl"
    with JsonLines(file) as sink:
        sink.on_next(1)
        assert file.read_text() == "1\n"


def test_a_line_is_completed_after_a_partial_write(tmp_path: Path) -> None:
    class PartialWriter(io.BytesIO):
        def write(self, data: Any, /) -> int:
            return super().write(data[:3])

    file = PartialWriter()
    sink = JsonLines(tmp_path / "answer.jsonl", append=True)
    sink._file.close()
    sink._file = file
    sink.on_next("some text")
    assert file.getvalue() == b'"some text"\n'


def test_without_flush_lines_are_written_in_blocks(tmp_path: Path) -> None:
    file = tmp_path / "answer.jsonl"
    with JsonLines(file, flush=False) as sink:
        sink.on_next(1)
        assert file.read_text() == ""
    assert file.read_text() == "1\n"


def test_an_item_that_is_not_serialisable_fails_the_sink_and_leaves_whole_lines(tmp_path: Path) -> None:
    file = tmp_path / "answer.jsonl"
    with pytest.raises(SinkError, match="not JSON serializable") as caught:
        deliver(of(1, {"a": object()}, 2), JsonLines(file)).wait(5)
    assert isinstance(caught.value.__cause__, TypeError)
    assert file.read_text() == "1\n"


def test_an_open_file_stays_open() -> None:
    file = io.BytesIO()
    deliver(of(1), JsonLines(file, flush=False)).wait(5)
    assert file.getvalue() == b"1\n"


def test_append_is_refused_for_an_open_file() -> None:
    with pytest.raises(ValueError, match=r"^append: expected False for an open file, .*, got True$"):
        JsonLines(io.BytesIO(), append=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"file": None}, "file: expected a path or a binary file that is open for writing, got NoneType"),
        (
            {"file": io.StringIO()},
            "file: expected a path or a binary file that is open for writing, got StringIO",
        ),
        ({"append": 1}, "append: expected True or False, got int"),
        ({"flush": "no"}, "flush: expected True or False, got str"),
    ],
)
def test_wrong_arguments_are_refused_before_a_file_is_opened(
    tmp_path: Path, arguments: dict[str, Any], message: str
) -> None:
    file = tmp_path / "answer.jsonl"
    given: dict[str, Any] = {"file": file} | arguments
    with pytest.raises(TypeError, match=f"^{message}$"):
        JsonLines(**given)
    assert not file.exists()


@pytest.mark.parametrize("flush", [True, False])
def test_a_broken_pipe_stops_the_sink_without_an_error_and_the_others_continue(flush: bool) -> None:  # noqa: FBT001
    class BrokenPipe(io.BytesIO):
        def flush(self) -> None:
            raise BrokenPipeError

    other = Collector[int]()
    deliver(of(1, 2), JsonLines(BrokenPipe(), flush=flush), other).wait(5)
    assert other.items == [1, 2]


def test_a_uri_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "answer.jsonl"
    deliver(of(1), JsonLines.from_uri(str(file))).wait(5)
    assert file.read_text() == "1\n"
    with pytest.raises(ValueError, match=r"^file: expected a path, as in jsonl:answer\.jsonl, .*, got ''$"):
        JsonLines.from_uri("")
