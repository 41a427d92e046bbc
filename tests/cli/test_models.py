"""`ollama-rx models` lists the server's models, `ollama-rx embedded` fetches the weights."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.cli import main
from ollama_rx.testing import FakeOllama, json_reply

CommandLine = Callable[..., Result]
Report = Callable[[int, int], None]


def test_each_model_has_a_line_with_its_size(command_line: CommandLine, fake: FakeOllama) -> None:
    details = {"parameter_size": "8B", "quantization_level": "Q4_0"}
    models = [{"name": "large", "size": 4_661_000_000, "details": details}, {"name": "s", "size": 45_000_000}]
    fake.play(json_reply({"models": models}), path="/api/tags")
    result = command_line("models", "--host", fake.url)
    assert result.stdout == "large  4.7 GB  8B  Q4_0\ns      45 MB\n"


def test_a_model_takes_one_line_whatever_its_name_is(command_line: CommandLine, fake: FakeOllama) -> None:
    names = ["two\nlines", "tab\tbed", "\x1b[2J", "\u202egnp", "m\u00e9", "\u6a21"]
    models = [{"name": name, "details": {"parameter_size": "8B\n"}} for name in names]
    fake.play(json_reply({"models": models}), path="/api/tags")
    assert command_line("models", "--host", fake.url).stdout.splitlines() == [
        "two\\nlines    8B\\n",
        "tab\\tbed      8B\\n",
        "\\x1b[2J       8B\\n",
        "\\u202egnp     8B\\n",
        "m\u00e9            8B\\n",
        "\u6a21            8B\\n",
    ]


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (-1, ""),
        (0, ""),
        (384, "384 bytes"),
        (1700, "2 kB"),
        (600_000, "600 kB"),
        (999_400, "999 kB"),
        (999_600, "1 MB"),
        (45_000_000, "45 MB"),
        (999_999_999, "1.0 GB"),
        (4_661_000_000, "4.7 GB"),
    ],
)
def test_a_size_has_the_unit_that_fits(
    command_line: CommandLine, fake: FakeOllama, size: int, shown: str
) -> None:
    fake.play(json_reply({"models": [{"name": "m", "size": size}]}), path="/api/tags")
    assert command_line("models", "--host", fake.url).stdout.rstrip("\n") == f"m  {shown}".rstrip()


def test_models_without_a_name_are_not_listed(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(json_reply({"models": [{"size": 5}, {"name": "m"}]}), path="/api/tags")
    assert command_line("models", "--host", fake.url).stdout == "m\n"


def test_a_server_without_models_is_reported_with_advice(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(json_reply({"models": []}), path="/api/tags")
    result = command_line("models", "--host", fake.url)
    assert (result.stdout, result.exit_code) == ("", 0)
    assert result.stderr == f"{fake.url} has no models; `ollama pull llama3.2` fetches one\n"


def test_an_unreachable_server_is_an_error(command_line: CommandLine, unused_url: str) -> None:
    assert command_line("models", "--host", unused_url).exit_code == 1


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
