"""A usage error is one line, and a prompt without a command is recognised."""

from collections.abc import Callable

import pytest
from typer.testing import Result

CommandLine = Callable[..., Result]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["hello"], "No such command 'hello'. Did you mean: ollama-rx run hello?"),
        (
            ["Why is it blue?", "-m", "mine"],
            "No such command 'Why is it blue?'. Did you mean: ollama-rx run 'Why is it blue?'?",
        ),
        (["modles"], "No such command 'modles'. Did you mean 'models'?"),
        (["run", "--colour"], "No such option: --colour (ollama-rx run --help shows the usage)"),
        (["--colour"], "No such option: --colour (ollama-rx --help shows the usage)"),
        (
            ["run", "why", "not"],
            "Got unexpected extra argument(s) (not); put the prompt in quotes, and name the model with -m",
        ),
        (["run", "Hi", "-m", ""], "Invalid value for --model: the name is empty"),
        (["run", "Hi", "-m", " "], "Invalid value for --model: the name is empty"),
        (["run", "Hi", "--stop", ""], "Invalid value for --stop: expected a stop word"),
        (["run", "Hi", "--host", "ftp://x"], "Invalid value for --host: expected http:// or https://"),
        (
            ["run", "Hi", "-m", "mine", "-o", "stop=x"],
            "Invalid value for --option: expected a list of texts for 'stop'",
        ),
        (
            ["run", "Hi", "--to", "console", "--to", "console"],
            "Invalid value for --to: console is given twice",
        ),
        (
            ["run", "Hi", "--to", "console", "--to", "jsonl:-"],
            "Invalid value for --to: console and jsonl:- would both print on standard output",
        ),
        (
            ["run", "Hi", "--markdown", "--sentences"],
            "Invalid value for --markdown: sentences on lines of their own are not Markdown; leave",
        ),
        (
            ["run", "Hi", "--markdown", "--to", "jsonl:-"],
            "Invalid value for --markdown: only the console shows Markdown; add --to console",
        ),
        (["run", "Hi", "x\ny\x1b[2J"], "Got unexpected extra argument(s) (x"),
        (["\x1b[2J"], "No such command '\\x1b[2J'"),
    ],
)
def test_a_usage_error_is_one_line(command_line: CommandLine, words: list[str], line: str) -> None:
    result = command_line(*words, prog_name="ollama-rx")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"ollama-rx: {line}")
    assert result.stderr.count("\n") == 1


def test_help_is_not_an_error(command_line: CommandLine) -> None:
    assert command_line("run", "--help").exit_code == 0


def test_without_a_command_the_help_is_shown_and_the_exit_code_is_that_of_a_usage_error(
    command_line: CommandLine,
) -> None:
    result = command_line()
    assert result.exit_code == 2
    assert "Commands:" in result.output
