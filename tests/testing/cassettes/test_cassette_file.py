"""The format of cassettes: what is written is read again, and what is broken is said."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_rx import CassetteError
from ollama_rx.testing import replay
from ollama_rx.testing.cassettes.cassette_file import CassetteWriter, read_cassette
from ollama_rx.testing.cassettes.recorded_exchange import RecordedExchange, RecordedLine, RecordedRequest

HEADER = b'{"cassette":1,"texts":true}\n'
REQUEST = b'{"exchange":1,"request":"GET /api/version","at":"2026-11-27T00:00:00Z"}\n'
HEAD = b'{"exchange":1,"ms":1,"status":200,"content_type":"application/json"}\n'
LINE = b'{"exchange":1,"ms":2,"line":"{}"}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.cassette"


times = st.floats(0, 1e9).map(lambda ms: round(ms, 3))
exchanges = st.builds(
    RecordedExchange,
    request=st.builds(
        RecordedRequest,
        st.sampled_from(["GET", "POST"]),
        st.just("/api/chat"),
        st.one_of(st.none(), st.text(), st.dictionaries(st.text(), st.integers(0, 9))),
    ),
    status=st.integers(200, 599),
    content_type=st.one_of(st.none(), st.just("text/plain")),
    head_ms=times,
    lines=st.lists(st.builds(RecordedLine, times, st.binary(min_size=1))),
    end=st.sampled_from(["complete", "left"]),
    end_ms=times,
)


@given(recorded=st.lists(exchanges, max_size=4))
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, recorded: list[RecordedExchange]
) -> None:
    path = tmp_path_factory.mktemp("cassettes") / "a.cassette"
    writer = CassetteWriter(path, texts=True)
    for exchange in recorded:
        writer.write(exchange, "2026-11-27T00:00:00Z")
    writer.close()
    assert read_cassette(path).exchanges == recorded


def test_a_stream_whose_process_was_killed_ends_where_it_was(path: Path) -> None:
    path.write_bytes(HEADER + REQUEST + HEAD + LINE)
    (exchange,) = read_cassette(path).exchanges
    assert (exchange.end, exchange.end_ms, len(exchange.lines)) == ("left", 2, 1)


def test_the_half_line_of_a_killed_process_is_left_out(path: Path) -> None:
    path.write_bytes(HEADER + REQUEST + HEAD + LINE + LINE[:20])
    (exchange,) = read_cassette(path).exchanges
    assert len(exchange.lines) == 1


def test_a_file_cut_at_any_byte_is_the_beginning_of_a_cassette(path: Path) -> None:
    content = (
        HEADER + REQUEST + HEAD + LINE + '{"exchange":1,"ms":3,"line":"\N{GRINNING FACE}\\n"}\n'.encode()
    )
    for size in range(len(HEADER), len(content) + 1):
        path.write_bytes(content[:size])
        assert len(read_cassette(path).exchanges) == (size >= len(HEADER + REQUEST) - 1)


def test_windows_line_ends_and_lines_of_any_length_can_be_read(path: Path) -> None:
    long = b"x" * 2**23
    content = HEADER + REQUEST + HEAD + LINE.replace(b"{}", long)
    path.write_bytes(content.replace(b"\n", b"\r\n"))
    (exchange,) = read_cassette(path).exchanges
    assert exchange.lines[0].content == long


def half_and_no_more(write: Callable[[int, memoryview], int]) -> Callable[[int, memoryview], int]:
    """Return a write function of a disk that has room for half of what is written first."""
    is_full = False

    def write_half(file: int, data: memoryview) -> int:
        nonlocal is_full
        if is_full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        is_full = True
        return write(file, data[: len(data) // 2])

    return write_half


def test_a_disk_that_is_full_is_an_error_that_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = CassetteWriter(path, texts=True)
    request = RecordedRequest("GET", "/")
    with monkeypatch.context() as full:
        full.setattr("os.write", half_and_no_more(os.write))
        with pytest.raises(
            CassetteError, match=r"a\.cassette: it cannot be written: No space left on device"
        ):
            writer.begin(request, "now")
    with pytest.raises(CassetteError, match="No space left"):  # even if there is space again
        writer.begin(request, "now")
    writer.close()
    assert read_cassette(path).exchanges == []


def test_a_disk_that_is_full_from_the_beginning_leaves_no_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.write", full)
    with pytest.raises(CassetteError, match="No space left on device"):
        CassetteWriter(path, texts=True)
    assert not path.exists()


def test_fields_of_later_versions_and_empty_lines_are_ignored(path: Path) -> None:
    path.write_bytes(HEADER + b"\n" + REQUEST.replace(b'"at"', b'"new":[1],"at"') + HEAD)
    (exchange,) = read_cassette(path).exchanges
    assert exchange.status == 200


def test_after_it_was_closed_nothing_is_written(path: Path) -> None:
    writer = CassetteWriter(path, texts=True)
    writer.close()
    writer.begin(RecordedRequest("GET", "/"), "2026-11-27T00:00:00Z")
    assert path.read_bytes() == HEADER


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is not a cassette: its first line is not"),
        (b"hello", "it is not a cassette"),
        (b"[1]\n", "it is not a cassette"),
        (b'{"model":"m","done":true}\n', "it is not a cassette"),
        (b'{"cassette":2}\n', "it has version 2; this version of ollama_rx reads 1"),
        (HEADER + b"{\n" + REQUEST, "line 2 is not JSON"),
        (HEADER + REQUEST + b"[]\n", "line 3 is not an entry of a cassette"),
        (HEADER + REQUEST + REQUEST, "line 3 is not an entry"),
        (HEADER + HEAD, "line 2 is not an entry"),
        (HEADER + b'{"exchange":1,"request":"GET"}\n', "line 2 is not an entry"),
        (HEADER + b'{"exchange":1,"request":7}\n', "line 2 is not an entry"),
        (HEADER + REQUEST + b'{"exchange":1,"ms":-1,"line":""}\n', "line 3 is not an entry"),
        (HEADER + REQUEST + b'{"exchange":1,"ms":1e999,"line":""}\n', "line 3 is not"),
        (HEADER + REQUEST + b'{"exchange":1,"ms":1,"base64":"="}\n', "line 3 is not an entry"),
        (HEADER + REQUEST + b'{"exchange":1,"ms":1,"end":"soon"}\n', "line 3 is not an entry"),
        (HEADER + REQUEST + b'{"exchange":1,"ms":1}\n', "line 3 is not an entry"),
        (HEADER + REQUEST + HEAD.replace(b"200", b"99"), "line 3 is not an entry"),
        (HEADER + REQUEST + HEAD.replace(b"200", b'"200"'), "line 3 is not an entry"),
        (HEADER + REQUEST + HEAD.replace(b'"application/json"', b"[]"), "line 3 is not an entry"),
        (HEADER + REQUEST + HEAD + LINE[:20] + LINE, "line 4 is not JSON"),
        (HEADER + REQUEST + b"\xff\n", "line 3 is not JSON"),
    ],
)
def test_what_is_not_a_cassette_is_refused(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(CassetteError) as raised:
        replay(path)
    assert str(raised.value).startswith(f"cassette {path}: {message}")
    assert raised.value.path == path


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(CassetteError, match=r"a\.cassette: it cannot be read: No such file or directory"):
        read_cassette(path)


def test_each_line_is_a_json_object(path: Path) -> None:
    writer = CassetteWriter(path, texts=False)
    writer.write(
        RecordedExchange(RecordedRequest("GET", "/", "not JSON"), lines=[RecordedLine(1, b"\xff\n")]), "now"
    )
    writer.close()
    assert [orjson.loads(line) for line in path.read_bytes().splitlines()] == [
        {"cassette": 1, "texts": False},
        {"exchange": 1, "request": "GET /", "at": "now", "body": "not JSON"},
        {"exchange": 1, "ms": 1, "base64": "/wo="},
        {"exchange": 1, "ms": 0, "end": "left"},
    ]
