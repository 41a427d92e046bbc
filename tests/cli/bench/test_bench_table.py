"""The table fits the terminal, and has only figures that are known."""

from datetime import UTC, datetime
from typing import Any

from ollama_rx.cli.bench.bench_level import BenchLevel
from ollama_rx.cli.bench.bench_plan import BenchPlan
from ollama_rx.cli.bench.bench_report import BenchReport
from ollama_rx.cli.bench.bench_table import format_table
from ollama_rx.cli.output.layout import width
from ollama_rx.stats import Metrics
from tests.cli.bench.made_results import failed_result, made_level, made_result


def made_report(*levels: BenchLevel, **changes: Any) -> BenchReport:
    plan = BenchPlan(
        prompts=("Why?", "How?"),
        streams=tuple(level.streams for level in levels),
        requests=2,
        options={"num_predict": 128, "stop": ["a"]},
        warm_up=True,
    )
    given: dict[str, Any] = {
        "plan": plan,
        "host": "http://127.0.0.1:11434",
        "model": "mine",
        "server_version": "0.24.0",
        "levels": levels,
        "warm_up": made_level(made_result(duration=1.5)),
        "started_at": datetime(2026, 11, 27, 19, 30, 5, 999, tzinfo=UTC),
    }
    return BenchReport(**(given | changes))


def test_each_level_is_a_column() -> None:
    fast = made_level(made_result(0, duration=0.8), made_result(1, started=0.8, first_token=0.6))
    slow = made_level(
        made_result(0, first_token=0.9, gaps=(0.0012, 0.0012), duration=2.0),
        failed_result(1),
        streams=4,
        requests=2,
    )
    assert format_table(made_report(fast, slow), 81).splitlines() == [
        "model     mine",
        "server    http://127.0.0.1:11434, version 0.24.0",
        "requests  2 at each level",
        "options   num_predict=128 stop=['a']",
        "warm-up   1.50 s, of which 250 ms loading",
        "",
        "                    1 stream       4 streams",
        "requests            2              1 of 2",
        "failed              -              1",
        "first token (TTFT)  550, 600 ms    900, 900 ms",
        "per token (TPOT)    15.0, 15.0 ms  0.60, 0.60 ms",
        "token gaps (ITL)    10.0, 30.0 ms  1.20, 1.20 ms",
        "whole answer        0.90, 1.00 s   2.00, 2.00 s",
        "tokens/s, a stream  5.62           2.50",
        "tokens/s, in all    5.56           2.50",
        "server: tokens/s    100            100",
        "server: prompt      200            200",
        "wall time           1.80 s         2.00 s",
        "",
        "Two values: the median and the 95th percentile; one: the median. TTFT: from",
        "sending a request to its first token. TPOT: the mean time of an answer's later",
        "tokens. ITL: the time between two tokens. server: by its own clock; prompt: how",
        "many tokens of prompts it reads per second.",
    ]


def test_levels_that_do_not_fit_side_by_side_are_below_each_other() -> None:
    levels = [made_level(made_result(), streams=streams) for streams in (1, 2, 4, 8, 16)]
    report = made_report(*levels, model="a-model-with-a-very-long-name-of-many-letters:latest")
    for columns, titles in (
        (100, ["1 stream       2 streams      4 streams      8 streams      16 streams"]),
        (80, ["1 stream       2 streams      4 streams      8 streams", "16 streams"]),
        (40, ["1 stream", "2 streams", "4 streams", "8 streams", "16 streams"]),
        (1, ["1 stream", "2 streams", "4 streams", "8 streams", "16 streams"]),
    ):
        lines = format_table(report, columns).splitlines()
        assert [line.strip() for line in lines if line.strip().endswith(("stream", "streams"))] == titles
        assert columns < 40 or max(map(width, lines)) < columns


def test_the_first_text_is_told_from_the_first_token_if_the_model_thinks() -> None:
    thinking = made_level(made_result(first_token=0.5, first_text=2.0, has_thinking=True))
    assert "first text          2.00, 2.00 s   500, 500 ms" in format_table(
        made_report(thinking, made_level(made_result(has_thinking=True))), 80
    )
    assert "first text" not in format_table(made_report(made_level(made_result())), 80)
    mixed = format_table(made_report(thinking, made_level(made_result())), 80)
    assert "first text          2.00, 2.00 s   -\n" in mixed


def test_what_is_not_known_has_no_row() -> None:
    level = made_level(made_result(first_token=None, first_text=None, gaps=(), duration=0.0, metrics=None))
    report = made_report(level, made_level(failed_result(), streams=2), server_version=None, warm_up=None)
    assert format_table(report, 80).splitlines()[:9] == [
        "model     mine",
        "server    http://127.0.0.1:11434",
        "requests  2 at each level",
        "options   num_predict=128 stop=['a']",
        "",
        "              1 stream",
        "requests      1",
        "whole answer  0.00, 0.00 ms",
        "wall time     0.00 ms",
    ]


def test_without_a_warm_up_the_loading_time_of_the_requests_is_shown() -> None:
    level = made_level(made_result(), made_result(1, metrics=Metrics(load_duration=2.0)))
    assert "\nserver: loading     2.00 s\n" in format_table(made_report(level, warm_up=None), 80)
    assert "server: loading" not in format_table(made_report(level), 80)


def test_a_warm_up_that_the_server_does_not_time_has_its_duration_only() -> None:
    report = made_report(
        made_level(made_result()), warm_up=made_level(made_result(metrics=Metrics(eval_count=1)))
    )
    assert "warm-up   1.00 s\n" in format_table(report, 80)


def test_nothing_of_a_server_reaches_the_terminal_as_it_is() -> None:
    table = format_table(made_report(made_level(made_result()), model="\x1b[2J\nbad"), 80)
    assert table.startswith("model     \\x1b[2J\\nbad\n")
