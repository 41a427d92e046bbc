"""What goes wrong is one line on standard error and an exit code."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.testing import FakeOllama, answer, cut, error_status, text_reply

CommandLine = Callable[..., Result]


def test_a_named_server_that_is_not_there_is_an_error_with_the_fix(
    command_line: CommandLine, nobody_there: str
) -> None:
    result = command_line("run", "Hi", "-m", "mine", "--host", nobody_there, "--stats")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.splitlines()[-1].startswith(f"ollama-rx: cannot reach {nobody_there} (")
    assert result.stderr.endswith(
        "is `ollama serve` running? Without --host and OLLAMA_HOST the embedded model answers.\n"
    )
    assert result.stderr.count("\n") == 1


def test_a_server_of_the_environment_that_is_not_there_is_an_error(
    command_line: CommandLine, nobody_there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", nobody_there)
    result = command_line("run", "Hi", "--model", "mine")
    assert (result.stdout, result.exit_code) == ("", 1)


def test_a_model_that_is_not_there_is_an_error(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(error_status(404))
    result = command_line("run", "Hi", "--host", fake.url, "--model", "none")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert "`ollama pull`" in result.stderr


def test_an_answer_that_breaks_off_is_an_error_after_what_had_come(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("Hel", cut()))
    result = command_line("run", "Hi", "--host", fake.url)
    assert (result.stdout, result.exit_code) == ("Hel\n", 1)
    assert result.stderr.startswith("ollama-rx: ")


@pytest.mark.usefixtures("sinks")
def test_a_file_that_cannot_be_written_is_an_error(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    result = command_line("run", "Hi", "--host", fake.url, "--to", f"jsonl:{tmp_path}")
    assert result.exit_code == 1
    assert result.stderr.startswith("ollama-rx: ")
    assert fake.requests == ()


@pytest.mark.usefixtures("sinks")
def test_a_sink_that_fails_is_an_error(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line("run", "Hi", "--host", fake.url, "--to", "broken")
    assert result.exit_code == 1
    assert result.stderr == "ollama-rx: sink Broken failed: RuntimeError: out of paper\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "the prompt is empty"),
        (["run", " "], "the prompt is empty"),
        (["run", "Hi", "--option", "temperature"], "KEY=VALUE"),
        (["run", "Hi", "--option", "=1"], "KEY=VALUE"),
        (["run", "Hi", "--model", "mine", "--option", "think=true"], "argument of its own"),
        (["run", "Hi", "--to", "nowhere"], "no sink is called 'nowhere'"),
        (["run", "Hi", "--stop", ""], "stop word"),
        (["run", "Hi", "--host", "ftp://x"], "not a way to reach Ollama"),
        (["run", "Hi", "--colour"], "No such option"),
        (["walk"], "No such command"),
    ],
)
def test_wrong_usage_ends_with_two_and_sends_nothing(
    command_line: CommandLine,
    fake: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    said: str,
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    result = command_line(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
    assert fake.requests == ()


def test_a_host_of_the_environment_that_is_none_is_wrong_usage_by_name(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "ftp://x")
    result = command_line("run", "Hi")
    assert result.exit_code == 2
    assert "Invalid value for OLLAMA_HOST" in result.stderr


def test_an_error_of_many_lines_is_told_in_one(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(text_reply("<html>\n  <p>no Ollama</p>\n", status=502), path="/api/tags")
    result = command_line("run", "Hi", "--host", fake.url)
    assert result.stderr == "ollama-rx: HTTP 502: <html> <p>no Ollama</p>\n"
