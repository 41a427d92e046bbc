"""Without a server the embedded model answers; its weights are fetched and found."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.cli import embedded as command
from ollama_rx.cli import main
from ollama_rx.embedded import EmbeddedModelError, fetch_weights, find_weights

CommandLine = Callable[..., Result]
Report = Callable[[int, int], None]


@pytest.mark.embedded
def test_without_a_server_the_embedded_model_answers_and_says_so(
    command_line: CommandLine, no_server: str
) -> None:
    fetch_weights()
    words = ["-o", "num_predict=5", "-o", "seed=1", "-o", "temperature=0"]
    result = command_line("run", "The first three letters are A, B,", *words, "--stats")
    assert result.exit_code == 0
    assert result.stdout.strip()
    note, *figures = result.stderr.splitlines()
    assert note == f"no Ollama at {no_server}: the small embedded model answers"
    assert "ended by    length" in figures


@pytest.mark.embedded
@pytest.mark.usefixtures("no_server")
def test_a_model_that_was_named_is_not_the_one_that_answers(command_line: CommandLine) -> None:
    fetch_weights()
    result = command_line("run", "Hi", "--model", "llama3.2", "-o", "num_predict=1")
    assert result.stderr.endswith(": the small embedded model answers instead of llama3.2\n")


@pytest.mark.embedded
@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_embedded_model_is_listed(command_line: CommandLine) -> None:
    fetch_weights()
    assert command_line("models").stdout.startswith("smollm2:135m-instruct-q4_1  98 MB  ")


def test_the_place_of_the_weights_is_printed(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "mine.gguf"
    weights.touch()
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(weights))
    result = command_line("embedded")
    assert (result.stdout, result.stderr) == (f"{weights}\n", "")


def test_weights_that_cannot_be_had_are_an_error_that_says_what_to_do(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_RX_MODEL", str(tmp_path / "none"))
    result = command_line("embedded")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.startswith("ollama-rx: OLLAMA_RX_MODEL: no such file: ")


@pytest.mark.parametrize(
    ("terminal", "progress"),
    [(True, "50.0/100.0 MB"), (False, "fetching SmolLM2-135M-Instruct: 50.0 of 100.0 MB (50 %)\n")],
)
def test_a_terminal_sees_a_progress_bar_and_a_log_gets_lines(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,  # noqa: FBT001 - a parameter of the test
    progress: str,
) -> None:
    def fetch(report: Report) -> Path:
        report(50_000_000, 100_000_000)
        return Path("weights")

    monkeypatch.setattr("ollama_rx.embedded.fetch_weights", fetch)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert command.fetch_with_bar() == Path("weights")
    assert progress in capsys.readouterr().err


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


def test_a_first_download_is_announced(
    command_line: CommandLine, no_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(_: Report) -> Path:
        raise EmbeddedModelError("no network")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("ollama_rx.embedded.fetch_weights", fetch)
    assert find_weights() is None
    result = command_line("run", "Hi")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"no Ollama at {no_server}: the small embedded model answers, after fetching it once (93 MB)",
        "ollama-rx: no network",
    ]


def test_neither_a_server_nor_the_extra_is_one_line_with_both_ways_out(
    command_line: CommandLine, no_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(**_: object) -> None:
        raise EmbeddedModelError('pip install "ollama-rx[embedded]"')

    monkeypatch.setattr("ollama_rx.embedded.embedded", missing)
    result = command_line("run", "Hi")
    assert result.exit_code == 1
    assert result.stderr == (
        f"ollama-rx: no Ollama at {no_server} (`ollama serve` starts one), and no embedded model: "
        'pip install "ollama-rx[embedded]"\n'
    )
