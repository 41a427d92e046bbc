"""`gather_stats` measures an answer and reports it exactly once, however the stream ends."""

from array import array
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.subject import Subject
from reactivex.testing import ReactiveTest, TestScheduler

from ollama_rx import Chunk, Metrics, Stats
from ollama_rx import operators as op
from ollama_rx.operators import gather_stats, stop_at
from ollama_rx.operators._gather_stats import _gap_percentiles  # pyright: ignore[reportPrivateUsage]
from ollama_rx.testing import check
from tests.operators.text_pieces import run

SECOND = 1_000_000_000
FIRST = Chunk({"model": "m", "response": "Hi", "done": False})
EMPTY = Chunk({"model": "m", "response": "", "done": False})


def last(**more: Any) -> Chunk:
    return Chunk({"model": "m", "response": "", "done": True, **more})


def stats_of(*chunks: Chunk) -> Stats:
    found: list[Stats] = []
    run(gather_stats(found.append), chunks)
    (stats,) = found
    return stats


def test_chunks_pass_and_into_is_called_on_completion() -> None:
    found: list[Stats] = []
    check(gather_stats(found.append), source="-a--b--c-|", expect="-a--b--c-|", a=EMPTY, b=FIRST, c=last())
    assert [(stats.ended_by, stats.duration, stats.chunks) for stats in found] == [("stop", 9.0, 3)]


def test_an_error_passes_and_into_is_called_once() -> None:
    found: list[Stats] = []
    check(gather_stats(found.append), source="-a--b-#", expect="-a--b-#", a=FIRST, b=FIRST, life="^-----!")
    assert [(stats.ended_by, stats.duration) for stats in found] == [("error", 6.0)]


def test_cancel_reaches_the_source_and_into_is_called_once() -> None:
    found: list[Stats] = []
    check(gather_stats(found.append), source="-a--b--|", expect="-a--b!", a=FIRST, b=FIRST, life="^----!")
    assert [(stats.ended_by, stats.duration) for stats in found] == [("disposed", 5.0)]


def test_times_are_measured_from_the_subscription_and_chunks_are_counted() -> None:
    scheduler = TestScheduler()
    found: list[Stats] = []
    source = scheduler.create_hot_observable(
        ReactiveTest.on_next(203, EMPTY),
        ReactiveTest.on_next(205, FIRST),
        ReactiveTest.on_next(206, FIRST),
        ReactiveTest.on_next(210, last(done_reason="stop", eval_count=10, eval_duration=5 * SECOND)),
        ReactiveTest.on_completed(212),
    )
    scheduler.start(lambda: source.pipe(gather_stats(found.append)))
    metrics = Metrics(eval_count=10, eval_duration=5.0)
    assert found == [
        Stats(
            model="m",
            ended_by="stop",
            time_to_first_chunk=3.0,
            time_to_first_text=5.0,
            duration=12.0,
            gap_p50=2.0,
            gap_p95=4.0,
            gap_max=4.0,
            chunks=4,
            characters=4,
            metrics=metrics,
            tokens_per_second=2.0,
            prompt_tokens_per_second=None,
        )
    ]


@pytest.mark.parametrize("reason", ["stop", "length", "load", "unload"])
def test_ended_by_is_the_servers_done_reason(reason: str) -> None:
    assert stats_of(FIRST, last(done_reason=reason)).ended_by == reason


@pytest.mark.parametrize("chunks", [[], [FIRST], [last()], [last(done_reason="a new reason")]])
def test_ended_by_is_stop_if_a_completed_stream_has_no_known_reason(chunks: list[Chunk]) -> None:
    assert stats_of(*chunks).ended_by == "stop"


@pytest.mark.parametrize("text", ["", "Let me see."])
def test_an_answer_that_calls_tools_is_ended_by_them(text: str) -> None:
    call: dict[str, object] = {"function": {"name": "f", "arguments": {}}}
    calling = Chunk({"model": "m", "message": {"content": "", "tool_calls": [call]}})
    with_last = Chunk(
        {"message": {"content": text, "tool_calls": [call]}, "done": True, "done_reason": "stop"}
    )
    assert stats_of(calling, last(done_reason="stop")).ended_by == "tool_calls"
    assert stats_of(FIRST, with_last).ended_by == "tool_calls"
    assert stats_of(calling, last(done_reason="length")).ended_by == "length"
    assert stats_of(calling, last(), FIRST, last()).ended_by == "stop"
    assert stats_of(calling).ended_by == "stop"


def test_into_is_called_before_an_error_is_passed_on() -> None:
    order: list[object] = []
    source: Observable[Chunk] = rx.concat(rx.of(FIRST), rx.throw(RuntimeError("boom")))
    source.pipe(gather_stats(lambda stats: order.append(stats.ended_by))).subscribe(
        on_error=lambda error: order.append(str(error))
    )
    assert order == ["error", "boom"]


def test_into_is_called_before_completion_is_passed_on() -> None:
    order: list[str] = []
    rx.of(FIRST).pipe(gather_stats(lambda stats: order.append(stats.ended_by))).subscribe(
        on_completed=lambda: order.append("|")
    )
    assert order == ["stop", "|"]


def test_a_stream_that_is_disposed_twice_is_reported_once_with_what_had_arrived() -> None:
    found: list[Stats] = []
    source: Subject[Chunk] = Subject()
    subscription = source.pipe(gather_stats(found.append)).subscribe()
    source.on_next(FIRST)
    subscription.dispose()
    subscription.dispose()
    assert [(stats.ended_by, stats.chunks, stats.metrics) for stats in found] == [("disposed", 1, None)]


def test_a_stream_that_an_operator_completes_early_counts_as_disposed() -> None:
    found: list[Stats] = []
    rx.of(FIRST, FIRST, last()).pipe(gather_stats(found.append), op.text(), stop_at("Hi")).subscribe()
    assert [(stats.ended_by, stats.chunks) for stats in found] == [("disposed", 1)]


def test_a_stream_disposed_after_its_last_chunk_has_that_chunks_done_reason() -> None:
    found: list[Stats] = []
    rx.of(FIRST, last(done_reason="length"), FIRST).pipe(gather_stats(found.append), ops.take(2)).subscribe()
    assert [stats.ended_by for stats in found] == ["length"]


def test_without_the_servers_durations_the_speed_is_measured_between_first_and_last_chunk() -> None:
    scheduler = TestScheduler()
    found: list[Stats] = []
    source = scheduler.create_hot_observable(
        ReactiveTest.on_next(205, FIRST),
        ReactiveTest.on_next(210, last(eval_count=20, prompt_eval_count=3)),
        ReactiveTest.on_completed(211),
    )
    scheduler.start(lambda: source.pipe(gather_stats(found.append)))
    assert [(stats.tokens_per_second, stats.prompt_tokens_per_second) for stats in found] == [(4.0, None)]


@pytest.mark.parametrize("figures", [{}, {"eval_count": 0, "eval_duration": 5}, {"eval_count": 7}])
def test_an_unknown_speed_is_none(figures: dict[str, int]) -> None:
    assert stats_of(last(**figures)).tokens_per_second is None


def test_the_prompt_speed_is_computed_from_the_servers_metrics() -> None:
    stats = stats_of(last(prompt_eval_count=30, prompt_eval_duration=2 * SECOND))
    assert stats.prompt_tokens_per_second == 15.0


def test_an_exception_of_into_on_completion_becomes_the_streams_error() -> None:
    errors: list[Exception] = []
    boom = RuntimeError("boom")

    def into(_: Stats) -> None:
        raise boom

    rx.of(FIRST).pipe(gather_stats(into)).subscribe(on_error=errors.append)
    assert errors == [boom]


def test_an_exception_of_into_on_an_error_does_not_hide_that_error() -> None:
    errors: list[Exception] = []
    boom = RuntimeError("boom")

    def into(_: Stats) -> None:
        raise ValueError("into")

    source: Subject[Chunk] = Subject()
    source.pipe(gather_stats(into)).subscribe(on_error=errors.append)
    with pytest.raises(ValueError, match="into"):
        source.on_error(boom)
    assert errors == [boom]


def test_into_must_be_callable() -> None:
    with pytest.raises(TypeError, match="into"):
        gather_stats(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_percentiles_of_a_very_long_answer_use_a_sample_of_the_gaps_and_the_maximum_is_exact() -> None:
    ticks = [float(n) for n in range(10_000)]
    ticks[7001:] = [tick + 50.0 for tick in ticks[7001:]]  # one wide gap, which is not in the sample
    assert _gap_percentiles(array("d", ticks)) == (1.0, 1.0, 51.0)


def test_the_metrics_of_several_answers_are_added_up() -> None:
    first, second = last(eval_count=4, eval_duration=SECOND), last(eval_count=6, eval_duration=SECOND)
    with_text = Chunk({**last(eval_count=10, eval_duration=3 * SECOND).raw, "response": "end"})
    stats = stats_of(FIRST, first, second, FIRST, with_text)
    assert stats.metrics == Metrics(eval_count=20, eval_duration=5.0)
    assert stats.tokens_per_second == 4.0


def test_the_metrics_of_an_answer_remain_if_the_next_one_is_left() -> None:
    assert stats_of(FIRST, last(eval_count=4), FIRST).metrics == Metrics(eval_count=4)
