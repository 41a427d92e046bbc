"""The figures of a benchmark as a table: one column for each level, as many as fit side by side."""

from collections.abc import Callable
from textwrap import fill

from ollama_rx.cli.bench.bench_level import BenchLevel, LevelFigures, figures_of
from ollama_rx.cli.bench.bench_report import BenchReport
from ollama_rx.cli.output.layout import align_columns, printable
from ollama_rx.stats import Metrics, Spread

_NAMES = 18  # columns for the names of the figures
_LEVEL = 15  # columns for a level, the two before it included
_NARROWEST = 20
_LEGEND = (
    "Two values: the median and the 95th percentile; one: the median. "
    "TTFT: from sending a request to its first token. TPOT: the mean time of an answer's later tokens. "
    "ITL: the time between two tokens. server: by its own clock; prompt: how many tokens of prompts it reads "
    "per second."
)


def format_table(report: BenchReport, columns: int) -> str:
    """Write the conditions, and the figures of the levels that have some."""
    columns = max(columns - 1, _NARROWEST)  # a line that fills a terminal would be followed by an empty one
    measured = [(level, figures_of(level)) for level in report.answered_levels]
    possible = _ROWS if report.warm_up else (*_ROWS, _LOADING)
    rows = [row for row in possible if any(row[1](*each) for each in measured)]
    side_by_side = max(1, (columns - _NAMES) // _LEVEL)
    blocks = [_conditions(report, columns)]
    for start in range(0, len(measured), side_by_side):
        block = measured[start : start + side_by_side]
        titles = ("", *(level.title for level, _ in block))
        blocks.append(
            align_columns(
                [titles, *((name, *(write(*each) or "-" for each in block)) for name, write in rows)]
            )
        )
    return "\n\n".join([*blocks, fill(_LEGEND, columns)])


def _conditions(report: BenchReport, columns: int) -> str:
    """Write the settings of the benchmark: model, server, requests, options, warm-up."""
    plan = report.plan
    server = report.host + (f", version {report.server_version}" if report.server_version else "")
    rows = [
        ("model", report.model),
        ("server", server),
        ("requests", f"{plan.requests} at each level"),
        ("options", " ".join(f"{name}={value}" for name, value in plan.options.items())),
        ("warm-up", _warm_up(report)),
    ]
    return "\n".join(
        fill(f"{name:10}{printable(value)}", columns, subsequent_indent=" " * 10, break_on_hyphens=False)
        for name, value in rows
        if value
    )


def _warm_up(report: BenchReport) -> str:
    if report.warm_up_result is None:
        return ""
    stats = report.warm_up_result.stats
    load = (stats.metrics or Metrics()).load_duration
    return _seconds(stats.duration) + ("" if load is None else f", of which {_seconds(load)} loading")


def _requests(level: BenchLevel, _: LevelFigures) -> str:
    done = len(level.completed)
    return str(done) if done == level.requests else f"{done} of {level.requests}"


def _failed(level: BenchLevel, _: LevelFigures) -> str:
    return str(len(level.failed) or "")


def _seconds(*values: float | None) -> str:
    """Write times with the unit that fits the last and largest of them.

    >>> _seconds(0.0123, 0.234), _seconds(0.5, 1.5), _seconds(None)
    ('12.3, 234 ms', '0.50, 1.50 s', '')
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    factor, unit = (1, "s") if known[-1] >= 1 else (1000, "ms")
    return f"{', '.join(_number(value * factor) for value in known)} {unit}"


def _number(value: float) -> str:
    """Write a number with three digits or more."""
    decimals = 2 if value < 10 else 1 if value < 100 else 0  # noqa: PLR2004 - powers of ten
    return f"{value:.{decimals}f}"


def _speed(value: float | None) -> str:
    return "" if value is None else _number(value)


def _times(spread: Spread) -> str:
    return _seconds(spread.p50, spread.p95)


_Row = tuple[str, Callable[[BenchLevel, LevelFigures], str]]

_LOADING: _Row = ("server: loading", lambda _, figures: _seconds(figures.load_duration))
_ROWS: tuple[_Row, ...] = (
    ("requests", _requests),
    ("failed", _failed),
    ("first token (TTFT)", lambda _, figures: _times(figures.first_token)),
    ("first text", lambda _, figures: _times(figures.first_text) if figures.has_thinking else ""),
    ("per token (TPOT)", lambda _, figures: _times(figures.time_per_token)),
    ("token gaps (ITL)", lambda _, figures: _times(figures.token_gaps)),
    ("whole answer", lambda _, figures: _times(figures.duration)),
    ("tokens/s, a stream", lambda _, figures: _speed(figures.tokens_per_second.p50)),
    ("tokens/s, in all", lambda _, figures: _speed(figures.total_tokens_per_second)),
    ("server: tokens/s", lambda _, figures: _speed(figures.server_tokens_per_second.p50)),
    ("server: prompt", lambda _, figures: _speed(figures.server_prompt_tokens_per_second.p50)),
    ("wall time", lambda _, figures: _seconds(figures.wall)),
)
