"""The server's metrics are read in seconds; statistics of many answers add up in bounded memory."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ollama_rx import Metrics, Stats, StatsTotals

# the server's metrics


def test_durations_become_seconds_and_counts_stay() -> None:
    found = Metrics.of(
        {
            "total_duration": 5_000_000_000,
            "load_duration": 1_500_000_000,
            "prompt_eval_count": 26,
            "prompt_eval_duration": 250_000_000,
            "eval_count": 298,
            "eval_duration": 1,
        }
    )
    assert found == Metrics(5.0, 1.5, 26, 0.25, 298, 1e-9)


def test_a_metric_that_a_cloud_model_omits_is_none() -> None:
    found = Metrics.of({"total_duration": 2_000_000_000, "prompt_eval_count": 3, "eval_count": 4})
    assert found == Metrics(total_duration=2.0, prompt_eval_count=3, eval_count=4)
    assert found.eval_duration is None


def test_without_metrics_all_are_none() -> None:
    assert Metrics.of({}) == Metrics()


def test_zero_is_a_valid_metric() -> None:
    assert Metrics.of({"load_duration": 0, "eval_count": 0}) == Metrics(load_duration=0.0, eval_count=0)


@pytest.mark.parametrize("wrong", ["5", None, True, [], {}, 1.5, -1, 10**18])
def test_a_metric_that_cannot_be_is_none(wrong: object) -> None:
    assert Metrics.of({"total_duration": wrong, "eval_count": wrong}) == Metrics()


# totals

STATS = Stats(
    model="a",
    ended_by="stop",
    time_to_first_chunk=0.5,
    time_to_first_text=1.0,
    duration=2.0,
    gap_p50=0.01,
    gap_p95=0.02,
    gap_max=0.03,
    chunks=10,
    characters=40,
    metrics=Metrics(eval_count=10, prompt_eval_count=5),
    tokens_per_second=20.0,
    prompt_tokens_per_second=None,
)


def test_counts_and_sums_are_exact_over_all_and_per_model() -> None:
    totals = StatsTotals()
    totals.add(STATS)
    totals.add(replace(STATS, model="b", ended_by="disposed", metrics=None, characters=2))
    everything = totals.all()
    assert (everything.answers, everything.chunks, everything.characters) == (2, 20, 42)
    assert (everything.tokens, everything.prompt_tokens) == (10, 5)
    assert everything.ended_by == {"stop": 1, "disposed": 1}
    assert everything.duration.sum == 4.0
    assert everything.duration.mean == 2.0
    assert {model: found.characters for model, found in totals.by_model().items()} == {"a": 40, "b": 2}


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_percentiles_are_at_most_one_percent_off(scale: float) -> None:
    totals = StatsTotals()
    for hundredth in range(1, 101):
        totals.add(replace(STATS, duration=hundredth * scale))
    found = totals.all().duration
    assert found.p50 == pytest.approx(50 * scale, rel=0.0101)
    assert found.p95 == pytest.approx(95 * scale, rel=0.0101)
    assert found.p99 == pytest.approx(99 * scale, rel=0.0101)
    assert found.max == 100 * scale


def test_absent_figures_are_not_counted() -> None:
    totals = StatsTotals()
    assert totals.all().duration.mean is None
    totals.add(replace(STATS, time_to_first_text=None))
    absent = totals.all().time_to_first_text
    assert (absent.count, absent.max, absent.p50) == (0, None, None)


def test_a_figure_may_be_zero() -> None:
    totals = StatsTotals()
    totals.add(replace(STATS, gap_p95=0.0))
    assert totals.all().gap_p95.p50 == 0.0


def test_threads_may_add_concurrently() -> None:
    totals = StatsTotals()
    with ThreadPoolExecutor(4) as pool:
        for _ in range(400):
            pool.submit(totals.add, STATS)
    assert totals.all().answers == 400


def test_memory_grows_with_the_range_of_the_figures_and_not_with_their_number() -> None:
    totals = StatsTotals()
    for i in range(20_000):
        totals.add(replace(STATS, duration=1.0 + i / 10_000))
    assert len(totals._all._duration._buckets) < 60


def test_the_total_of_metrics_adds_what_is_known() -> None:
    total = Metrics.total([Metrics(eval_count=2, total_duration=1.5), Metrics(eval_count=3), Metrics()])
    assert total == Metrics(eval_count=5, total_duration=1.5)
    assert Metrics.total([total]) is total
