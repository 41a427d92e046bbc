"""The progress of a download is shown in a terminal and in a log."""

import errno
import io
import re
import sys

import pytest

from ollama_rx.embedded.progress_bar import ProgressBar, _ProgressLog, _RedrawnLine, _RichBar, progress_bar


@pytest.fixture(autouse=True)
def _terminal_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that pass when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def plain(out: io.StringIO) -> list[str]:
    """Return what was written, without escape sequences, by lines and by what was drawn over."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).replace("\r", "\n").splitlines()


def in_window(monkeypatch: pytest.MonkeyPatch, columns: int) -> Terminal:
    monkeypatch.setenv("COLUMNS", str(columns))

    def window_columns(_: object) -> int:
        return columns

    monkeypatch.setattr("ollama_rx.embedded.progress_bar._columns", window_columns)
    return Terminal()


def fetch_two_gigabytes(bar: ProgressBar, clock: Clock) -> None:
    """Show two steps that are five seconds apart, and close the bar."""
    bar(400_000_000, 2_000_000_000)
    clock.now += 5
    bar(800_000_000, 2_000_000_000)
    bar.close(erase=False)


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


def test_a_terminal_that_cannot_redraw_a_line_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert len(run(Terminal()).splitlines()) == 11


def test_a_terminal_with_rich_gets_a_bar() -> None:
    assert "20.0/20.0 MB" in run(Terminal())


def test_the_bar_leaves_space_for_a_control_c_in_a_window_of_80_columns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = in_window(monkeypatch, 80)
    bar = _RichBar("fetching SmolLM2-135M-Instruct", out, clock := Clock())
    fetch_two_gigabytes(bar, clock)
    lines = plain(out)
    assert any("0.80/2.00 GB 80.0 MB/s 0:15 left" in line for line in lines)
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


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (80, "pulling llama3.2 {bar} 0.80/2.00 GB 80.0 MB/s 0:15 left"),
        (60, "pulling ll... {bar} 0.80/2.00 GB 80.0 MB/s 0:15 left"),
        (46, " {bar} 0.80/2.00 GB 80.0 MB/s 0:15 left"),
        (40, " {bar} 0.80/2.00 GB 0:15 left"),
        (30, " {bar} 0.80/2.00 GB"),
    ],
)
def test_a_bar_shows_what_fits_into_the_window(
    monkeypatch: pytest.MonkeyPatch, columns: int, shown: str
) -> None:
    out = in_window(monkeypatch, columns)
    fetch_two_gigabytes(_RichBar("pulling llama3.2", out, clock := Clock()), clock)
    last = plain(out)[-1].rstrip()
    assert re.sub("[━╸╺]+", "{bar}", last) == shown
    assert 8 <= last.count("━") + last.count("╸") + last.count("╺") <= 20
    assert len(last) <= columns - len("^C 1")


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (80, "pulling llama3.2: 0.80 of 2.00 GB (40 %), 80.0 MB/s, 0:15 left"),
        (60, "pulling llama3.2: 0.80 of 2.00 GB (40 %)"),
        (40, "0.80 of 2.00 GB (40 %)"),
        (20, "0.80 of 2.00..."),
    ],
)
def test_a_redrawn_line_shows_what_fits_into_the_window(
    monkeypatch: pytest.MonkeyPatch, columns: int, shown: str
) -> None:
    out = in_window(monkeypatch, columns)
    fetch_two_gigabytes(_RedrawnLine("pulling llama3.2", out, clock := Clock()), clock)
    assert plain(out)[-1].rstrip() == shown


def test_bytes_that_were_there_before_do_not_count_for_the_speed() -> None:
    out = Terminal()
    bar = _RedrawnLine("pulling", out, clock := Clock())
    bar(500_000_000, 900_000_000, found=500_000_000)
    clock.now += 2
    bar(800_000_000, 900_000_000, found=700_000_000)
    assert plain(out)[-1] == "pulling: 800.0 of 900.0 MB (88 %), 50.0 MB/s, 0:02 left"


def test_the_speed_is_measured_over_the_last_seconds() -> None:
    out = Terminal()
    bar = _RedrawnLine("pulling", out, clock := Clock())
    for megabytes in (0, 100, 800, 801, 802):
        bar(megabytes * 1_000_000, 900_000_000)
        clock.now += 5
    assert ", 0.2 MB/s, 8:10 left" in plain(out)[-1]


@pytest.mark.parametrize("done", [0, 100])
def test_without_progress_no_remaining_time_is_shown(done: int) -> None:
    out = Terminal()
    bar = _RedrawnLine("pulling", out, clock := Clock())
    bar(0, 10**12)
    clock.now += 5
    bar(done, 10**12)
    assert plain(out)[-1].endswith(" (0 %), 0.0 MB/s")


def test_a_step_without_bytes_has_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    out = in_window(monkeypatch, 80)
    with progress_bar("pulling", out=out) as bar:
        bar.show_step("verifying [b]sha256")
    assert "verifying [b]sha256" in plain(out)[-1]
    monkeypatch.setitem(sys.modules, "rich.console", None)
    line = Terminal()
    with progress_bar("pulling", out=line) as bar:
        bar(1_000_000, 2_000_000)
        bar.show_step("verifying")
    assert plain(line)[-1] == "verifying".ljust(len("pulling: 1.0 of 2.0 MB (50 %)"))
    log = io.StringIO()
    with progress_bar("pulling", out=log) as bar:
        bar.show_step("verifying")
    assert log.getvalue() == "verifying\n"


def test_a_bar_can_be_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    out = in_window(monkeypatch, 80)
    with progress_bar("pulling", out=out, erase=True) as bar:
        bar(1, 2)
    assert out.getvalue().endswith("\x1b[2K")
    monkeypatch.setitem(sys.modules, "rich.console", None)
    line = Terminal()
    with progress_bar("pulling", out=line, erase=True) as bar:
        bar(1, 2)
    shown = "pulling: 0.0 of 0.0 MB (50 %)"
    assert line.getvalue() == f"\r{shown}\r{' ' * len(shown)}\r"


def test_the_cursor_stays_visible_in_case_the_process_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    out = in_window(monkeypatch, 80)
    bar = _RichBar("pulling", out)
    bar(1, 2)
    assert out.getvalue().rfind("\x1b[?25h") > out.getvalue().rfind("\x1b[?25l")
    bar.close(erase=False)


def test_a_log_starts_again_if_the_total_grows() -> None:
    out = io.StringIO()
    log = _ProgressLog("pulling", out)
    for done, total in ((10, 10), (10, 100), (20, 100), (25, 100), (100, 100), (101, 101), (0, 0)):
        log(done * 100_000, total * 100_000)
    assert [line.rpartition("(")[2] for line in out.getvalue().splitlines()] == ["100 %)", "20 %)", "100 %)"]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_log_that_cannot_be_written_ends_no_download(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,  # noqa: FBT001 - of a table
) -> None:
    class Full(io.StringIO):
        def isatty(self) -> bool:
            return terminal

        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, text)

    monkeypatch.setitem(sys.modules, "rich.console", None)
    with progress_bar("pulling", out=Full()) as bar:
        bar(1, 2)
        bar.show_step("verifying")
