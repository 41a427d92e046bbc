"""The picture shows the figures, and is the same for the same figures."""

from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from ollama_rx.cli.bench import bench_plot
from ollama_rx.cli.bench.bench_plot import check_plot, draw_plot
from tests.cli.bench.made_results import failed_result, made_level, made_result
from tests.cli.bench.test_bench_table import made_report


def texts_in(path: Path) -> list[str]:
    root = ET.parse(path).getroot()  # noqa: S314 - our own picture
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def find_nothing(_: str) -> None:
    return None


def test_both_panels_have_their_unit_and_their_levels(tmp_path: Path) -> None:
    path = tmp_path / "bench.svg"
    fast = made_level(*(made_result(number, started=number) for number in range(3)))
    slow = made_level(made_result(first_token=2.5), failed_result(1), streams=16)
    draw_plot(made_report(fast, slow, made_level(failed_result(), streams=32)), str(path))
    texts = texts_in(path)
    for text in (
        "mine",
        "time to first token (TTFT)",
        "time per output token (TPOT)",
        "seconds",
        "milliseconds",
    ):
        assert text in texts
    assert {"1", "16", "5 tokens/s"} <= set(texts)
    assert "32" not in texts


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    report = made_report(made_level(made_result(), made_result(1, first_token=0.7)))
    for name in ("one.svg", "two.SVG"):
        draw_plot(report, str(tmp_path / name))
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.SVG").read_bytes()


def test_a_name_is_drawn_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "bench.svg"
    draw_plot(made_report(made_level(made_result()), model="<b>$x_1$ & \u6a21\x1b"), str(path))
    assert "<b>$x_1$ & \u6a21\\x1b" in texts_in(path)


def test_a_level_without_such_figures_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "bench.svg"
    draw_plot(made_report(made_level(made_result(gaps=(), duration=0.0))), str(path))
    assert "milliseconds" in texts_in(path)
    assert not [text for text in texts_in(path) if text.endswith("tokens/s")]


def test_settings_of_the_user_do_not_change_the_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = made_report(made_level(made_result()))
    draw_plot(report, str(tmp_path / "one.svg"))
    monkeypatch.setitem(mpl.rcParams, "lines.linewidth", 9.0)
    draw_plot(report, str(tmp_path / "two.svg"))
    assert mpl.rcParams["lines.linewidth"] == 9.0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_without_a_picture_matplotlib_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_plot, "find_spec", find_nothing)
    check_plot(None)


def test_a_picture_that_could_not_be_drawn_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    check_plot(str(tmp_path / "bench.svg"))
    with pytest.raises(ValueError, match=r"expected a file that ends in \.svg, got 'bench\.png'"):
        check_plot("bench.png")
    with pytest.raises(ValueError, match=r"there is no folder '.*missing'"):
        check_plot(str(tmp_path / "missing" / "bench.svg"))
    monkeypatch.setattr(bench_plot, "find_spec", find_nothing)
    with pytest.raises(ValueError, match=r'the picture needs an extra: pip install "ollama-rx\[plot\]"'):
        check_plot("bench.svg")
