"""The figures of a benchmark as a picture: time to the first token, and time per further token."""

# pyright: reportUnknownMemberType=false
# matplotlib leaves out types in many of its signatures.

import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ollama_rx.cli.bench.bench_level import BenchLevel, figures_of, spread_of
from ollama_rx.cli.bench.bench_report import BenchReport
from ollama_rx.cli.output.layout import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GREY = "#808890"  # these can be read on white and on black
_BLUE = "#5b8fd6"
_ORANGE = "#e8743b"
_WIDTH = 0.5  # of a level's dots and lines; two levels are 1.0 apart
_GOLDEN = 0.618034  # the golden ratio spreads any number of dots evenly, and always in the same way
_LEGEND = (
    "streams at once, and their tokens per second in all\n"
    "a dot: a request; a thick line: the median; a thin line: the 95th percentile"
)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ollama_rx",  # the same picture for the same figures
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": _GREY,
    "axes.labelcolor": _GREY,
    "axes.edgecolor": _GREY,
    "xtick.color": _GREY,
    "ytick.color": _GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def check_plot(path: str | None) -> None:
    """Refuse a picture that could not be drawn at the end.

    Raises:
        ValueError: the file is not an SVG file or cannot be there, or the extra is missing.
    """
    if path is None:
        return
    if Path(path).suffix.lower() != ".svg":
        raise ValueError(f"expected a file that ends in .svg, got {path!r}")
    if not Path(path).parent.is_dir():
        raise ValueError(f"there is no folder {str(Path(path).parent)!r}")
    if find_spec("matplotlib") is None:
        raise ValueError('the picture needs an extra: pip install "ollama-rx[plot]"')


def draw_plot(report: BenchReport, path: str) -> None:
    """Draw both distributions over the levels."""
    import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow
    from matplotlib.figure import Figure  # noqa: PLC0415

    levels = report.answered_levels
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the fonts here lack: the viewer has its own
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(9, 4), layout="constrained")
        left, right = figure.subplots(1, 2)
        first = [[result.first_token for result in level.completed] for level in levels]
        later = [[result.time_per_token for result in level.completed] for level in levels]
        _distributions(left, "time to first token (TTFT)", levels, first)
        _distributions(right, "time per output token (TPOT)", levels, later)
        figure.suptitle(printable(report.model), parse_math=False)
        figure.supxlabel(_LEGEND, fontsize=10)
        figure.savefig(path, format="svg", transparent=True, metadata={"Date": None})


def _distributions(
    axes: "Axes", title: str, levels: Sequence[BenchLevel], found: Sequence[Sequence[float | None]]
) -> None:
    known = [[value for value in values if value is not None] for values in found]
    factor, unit = _unit(known)
    for place, values in enumerate(known):
        if not values:
            continue
        beside = [place + _WIDTH * (number * _GOLDEN % 1 - 0.5) for number in range(len(values))]
        axes.plot(beside, [value * factor for value in values], "o", color=_BLUE, markersize=4, zorder=3)
        spread = spread_of(values)
        for height, width in ((spread.p50, 3.0), (spread.p95, 1.0)):
            ends = (place - _WIDTH / 2, place + _WIDTH / 2)
            axes.plot(ends, [(height or 0.0) * factor] * 2, color=_ORANGE, linewidth=width)
    axes.set_title(title, fontsize=11)
    axes.set_ylabel(unit)
    axes.set_xticks(range(len(levels)), [_label(level) for level in levels])
    axes.set_xlim(-0.6, len(levels) - 0.4)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color=_GREY, alpha=0.25)


def _unit(found: Sequence[Sequence[float]]) -> tuple[float, str]:
    longest = max((value for values in found for value in values), default=0.0)
    return (1.0, "seconds") if longest >= 1 else (1000.0, "milliseconds")


def _label(level: BenchLevel) -> str:
    speed = figures_of(level).total_tokens_per_second
    return f"{level.streams}" + ("" if speed is None else f"\n{speed:.0f} tokens/s")
