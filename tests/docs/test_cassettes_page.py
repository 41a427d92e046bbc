"""The lines that docs/cassettes.md shows are those that are written and read."""

from pathlib import Path

from ollama_rx.testing.cassettes.cassette_file import CassetteWriter, read_cassette
from ollama_rx.testing.cassettes.recorded_exchange import (
    RecordedExchange,
    RecordedLine,
    RecordedRequest,
    Recording,
)
from tests.docs.pages import PAGES, blocks, section

LINES = "".join(blocks(section(PAGES["docs/cassettes.md"], "The file"), ""))
EXCHANGE = RecordedExchange(
    RecordedRequest("POST", "/api/generate", {"model": "llama3.2", "prompt": "Hi", "stream": True}),
    status=200,
    content_type="application/x-ndjson",
    head_ms=210.5,
    lines=[
        RecordedLine(210.5, b'{"response":"Hel","done":false}\n'),
        RecordedLine(251.25, b'{"response":"\xff","done":false}\n'),
    ],
    end="broken",
    end_ms=260.5,
    error="ReadError",
    reason="[Errno 104] Connection reset by peer",
)


def test_the_lines_are_read_as_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "page.cassette"
    path.write_text(LINES)
    assert read_cassette(path) == Recording(has_texts=True, exchanges=[EXCHANGE])


def test_the_lines_are_written_as_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "page.cassette"
    writer = CassetteWriter(path, texts=True)
    writer.write(EXCHANGE, "2026-11-27T12:00:00.000Z")
    writer.close()
    assert path.read_text() == LINES
