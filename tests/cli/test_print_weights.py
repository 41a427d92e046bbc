"""`ollama-rx embedded` fetches the weights and prints their path."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.cli import main

CommandLine = Callable[..., Result]
Report = Callable[[int, int], None]


def test_the_path_of_the_weights_is_printed(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "mine.gguf"
    weights.touch()
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(weights))
    result = command_line("embedded")
    assert (result.stdout, result.stderr) == (f"{weights}\n", "")


def test_a_missing_weights_file_is_an_error_that_names_the_variable(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(tmp_path / "none"))
    result = command_line("embedded")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.startswith("ollama-rx: OLLAMA_RX_MODEL: no such file: ")


def test_without_a_terminal_the_command_writes_a_line_every_ten_per_cent(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(report: Report) -> Path:
        for megabytes in range(101):
            report(megabytes * 1_000_000, 100_000_000)
        return Path("weights")

    monkeypatch.setattr("ollama_rx.embedded.fetch_weights", fetch)
    result = command_line("embedded")
    assert result.stdout == "weights\n"
    assert result.stderr.splitlines() == [
        f"fetching SmolLM2-135M-Instruct: {percent}.0 of 100.0 MB ({percent} %)"
        for percent in range(0, 101, 10)
    ]


def run_embedded(monkeypatch: pytest.MonkeyPatch) -> object:
    """Run ``ollama-rx embedded`` through the entry point; returns the exit code."""
    monkeypatch.setattr(sys, "argv", ["ollama-rx", "embedded"])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code


def test_the_entry_point_writes_the_path_of_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "mine.gguf"
    weights.touch()
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(weights))
    assert run_embedded(monkeypatch) == 0
    assert capsys.readouterr() == (f"{weights}\n", "")


def test_ctrl_c_during_the_download_ends_the_process_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Report) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr("ollama_rx.embedded.fetch_weights", interrupted)
    assert run_embedded(monkeypatch) == 130
    assert capsys.readouterr() == ("", "")


def test_a_missing_file_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_RX_MODEL", "/nowhere.gguf")
    assert run_embedded(monkeypatch) == 1
    assert capsys.readouterr() == ("", "ollama-rx: OLLAMA_RX_MODEL: no such file: /nowhere.gguf\n")
