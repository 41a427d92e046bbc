"""Texts in columns fit the window."""

import os
import sys

import pytest

from ollama_rx.cli.output.layout import (
    format_labelled,
    print_labelled,
    print_table,
    width,
    window_columns,
    wrap,
)


def open_window(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Make standard output a window of so many columns."""

    def size(_: int) -> os.terminal_size:
        return os.terminal_size((columns, 24))

    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1)
    monkeypatch.setattr(os, "get_terminal_size", size)


HEAD = ("model", "size")
ROWS = [("llama3.2", "2.0 GB"), ("\u6a21", "")]


def test_a_table_has_a_head(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(HEAD, ROWS)
    assert capsys.readouterr().out == "model     size\nllama3.2  2.0 GB\n\u6a21\n"


@pytest.mark.parametrize("columns", [17, 80])
def test_a_table_that_fits_stays_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    open_window(monkeypatch, columns)
    print_table(HEAD, ROWS)
    assert capsys.readouterr().out == "model     size\nllama3.2  2.0 GB\n\u6a21\n"


def test_in_a_narrow_window_each_row_is_a_list(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_window(monkeypatch, 17)
    print_table((*HEAD, "until"), [(*row, "now\x1b") for row in ROWS])
    assert capsys.readouterr().out == (
        "llama3.2\n  size   2.0 GB\n  until  now\\x1b\n\u6a21\n  until  now\\x1b\n"
    )


def test_in_a_narrow_window_a_name_is_one_line_whatever_is_in_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_window(monkeypatch, 11)
    print_table(HEAD, [("mini\nfake", "5B")])
    assert capsys.readouterr().out == "mini\\nfake\n  size  5B\n"


def test_a_row_with_nothing_but_a_name_is_that_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_window(monkeypatch, 10)
    print_table(HEAD, [("llama3.2", "")])
    assert capsys.readouterr().out == "llama3.2\n"


def test_rows_without_a_text_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_labelled([("model", "m"), ("a longer label", ""), ("size", "1\n2")])
    assert capsys.readouterr().out == "model  m\nsize   1\n       2\n"


def test_long_texts_continue_below_their_beginning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    open_window(monkeypatch, 20)
    print_labelled([("system", "You are a helpful assistant.")])
    assert capsys.readouterr().out == "system  You are a\n        helpful\n        assistant.\n"


def test_an_empty_line_of_a_text_is_an_empty_line() -> None:
    assert format_labelled([("a", "1\n\n2")], None) == "a  1\n\n   2"


def test_a_label_may_be_of_wide_letters() -> None:
    assert format_labelled([("\u6a21\u578b", "1\n2"), ("a", "3")], None) == (
        "\u6a21\u578b  1\n      2\na     3"
    )


def test_a_word_that_is_too_long_stays_whole() -> None:
    command = 'pip install "ollama-rx[tts,piper,wyoming,audio]"'
    assert list(wrap(f"try {command} now", 24, 4)) == [
        "try pip install",
        '"ollama-rx[tts,piper,wyoming,audio]"',
        "now",
    ]


def test_the_space_before_a_line_stays() -> None:
    assert list(wrap("\tindented text here", 20, 0)) == ["        indented", "text here"]
    assert list(wrap("  " + "a" * 30, 20, 0)) == ["  " + "a" * 30]


def test_wide_letters_count_twice() -> None:
    parts = list(wrap("\u4f60\u597d \u4e16\u754c \u4f60\u597d", 11, 0))
    assert parts == ["\u4f60\u597d \u4e16\u754c", "\u4f60\u597d"]
    assert max(map(width, parts)) < 11


def test_a_terminal_may_not_tell_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: int) -> os.terminal_size:
        raise OSError("inappropriate ioctl")

    open_window(monkeypatch, 0)
    assert window_columns(sys.stdout) is None
    monkeypatch.setattr(os, "get_terminal_size", unknown)
    assert window_columns(sys.stdout) is None
