"""The shell commands of the README work."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.testing import FakeOllama

CommandLine = Callable[..., Result]

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"^```sh\n(.*?)^```", README, re.DOTALL | re.MULTILINE))
# Until Ctrl-C or a browser comes, over a bus, or with other programs: they have tests of their own.
_ELSEWHERE = (" serve ", " --to web", " worker ", "nats:", " record ", " replay ")
COMMANDS = [
    line
    for line in SHELL.splitlines()
    if "ollama-rx " in line and "pip install" not in line and not any(word in line for word in _ELSEWHERE)
]


def test_there_are_commands() -> None:
    assert len(COMMANDS) > 2


@pytest.mark.usefixtures("sinks")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_succeeds_against_a_server(
    command: str,
    command_line: CommandLine,
    fake: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    monkeypatch.chdir(tmp_path)
    echo, pipe, ours = command.rpartition(" | ")
    words = shlex.split(ours, comments=True)
    assert words[0] == "ollama-rx"
    piped = shlex.split(echo)[1] if pipe else None
    result = command_line(*words[1:], input=piped)
    assert result.exit_code == 0, result.stderr
    assert fake.requests
