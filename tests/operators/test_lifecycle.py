"""What every operator promises about its stream and its import."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from reactivex import Observable

from ollama_rx import Chunk, ContextBox, Stats
from ollama_rx import operators as op
from ollama_rx.testing import check_lifecycle

AnyOperator = Callable[[Observable[Any]], Observable[Any]]


def chunk(text: str) -> Chunk:
    return Chunk(
        {"message": {"content": text, "thinking": text, "tool_calls": [{"function": {"name": text}}]}}
    )


async def shout(text: str) -> str:
    return text.upper()


def ignore(_: Stats) -> None:
    pass


# what the others do not emit: something for an empty source
WHEN_EMPTY = {"join_text": [""]}

# name -> how to build it, and items for which it holds something back and emits something
OPERATORS: dict[str, tuple[Callable[[], AnyOperator], list[Any]]] = {
    "accumulate_text": (op.accumulate_text, ["a", "b"]),
    "buffer_tokens": (lambda: op.buffer_tokens(count=2), ["held", " out", " held"]),
    "capture_context": (lambda: op.capture_context(ContextBox()), [chunk("a"), chunk("b")]),
    "capture_message": (lambda: op.capture_message([]), [chunk("a"), chunk("b")]),
    "gather_stats": (lambda: op.gather_stats(ignore), [chunk("a"), chunk("b")]),
    "join_text": (op.join_text, ["held", " held"]),
    "map_async": (lambda: op.map_async(shout), ["a", "b"]),
    "markdown_blocks": (op.markdown_blocks, ["# out\nheld", " held"]),
    "parse_json": (op.parse_json, ['{"a": ', '"b"} ']),
    "retry_unstarted": (op.retry_unstarted, ["out", "b"]),
    "smooth": (lambda: op.smooth(per_second=0.01, max_lag=90), ["out held", " held"]),
    "speakable": (op.speakable, ["**out", "out** held"]),
    "split_lines": (op.split_lines, ["held", " out\nheld"]),
    "split_sentences": (op.split_sentences, ["held", " out. He held"]),
    "split_thinking": (op.split_thinking, [chunk("<thi"), chunk("nk>out</thi")]),
    "split_words": (op.split_words, ["held", " out held"]),
    "stop_at": (lambda: op.stop_at("held"), ["out", "hel"]),
    "text": (op.text, [chunk("a"), chunk("b")]),
    "thinking": (op.thinking, [chunk("a"), chunk("b")]),
    "throttle_latest": (lambda: op.throttle_latest(60), ["out", "held"]),
    "tool_calls": (op.tool_calls, [chunk("a"), chunk("b")]),
    "whole_answer": (op.whole_answer, [chunk("held"), chunk("held")]),
}


def test_every_exported_operator_is_listed_here() -> None:
    assert sorted(OPERATORS) == [name for name in op.__all__ if name.islower()]


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_an_operator_keeps_every_promise(name: str) -> None:
    build, items = OPERATORS[name]
    check_lifecycle(build, *items, when_empty=WHEN_EMPTY.get(name, ()))


IMPORT_WITHOUT_COMPILE = """
import re
from importlib import import_module

import orjson, ollama_rx.arguments, ollama_rx.chunks, ollama_rx.rx.operator

re.compile = None
for name in {names!r}:
    import_module("ollama_rx.operators._" + name)
"""


def test_importing_an_operator_compiles_no_regular_expression() -> None:
    code = IMPORT_WITHOUT_COMPILE.format(names=sorted(OPERATORS))
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
