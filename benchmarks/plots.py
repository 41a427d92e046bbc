"""The SVG pictures of the README, in colours that can be read on white and on black."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import Rounds
from benchmarks.rounds import median_of, ratio

GREY = "#808890"
OURS = "#e8743b"
PEERS = "#5b8fd6"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ollama_rx",  # the same picture for the same numbers
    "font.family": "sans-serif",
    "font.size": 11,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
BARS = {
    "floor": "floor: socket + orjson",
    "ours/uvloop": "ollama_rx pipeline, uvloop",
    "ours/asyncio": "ollama_rx pipeline",
    "httpx_sync": "bare httpx",
    "httpx_async/asyncio": "bare httpx, async",
    "ollama_sync": "official client",
    "ollama_async/asyncio": "official client, async",
    "ollama_async/uvloop": "official client, async, uvloop",
}
LINES = {
    "ours/uvloop": ("ollama_rx pipeline, uvloop", OURS, "-"),
    "ours/asyncio": ("ollama_rx pipeline", OURS, "--"),
    "ollama_async/uvloop": ("official client, uvloop", PEERS, "-"),
    "ollama_async/asyncio": ("official client", PEERS, "--"),
    "httpx_async/uvloop": ("bare httpx, uvloop", GREY, "-"),
    "floor_async/uvloop": ("floor: asyncio.Protocol + orjson, uvloop", GREY, ":"),
}


def draw_all(folder: Path, measured: Mapping[str, Rounds]) -> None:
    """Draw all pictures into the folder."""
    with mpl.rc_context(STYLE):
        _save(_tokens(measured), folder / "tokens.svg")
        _save(_streams(measured), folder / "streams.svg")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, transparent=True, metadata={"Date": None})


def _tokens(measured: Mapping[str, Rounds]) -> Figure:
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _bars(left, measured["blast"], "as fast as it can")
    _bars(right, measured["live"], "token by token, 2000 a second")
    figure.supxlabel("processor time for a token, times the floor's: shorter is better", fontsize=11)
    return figure


def _bars(axes: Axes, rounds: Rounds, title: str) -> None:
    found = {name: ratio(rounds, name, "floor", "us_per_token") for name in BARS}
    shown = {name: value for name, value in found.items() if value is not None}
    colours = [OURS if name.startswith("ours") else GREY if name == "floor" else PEERS for name in shown]
    bars = axes.barh([BARS[name] for name in shown], list(shown.values()), color=colours, height=0.65)
    axes.bar_label(bars, [f"{value:.1f}" for value in shown.values()], padding=4, color=GREY)
    axes.set_title(title, fontsize=11)
    axes.set_xlim(0, max(shown.values()) * 1.15)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.tick_params(axis="y", length=0)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()


def _streams(measured: Mapping[str, Rounds]) -> Figure:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    rounds = [each for name in ("paced_300", "paced_many", "paced_peers") for each in measured[name]]
    for axes, value, label in (
        (left, "core_percent", "one core, %"),
        (right, "late_p99_ms", "added latency, p99, ms"),
    ):
        for variant, (name, colour, dashes) in LINES.items():
            points = _points(rounds, variant, value)
            axes.plot(*zip(*points, strict=True), dashes, marker="o", markersize=4, color=colour, label=name)
        axes.set_xlabel("streams of 20 tokens a second")
        axes.set_title(label, fontsize=11)
        axes.grid(color=GREY, alpha=0.25)
    right.set_yscale("log")
    right.minorticks_off()
    right.yaxis.set_major_formatter("{x:g}")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _points(rounds: Rounds, variant: str, figure: str) -> list[tuple[int, float]]:
    sizes = {
        int(name.rpartition("/")[2]) for each in rounds for name in each if name.startswith(variant + "/")
    }
    found = [(size, median_of(rounds, f"{variant}/{size}", figure)) for size in sorted(sizes)]
    return [(size, value) for size, value in found if value is not None]
