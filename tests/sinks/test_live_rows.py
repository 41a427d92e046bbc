"""Rows at the end of the output are replaced where they differ, and final rows never."""

from ollama_rx.sinks._live_rows import LiveRows
from tests.sinks.terminal_screen import Terminal


def live(columns: int = 20, height: int = 5) -> tuple[LiveRows, Terminal]:
    terminal = Terminal(columns, height)
    return LiveRows(terminal.write), terminal


def written(rows: LiveRows, terminal: Terminal, new: list[str], *, final: int = 0, columns: int = 20) -> str:
    before = len(terminal.getvalue())
    rows.replace(new, final=final, columns=columns)
    return terminal.getvalue()[before:].removeprefix("\x1b[?7l").removesuffix("\x1b[?7h")


def test_rows_are_replaced_by_others() -> None:
    rows, terminal = live()
    for new in (["a"], ["a", "b"], ["a", "c", "d", "e"], ["x"], ["x", "日本"], [""]):
        rows.replace(new, columns=20)
        assert terminal.text == new


def test_only_rows_that_differ_are_written() -> None:
    rows, terminal = live()
    rows.replace(["a", "b", "c"], columns=20)
    assert written(rows, terminal, ["a", "b", "c"]) == ""
    assert written(rows, terminal, ["a", "b", "c", "d"]) == "\nd"
    assert written(rows, terminal, ["a", "b", "x", "d"]) == "\x1b[1A\rx\x1b[K\nd\x1b[K\x1b[J"
    assert written(rows, terminal, ["a", "b", "x", "e"]) == "\re\x1b[K\x1b[J"
    assert written(rows, terminal, ["a", "b"]) == "\x1b[2A\rb\x1b[K\x1b[J"


def test_final_rows_stay_however_many_there_are() -> None:
    rows, terminal = live()
    rows.replace(["old"], columns=20)
    many = [str(number) for number in range(9)]
    rows.replace([*many, ""], final=9, columns=20)
    rows.replace(["a", "b"], columns=20)
    rows.replace(["c"], columns=20)
    assert terminal.text == [*many, "c"]


def test_after_the_window_got_narrower_all_rows_are_replaced() -> None:
    rows, terminal = live()
    rows.replace(["final", "a" * 15, "\x1b[1mb\x1b[0m" * 12], final=1, columns=20)
    terminal.resize(7, 5)
    rows.replace(["a" * 7, "b"], columns=7)
    assert terminal.text == ["final", "a" * 7, "b"]


def test_a_row_that_just_fits_into_the_narrower_window_is_one_row() -> None:
    rows, terminal = live()
    rows.replace(["final", "a" * 7, "b"], final=1, columns=20)
    terminal.resize(7, 5)
    rows.replace(["c"], columns=7)
    assert terminal.text == ["final", "c"]


def test_after_a_resize_each_row_is_erased_before_it_is_written() -> None:
    rows, terminal = live()
    rows.replace(["a", "b"], columns=20)
    assert written(rows, terminal, ["a", "b", "c"], columns=30) == (
        "\x1b[1A\r\x1b[Ka\x1b[K\n\x1b[Kb\x1b[K\n\x1b[Kc\x1b[K\x1b[J"
    )


def test_after_the_window_got_wider_all_rows_are_replaced() -> None:
    rows, terminal = live(columns=5)
    rows.replace(["final", "aaaaa", "aaa"], final=1, columns=5)
    terminal.resize(20, 5)
    rows.replace(["aaaaaaaa"], columns=20)
    assert terminal.text == ["final", "aaaaaaaa"]


def test_a_row_that_some_terminals_show_too_wide_is_written_again_when_it_is_final() -> None:
    rows, terminal = live()
    rows.replace(["हा" * 10, "हा" * 11], columns=20)
    new = written(rows, terminal, ["हा" * 10, "हा" * 11, ""], final=2)
    assert new == f"\r{'हा' * 11}\x1b[K\n\x1b[K\x1b[J"
