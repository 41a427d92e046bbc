"""`--stats`: figures for people."""

from ollama_rx import Metrics, Stats
from ollama_rx.cli.figures import describe


def _stats(metrics: Metrics | None, gap: float | None) -> Stats:
    return Stats(
        model="mine",
        ended_by="disposed",
        time_to_first_chunk=0.5,
        time_to_first_text=None if gap is None else 0.75,
        duration=2.0,
        gap_p50=gap,
        gap_p95=gap,
        gap_max=gap,
        chunks=3,
        characters=12,
        metrics=metrics,
        tokens_per_second=None,
        prompt_tokens_per_second=None if metrics is None else 1234.56,
    )


def test_what_is_not_known_is_left_out() -> None:
    assert describe(_stats(None, None)).splitlines() == [
        "model     mine",
        "ended by  disposed",
        "duration  2.00 s",
        "text      12 characters in 3 chunks",
    ]


def test_what_is_known_is_told_with_its_unit() -> None:
    metrics = Metrics(load_duration=0.25, prompt_eval_count=9, eval_count=4)
    assert describe(_stats(metrics, 0.0251)).splitlines() == [
        "model       mine",
        "ended by    disposed",
        "first text  0.75 s",
        "duration    2.00 s",
        "loading     0.25 s",
        "prompt      9 tokens, 1234.6 a second",
        "answer      4 tokens",
        "text        12 characters in 3 chunks",
        "gaps        25 ms between chunks (median), 95 % below 25 ms, at most 25 ms",
    ]
