"""The server's figures, in seconds."""

import pytest

from ollama_rx.stats import Metrics


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


def test_what_a_cloud_model_leaves_out_is_none() -> None:
    found = Metrics.of({"total_duration": 2_000_000_000, "prompt_eval_count": 3, "eval_count": 4})
    assert found == Metrics(total_duration=2.0, prompt_eval_count=3, eval_count=4)
    assert found.eval_duration is None


def test_nothing_said_is_nothing_known() -> None:
    assert Metrics.of({}) == Metrics()


def test_zero_is_a_figure() -> None:
    assert Metrics.of({"load_duration": 0, "eval_count": 0}) == Metrics(load_duration=0.0, eval_count=0)


@pytest.mark.parametrize("wrong", ["5", None, True, [], {}, 1.5])
def test_what_is_no_whole_number_is_none(wrong: object) -> None:
    assert Metrics.of({"total_duration": wrong, "eval_count": wrong}) == Metrics()
