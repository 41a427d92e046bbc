"""The figures of a level are computed from its complete answers."""

import pytest

from ollama_rx.cli.bench.bench_level import BenchLevel, figures_of, spread_of
from ollama_rx.errors import OllamaError
from ollama_rx.stats import Metrics
from tests.cli.bench.made_results import failed_result, made_level, made_result


def test_percentiles_are_exact() -> None:
    spread = spread_of(float(number) for number in range(1, 101))
    assert (spread.count, spread.p50, spread.p95, spread.p99, spread.max) == (100, 50.5, 95.0, 99.0, 100.0)
    assert spread.mean == 50.5


def test_percentiles_of_few_values_are_the_nearest_by_rank() -> None:
    spread = spread_of([3.0, 1.0, 5.0, 2.0, 4.0])
    assert (spread.p50, spread.p95, spread.p99) == (3.0, 5.0, 5.0)


def test_without_values_the_figures_are_none() -> None:
    spread = spread_of([None])
    assert (spread.count, spread.mean, spread.p50, spread.p95, spread.p99, spread.max) == (0, *[None] * 5)


def test_a_level_counts_what_has_become_of_its_requests() -> None:
    level = BenchLevel(streams=2, requests=5)
    for _ in range(4):
        level.begin_request()
    level.results += [made_result(0), failed_result(1)]
    assert (len(level.completed), len(level.failed), level.interrupted, level.has_answers()) == (
        1,
        1,
        2,
        True,
    )
    assert not BenchLevel(streams=2, requests=5).has_answers()


def test_the_wall_time_is_from_the_first_request_to_the_last_end_with_failures() -> None:
    level = made_level(
        made_result(0, started=10.0, duration=2.0),
        made_result(1, started=11.0, duration=2.0),
        failed_result(2, started=14.0),
    )
    figures = figures_of(level)
    assert (figures.wall, figures.tokens, figures.prompt_tokens) == (5.0, 10, 40)
    assert figures.total_tokens_per_second == 2.0


def test_the_wall_time_begins_with_a_request_that_fails() -> None:
    level = made_level(failed_result(0, started=4.0), made_result(1, started=10.0, duration=2.0))
    assert figures_of(level).wall == 8.0


def test_failed_requests_are_in_no_other_figure() -> None:
    figures = figures_of(made_level(made_result(0), failed_result(1)))
    assert (figures.first_token.count, figures.duration.count, figures.tokens_per_second.count) == (1, 1, 1)


def test_gaps_are_measured_over_all_tokens() -> None:
    level = made_level(made_result(gaps=(0.01, 0.02)), made_result(gaps=(0.03,)))
    figures = figures_of(level)
    assert (figures.token_gaps.count, figures.token_gaps.p50, figures.token_gaps.max) == (3, 0.02, 0.03)


def test_the_gaps_of_an_answer_that_broke_off_do_not_count() -> None:
    broken = made_result(1, gaps=(9.0,), error=OllamaError("out of memory"))
    figures = figures_of(made_level(made_result(gaps=(0.01,)), broken))
    assert (figures.token_gaps.count, figures.token_gaps.max) == (1, 0.01)
    assert (figures.first_token.count, figures.time_per_token.count, figures.tokens) == (1, 1, 5)


def test_the_servers_figures_are_only_those_that_it_has_timed() -> None:
    figures = figures_of(made_level(made_result(), made_result(metrics=Metrics(eval_count=5))))
    assert (figures.server_tokens_per_second.count, figures.server_tokens_per_second.p50) == (1, 100.0)
    assert figures.server_prompt_tokens_per_second.p50 == 200.0
    assert figures.load_duration == 0.25
    assert figures_of(made_level(made_result(metrics=None))).load_duration is None


@pytest.mark.parametrize("level", [made_level(), made_level(made_result(duration=0.0))])
def test_without_time_there_is_no_speed(level: BenchLevel) -> None:
    assert (figures_of(level).wall, figures_of(level).total_tokens_per_second) == (0.0, None)


def test_a_level_is_named_by_its_streams() -> None:
    assert [BenchLevel(streams=streams, requests=1).title for streams in (1, 2)] == ["1 stream", "2 streams"]
