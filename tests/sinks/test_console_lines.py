"""`Console(end=...)`: what stands after each item."""

import io

from reactivex import of

from ollama_rx import Chunk
from ollama_rx.sinks import Console


def test_each_text_gets_a_line_of_its_own() -> None:
    file = io.StringIO()
    _ = of("One.", "", "Two.").subscribe(Console(file, end="\n"))
    assert file.getvalue() == "One.\nTwo.\n"


def test_each_chunk_that_has_text_gets_a_line_of_its_own() -> None:
    file = io.StringIO()
    chunks = of(Chunk({"response": "One."}), Chunk({"response": ""}), Chunk({"response": "Two."}))
    _ = chunks.subscribe(Console(file, end="\n"))
    assert file.getvalue() == "One.\nTwo.\n"
