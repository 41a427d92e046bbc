"""``--stats``: one answer in figures, for people."""

from ollama_rx.cli.notes import columns
from ollama_rx.stats import Metrics, Stats


def describe(stats: Stats) -> str:
    """Write the figures, one a line; what is not known is left out."""
    metrics = stats.metrics or Metrics()
    rows = [
        ("model", stats.model),
        ("ended by", stats.ended_by),
        ("first text", _seconds(stats.time_to_first_text)),
        ("duration", _seconds(stats.duration)),
        ("loading", _seconds(metrics.load_duration)),
        ("prompt", _tokens(metrics.prompt_eval_count, stats.prompt_tokens_per_second)),
        ("answer", _tokens(metrics.eval_count, stats.tokens_per_second)),
        ("text", f"{stats.characters} characters in {stats.chunks} chunks"),
        ("gaps", _gaps(stats)),
    ]
    return columns([row for row in rows if row[1]])


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.2f} s"


def _tokens(count: int | None, per_second: float | None) -> str:
    if count is None:
        return ""
    return f"{count} tokens" + ("" if per_second is None else f", {per_second:.1f} a second")


def _gaps(stats: Stats) -> str:
    if stats.gap_p50 is None or stats.gap_p95 is None or stats.gap_max is None:
        return ""
    median, most, widest = (round(gap * 1000) for gap in (stats.gap_p50, stats.gap_p95, stats.gap_max))
    return f"{median} ms between chunks (median), 95 % below {most} ms, at most {widest} ms"
