"""The prompt comes as an argument or from standard input."""

import io
import sys
from collections.abc import Callable

import pytest
from typer.testing import Result

from ollama_rx.cli.prompt import read_prompt
from ollama_rx.testing import FakeOllama

CommandLine = Callable[..., Result]


@pytest.mark.parametrize("words", [["run"], ["run", "-"]])
def test_a_piped_prompt_is_read_to_its_end(
    command_line: CommandLine, fake: FakeOllama, words: list[str]
) -> None:
    result = command_line(*words, "--host", fake.url, input="Hello\nwörld\n")
    assert result.stdout == "Hello\nwörld\n"
    assert fake.requests[-1].json["prompt"] == "Hello\nwörld\n"


def test_a_prompt_on_the_command_line_leaves_standard_input_alone(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    assert command_line("run", "Hi", "--host", fake.url, input="not this").stdout == "Hi\n"


def test_bytes_that_are_no_text_are_replaced(command_line: CommandLine, fake: FakeOllama) -> None:
    command_line("run", "--host", fake.url, input=b"a\xffb")
    assert fake.requests[-1].json["prompt"] == "a\ufffdb"


def test_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(ValueError, match="give a prompt, or pipe one in"):
        read_prompt(None)
