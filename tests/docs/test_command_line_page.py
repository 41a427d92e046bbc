"""docs/command_line.md: its commands work, and its tables agree with the program."""

import json
import re
import shlex
from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from ollama_rx.cli.app import app
from ollama_rx.testing import FakeOllama
from tests.docs.pages import PAGES, blocks

PAGE = PAGES["docs/command_line.md"]
COMMANDS = [
    line.partition("#")[0].partition("|")[0].strip()
    for block in blocks(PAGE, "sh")
    for line in block.splitlines()
]

CommandLine = Callable[[str], Result]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Result]:
    """Call a command as it stands on the page."""

    def run(line: str) -> Result:
        program, *words = shlex.split(line)
        assert program == "ollama-rx"
        with FakeOllama() as fake:
            monkeypatch.setenv("OLLAMA_HOST", fake.url)
            return CliRunner().invoke(app, words)

    monkeypatch.setattr("ollama_rx.cli.doctor.doctor._end_now", lambda _: None)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    return run


def rows(pattern: str) -> list[tuple[str, ...]]:
    return re.findall(rf"^\| {pattern} \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_succeeds(call: CommandLine, command: str) -> None:
    assert call(command).exit_code == 0


def test_each_command_with_json_prints_the_fields_of_the_table(call: CommandLine) -> None:
    table = rows(r"`(\w+) --json` \| (.*)")
    assert [name for name, _ in table] == ["models", "ps", "show", "pull", "doctor"]
    for name, text in table:
        *_, last = call(f"ollama-rx {name} {'m' if name == 'pull' else ''} --json").stdout.splitlines()
        fields = set(json.loads(last))
        named = set(re.findall(r"`(\w+)`", text)) | set(re.findall(r'"(\w+)":', text))
        if name == "doctor":
            fields |= set(json.loads(last)["checks"][0])
        elif name == "ps":
            named.discard("expires_at")
        assert named <= fields, name


def test_the_lines_for_the_shells_are_those_of_the_help() -> None:
    shown = CliRunner().invoke(app, ["completion", "--help"]).stdout
    table = rows(r"\w+ \| `([^`]+)`(?:, below `compinit`)? \| `([^`]+)`")
    assert len(table) == 4
    for file, line in table:
        assert re.search(
            rf"In {re.escape(file)}(, below compinit)?:  {re.escape(line.replace(chr(92), ''))}\n", shown
        )


def test_each_command_that_is_named_exists() -> None:
    named = set(re.findall(r"ollama-rx (\w+)", PAGE)) | set(
        re.findall(r"^## .*: `(\w+)`", PAGE, re.MULTILINE)
    )
    known = {
        command.name or command.callback.__name__ for command in app.registered_commands if command.callback
    }
    assert named <= known
