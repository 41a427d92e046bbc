"""What every operator promises about its stream and its import."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.subject import Subject
from reactivex.testing import ReactiveTest, TestScheduler

from ollama_rx import Chunk, ContextBox, Stats
from ollama_rx import operators as op

AnyOperator = Callable[[Observable[Any]], Observable[Any]]


def chunk(text: str) -> Chunk:
    return Chunk(
        {"message": {"content": text, "thinking": text, "tool_calls": [{"function": {"name": text}}]}}
    )


def ignore(_: Stats) -> None:
    pass


# name -> how to build it, an item that is held back or emitted, an item that makes it emit
OPERATORS: dict[str, tuple[Callable[[], AnyOperator], Any, Any]] = {
    "accumulate_text": (op.accumulate_text, "a", "b"),
    "buffer_tokens": (lambda: op.buffer_tokens(count=2), "held", " out"),
    "capture_context": (lambda: op.capture_context(ContextBox()), chunk("a"), chunk("b")),
    "gather_stats": (lambda: op.gather_stats(ignore), chunk("a"), chunk("b")),
    "parse_json": (op.parse_json, '{"a": ', '"b"} '),
    "retry_unstarted": (op.retry_unstarted, "out", "b"),
    "smooth": (lambda: op.smooth(per_second=0.01, max_lag=90), "out held", " held"),
    "speakable": (op.speakable, "**out", "out** held"),
    "split_lines": (op.split_lines, "held", " out\nheld"),
    "split_sentences": (op.split_sentences, "held", " out. He held"),
    "split_thinking": (op.split_thinking, chunk("<thi"), chunk("nk>out</thi")),
    "split_words": (op.split_words, "held", " out held"),
    "stop_at": (lambda: op.stop_at("held"), "out", "hel"),
    "text": (op.text, chunk("a"), chunk("b")),
    "thinking": (op.thinking, chunk("a"), chunk("b")),
    "throttle_latest": (lambda: op.throttle_latest(60), "out", "held"),
    "tool_calls": (op.tool_calls, chunk("a"), chunk("b")),
}

every_operator = pytest.mark.parametrize("name", sorted(OPERATORS))


def test_every_exported_operator_is_listed_here() -> None:
    assert sorted(OPERATORS) == op.__all__


@every_operator
def test_nothing_in_gives_nothing_out(name: str) -> None:
    build, _, _ = OPERATORS[name]
    events: list[str] = []
    rx.empty().pipe(build(), ops.materialize()).subscribe(lambda event: events.append(event.kind))
    assert events == ["C"]


@every_operator
def test_an_error_passes_at_once_and_drops_held_items(name: str) -> None:
    build, first, second = OPERATORS[name]
    source: Subject[Any] = Subject()
    before: list[Any] = []
    errors: list[Exception] = []
    source.pipe(build()).subscribe(before.append, errors.append)
    source.on_next(first)
    source.on_next(second)
    emitted = list(before)
    boom = RuntimeError("boom")
    source.on_error(boom)
    assert errors == [boom]
    assert before == emitted


@every_operator
def test_two_subscribers_do_not_share_state(name: str) -> None:
    build, first, second = OPERATORS[name]
    stream = rx.of(first, second).pipe(build(), ops.to_list())
    alone = stream.run()
    source: Subject[Any] = Subject()
    shared = source.pipe(build(), ops.to_list())
    found: list[list[Any]] = []
    shared.subscribe(found.append)
    shared.subscribe(found.append)
    for item in (first, second):
        source.on_next(item)
    source.on_completed()
    assert found == [alone, alone]
    assert stream.run() == alone


@every_operator
def test_cancel_unsubscribes_from_the_source_and_drops_held_items(name: str) -> None:
    build, first, second = OPERATORS[name]
    scheduler = TestScheduler()
    source = scheduler.create_hot_observable(
        ReactiveTest.on_next(210, first),
        ReactiveTest.on_next(220, second),
        ReactiveTest.on_next(240, second),
        ReactiveTest.on_completed(250),
    )
    observer = scheduler.start(lambda: source.pipe(build()), disposed=230)
    assert source.subscriptions == [ReactiveTest.subscribe(200, 230)]
    assert all(message.time < 230 for message in observer.messages)


@every_operator
def test_rx_operators_work_before_and_after(name: str) -> None:
    build, first, second = OPERATORS[name]
    items = [first, second]
    plain = rx.from_iterable(items).pipe(build(), ops.to_list()).run()
    wrapped = rx.from_iterable(items).pipe(
        ops.map(lambda item: item), build(), ops.filter(lambda _: True), ops.to_list()
    )
    assert wrapped.run() == plain


# These compile regular expressions when they are imported.
COMPILE_AT_IMPORT = {"parse_json", "split_sentences"}

IMPORT_WITHOUT_COMPILE = """
import re
from importlib import import_module

import ollama_rx.arguments, ollama_rx.chunks, ollama_rx.rx.operator

re.compile = None
for name in {names!r}:
    import_module("ollama_rx.operators._" + name)
"""


def test_importing_an_operator_compiles_no_regular_expression() -> None:
    names = sorted(OPERATORS.keys() - COMPILE_AT_IMPORT)
    code = IMPORT_WITHOUT_COMPILE.format(names=names)
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
