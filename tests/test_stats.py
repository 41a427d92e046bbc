"""Many answers add up in bounded memory, from any thread."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ollama_rx import Metrics, Stats, StatsTotals

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


def test_figures_that_are_absent_do_not_count() -> None:
    totals = StatsTotals()
    assert totals.all().duration.mean is None
    totals.add(replace(STATS, time_to_first_text=None))
    absent = totals.all().time_to_first_text
    assert (absent.count, absent.max, absent.p50) == (0, None, None)


def test_a_figure_of_zero_is_no_trouble() -> None:
    totals = StatsTotals()
    totals.add(replace(STATS, gap_p95=0.0))
    assert totals.all().gap_p95.p50 == 0.0


def test_threads_may_add_at_once() -> None:
    totals = StatsTotals()
    with ThreadPoolExecutor(4) as pool:
        for _ in range(400):
            pool.submit(totals.add, STATS)
    assert totals.all().answers == 400


def test_memory_is_bounded_by_the_width_of_the_figures_not_by_their_number() -> None:
    totals = StatsTotals()
    for i in range(20_000):
        totals.add(replace(STATS, duration=1.0 + i / 10_000))
    assert len(totals._all._duration._buckets) < 60
