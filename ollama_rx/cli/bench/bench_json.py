"""A benchmark as one JSON object; docs/bench.md describes its fields."""

from typing import Any

from ollama_rx.cli.bench.bench_level import BenchLevel, figures_of
from ollama_rx.cli.bench.bench_report import BenchReport, client_environment, reason_of
from ollama_rx.cli.bench.request_result import RequestResult
from ollama_rx.stats import Metrics, Spread

FORMAT = 1


def to_json(report: BenchReport, *, interrupted: bool) -> dict[str, Any]:
    """Return the settings, the environment, and the figures of each level and of each request."""
    plan = report.plan
    warm_up = report.warm_up_result
    return {
        "format": FORMAT,
        "started_at": report.started_at.isoformat(timespec="seconds"),
        "interrupted": interrupted,
        "settings": {
            "model": report.model,
            "prompts": list(plan.prompts),
            "requests": plan.requests,
            "streams": list(plan.streams),
            "options": plan.options,
            "warm_up": plan.warm_up,
        },
        "environment": {
            "host": report.host,
            "server_version": report.server_version,
            **client_environment(),
        },
        "warm_up": None if warm_up is None else _result(report, warm_up, warm_up.started),
        "levels": [_level(report, level) for level in report.begun_levels],
    }


def _level(report: BenchReport, level: BenchLevel) -> dict[str, Any]:
    figures = figures_of(level)
    started = min((result.started for result in level.results), default=0.0)
    return {
        "streams": level.streams,
        "requests": level.requests,
        "completed": len(level.completed),
        "failed": len(level.failed),
        "interrupted": level.interrupted,
        "wall_seconds": figures.wall,
        "time_to_first_token_seconds": _spread(figures.first_token),
        "time_to_first_text_seconds": _spread(figures.first_text),
        "time_per_output_token_seconds": _spread(figures.time_per_token),
        "inter_token_latency_seconds": _spread(figures.token_gaps),
        "duration_seconds": _spread(figures.duration),
        "tokens_per_second_per_stream": _spread(figures.tokens_per_second),
        "tokens_per_second": figures.total_tokens_per_second,
        "output_tokens": figures.tokens,
        "prompt_tokens": figures.prompt_tokens,
        "server": {
            "tokens_per_second": _spread(figures.server_tokens_per_second),
            "prompt_tokens_per_second": _spread(figures.server_prompt_tokens_per_second),
            "load_duration_seconds": figures.load_duration,
        },
        "results": [
            _result(report, result, started) for result in sorted(level.results, key=lambda it: it.request)
        ],
    }


def _result(report: BenchReport, result: RequestResult, level_started: float) -> dict[str, Any]:
    stats = result.stats
    metrics = stats.metrics or Metrics()
    return {
        "request": result.request,
        "prompt": report.plan.prompt_index(result.request),
        "started_seconds": result.started - level_started,
        "duration_seconds": stats.duration,
        "time_to_first_token_seconds": result.first_token,
        "time_to_first_text_seconds": result.first_text,
        "time_per_output_token_seconds": result.time_per_token,
        "longest_gap_seconds": max(result.token_gaps, default=None),
        "output_tokens": result.tokens,
        "chunks": stats.chunks,
        "characters": stats.characters,
        "ended_by": stats.ended_by,
        "error": reason_of(result) or None,
        "server": {
            "total_duration_seconds": metrics.total_duration,
            "load_duration_seconds": metrics.load_duration,
            "prompt_eval_count": metrics.prompt_eval_count,
            "prompt_eval_duration_seconds": metrics.prompt_eval_duration,
            "eval_count": metrics.eval_count,
            "eval_duration_seconds": metrics.eval_duration,
        },
    }


def _spread(spread: Spread) -> dict[str, float | int | None] | None:
    if not spread.count:
        return None
    return {
        "count": spread.count,
        "mean": spread.mean,
        "median": spread.p50,
        "p95": spread.p95,
        "p99": spread.p99,
        "max": spread.max,
    }
