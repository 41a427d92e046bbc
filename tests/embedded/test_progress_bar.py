"""The progress of a download is shown in a terminal and in a log."""

import io
import re
import sys

import pytest

from ollama_rx.embedded.progress_bar import progress_bar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(out: io.StringIO) -> str:
    with progress_bar("fetching", out=out) as report:
        for megabytes in range(21):
            report(megabytes * 1_000_000, 20_000_000)
    return out.getvalue()


def test_a_log_gets_a_line_every_ten_per_cent() -> None:
    lines = run(io.StringIO()).splitlines()
    assert len(lines) == 11
    assert lines[0] == "fetching: 0.0 of 20.0 MB (0 %)"
    assert lines[-1] == "fetching: 20.0 of 20.0 MB (100 %)"


def test_a_terminal_with_rich_gets_a_bar() -> None:
    assert "20.0/20.0 MB" in run(Terminal())


def test_the_bar_leaves_space_for_a_control_c_in_a_window_of_80_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = Terminal()
    with progress_bar("fetching SmolLM2-135M-Instruct", out=out) as report:
        report(92_871_040, 92_871_040)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).replace("\r", "\n").splitlines()
    assert 60 < max(map(len, lines)) <= 80 - len("^C 1")


def test_a_terminal_without_rich_gets_one_redrawn_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    shown = run(Terminal())
    assert shown.count("\r") == 21
    assert shown.endswith("\rfetching: 20.0 of 20.0 MB (100 %)\n")


@pytest.mark.parametrize("rich", [True, False])
def test_nothing_is_shown_without_a_report(*, rich: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not rich:
        monkeypatch.setitem(sys.modules, "rich.console", None)
    out = Terminal()
    with progress_bar("fetching", out=out):
        pass
    assert out.getvalue().strip() == ""


def test_standard_error_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("fetching") as report:
        report(5, 10)
    assert capsys.readouterr().err == "fetching: 0.0 of 0.0 MB (50 %)\n"
