"""The file contains whole lines of JSON at any time."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from reactivex import of

from ollama_rx import Chunk, SinkError, deliver
from ollama_rx.sinks import Collector, JsonLines

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
    sink = JsonLines(tmp_path / "answer.jsonl")
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
