"""On recorded streams the operators give the same results as simple code that reads the whole text.

The recordings are not part of the project; OLLAMA_RX_RECORDINGS names the folder that holds them.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from reactivex import Observable

from ollama_rx import Chunk, ContextBox, Stats
from ollama_rx import operators as op
from tests.operators.text_pieces import run

FOLDER = os.environ.get("OLLAMA_RX_RECORDINGS")
FILES = sorted(Path(FOLDER).glob("*.ndjson")) if FOLDER else []

pytestmark = pytest.mark.skipif(FOLDER is None, reason="OLLAMA_RX_RECORDINGS is not set")
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def lines_of(file: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in file.read_bytes().split(b"\n") if line.strip()]
    if not any("response" in line or "message" in line for line in found):
        pytest.skip("not the answer of a model")
    return found


def chunks_of(file: Path) -> list[Chunk]:
    return [Chunk(line) for line in lines_of(file)]


def text_of(file: Path) -> str:
    return "".join(
        line.get("response") or line.get("message", {}).get("content") or "" for line in lines_of(file)
    )


@each_file
def test_text_emits_the_whole_text(file: Path) -> None:
    assert "".join(run(op.text(), chunks_of(file))) == text_of(file)


@each_file
def test_thinking_and_answer_are_separated_at_the_tags(file: Path) -> None:
    text = text_of(file)
    match = re.fullmatch(r"(?s)\s*<think>\s*(.*?)</think>\s*(.*)", text)
    thinking, answer = match.groups() if match else ("", text)
    native = "".join(chunk.thinking for chunk in chunks_of(file))
    chunks = run(op.split_thinking(), chunks_of(file))
    assert "".join(chunk.thinking for chunk in chunks) == native + thinking
    assert "".join(chunk.text for chunk in chunks) == answer


@each_file
def test_metrics_and_context_come_from_the_last_line(file: Path) -> None:
    lines = lines_of(file)
    box = ContextBox()
    found: list[Stats] = []

    def measure(chunks: Observable[Chunk]) -> Observable[Chunk]:
        return chunks.pipe(op.capture_context(box), op.gather_stats(found.append))

    assert run(measure, chunks_of(file)) == chunks_of(file)
    (stats,) = found
    assert (stats.chunks, stats.characters) == (len(lines), len(text_of(file)))
    assert (stats.metrics.eval_count if stats.metrics else None) == lines[-1].get("eval_count")
    assert list(box.value or ()) == lines[-1].get("context", [])


@each_file
def test_each_tool_call_is_emitted_once(file: Path) -> None:
    names = [
        call["function"]["name"]
        for line in lines_of(file)
        for call in line.get("message", {}).get("tool_calls") or ()
    ]
    assert [call.name for call in run(op.tool_calls(), chunks_of(file))] == names


@each_file
def test_the_pieces_of_text_operators_joined_are_the_text(file: Path) -> None:
    texts = run(op.text(), chunks_of(file))
    whole = text_of(file)
    assert "".join(run(op.buffer_tokens(chars=40, until="\n"), texts)) == whole
    assert "".join(run(op.smooth(per_second=5), texts)) == whole
    assert "".join(run(op.split_words(), texts)) == "".join(whole.split())
    assert run(op.split_words(), texts) == run(op.split_words(), whole)
    assert run(op.split_lines(), texts) == run(op.split_lines(), [whole])
    assert "".join(run(op.stop_at("\n\n"), texts)) == whole.partition("\n\n")[0]


@each_file
def test_no_bold_or_code_fence_is_left_in_speakable_sentences(file: Path) -> None:
    sentences = run(op.split_sentences(), run(op.text(), chunks_of(file)))
    spoken = run(op.speakable(), sentences)
    assert not any("**" in text or "```" in text for text in spoken)
