"""A pipeline in the wrong order is refused, by an error that names the operator and says what to do."""

from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops

from ollama_rx import Chunk, Client, ContextBox
from ollama_rx import operators as op
from ollama_rx.rx import Emitter, through

CLIENT = Client("http://127.0.0.1:9", model="m")
Operator = Callable[[], Any]


class Forwards:
    def __init__(self, out: Emitter[Any]) -> None:
        self.feed = out.emit


def ignore(_: object) -> None:
    """Receive something and do nothing with it."""


TEXT_OPERATORS: dict[str, Operator] = {
    "accumulate_text": op.accumulate_text,
    "buffer_tokens": lambda: op.buffer_tokens(count=2),
    "join_text": op.join_text,
    "parse_json": op.parse_json,
    "smooth": lambda: op.smooth(per_second=9),
    "speakable": op.speakable,
    "split_lines": op.split_lines,
    "split_sentences": op.split_sentences,
    "split_words": op.split_words,
    "stop_at": lambda: op.stop_at("END"),
}
CHUNK_OPERATORS: dict[str, Operator] = {
    "capture_context": lambda: op.capture_context(ContextBox()),
    "gather_stats": lambda: op.gather_stats(ignore),
    "split_thinking": op.split_thinking,
    "text": op.text,
    "thinking": op.thinking,
    "tool_calls": op.tool_calls,
}


@pytest.mark.parametrize(("name", "operator"), TEXT_OPERATORS.items(), ids=TEXT_OPERATORS)
def test_an_operator_on_text_says_that_text_was_forgotten(name: str, operator: Operator) -> None:
    message = rf"^{name}: expected text, got Chunk; put text\(\) before it$"
    with pytest.raises(TypeError, match=message):
        CLIENT.generate("x").pipe(operator())
    with pytest.raises(TypeError, match=message):
        rx.of(Chunk({"response": "Hi"})).pipe(operator()).run()


@pytest.mark.parametrize(("name", "operator"), CHUNK_OPERATORS.items(), ids=CHUNK_OPERATORS)
def test_an_operator_on_chunks_says_that_it_comes_too_late(name: str, operator: Operator) -> None:
    message = f"^{name}: expected a Chunk, got str; the chunks have become text before it: move it up$"
    with pytest.raises(TypeError, match=message):
        CLIENT.generate("x").pipe(op.text(), operator())
    with pytest.raises(TypeError, match=message):
        rx.of("Hi").pipe(operator()).run()


def test_the_steps_of_a_pull_are_not_chunks() -> None:
    steps: Any = CLIENT.pull("m")
    with pytest.raises(TypeError, match=r"^text: expected a Chunk, got Progress$"):
        steps.pipe(op.text())


def test_bytes_are_not_text() -> None:
    stream: Any = rx.of(b"Hi")
    with pytest.raises(TypeError, match=r"^split_words: expected text, got bytes; decode the bytes first$"):
        stream.pipe(op.split_words()).run()


PASSES_ON: dict[str, Any] = {
    "retry_unstarted": op.retry_unstarted(),
    "throttle_latest": op.throttle_latest(1),
    "a machine": through(Forwards),
    "map": ops.map(str.upper),
}


@pytest.mark.parametrize("between", PASSES_ON.values(), ids=PASSES_ON)
def test_what_passes_everything_on_does_not_hide_the_mistake(between: Any) -> None:
    stream: Any = rx.of("Hi")
    with pytest.raises(TypeError, match=r"^text: expected a Chunk, got str"):
        stream.pipe(between, op.text()).run()


def test_a_subclass_fits() -> None:
    class Word(str):
        __slots__ = ()

    assert rx.of(Word("Hi ")).pipe(op.split_words()).run() == "Hi"


def test_an_operator_of_ones_own_is_checked_if_it_says_what_it_takes() -> None:
    double = through(Forwards, name="double", takes=int)
    assert rx.of(1).pipe(double).run() == 1
    with pytest.raises(TypeError, match=r"^double: expected an int, got str$"):
        rx.of("1").pipe(double).run()
