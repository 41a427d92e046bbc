"""The doctor asks the terminal."""

import io
import os

import pytest

from ollama_rx.cli.doctor.check_terminal import check
from ollama_rx.cli.doctor.finding import Finding, Target


class Output(io.TextIOWrapper):
    """Standard output, which may be a terminal."""

    def __init__(self, *, encoding: str = "utf-8", terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def ask(monkeypatch: pytest.MonkeyPatch, output: Output) -> dict[str, Finding]:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "24")
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", output)
        return {finding.name: finding for finding in check(Target())}


def test_a_terminal_has_a_size_and_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    found = ask(monkeypatch, Output(terminal=True))
    assert {finding.status for finding in found.values()} == {"ok"}
    assert found["window"].text == "40 columns, 24 lines"
    assert found["window"].fields == {"columns": 40, "lines": 24}
    assert (found["colours"].text, found["encoding"].text) == ("yes", "utf-8")


@pytest.mark.parametrize(
    ("variables", "terminal", "text"),
    [
        ({"NO_COLOR": "1"}, True, "no, because of NO_COLOR"),
        ({"TERM": "dumb"}, True, "no, because TERM is dumb"),
        ({}, False, "no: it is not a terminal"),
    ],
)
def test_there_may_be_no_colours(
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    terminal: bool,  # noqa: FBT001 - of a table
    text: str,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ask(monkeypatch, Output(terminal=terminal))["colours"].text == text


def test_a_pipe_has_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "not a terminal" in ask(monkeypatch, Output())["colours"].text
    assert ask(monkeypatch, Output())["window"].text == "none: standard output is a file or a pipe"


@pytest.mark.parametrize(("encoding", "status"), [("UTF_8", "ok"), ("utf8", "ok"), ("latin-1", "problem")])
def test_an_encoding_without_all_letters_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, encoding: str, status: str
) -> None:
    found = ask(monkeypatch, Output(encoding=encoding))["encoding"]
    assert found.status == status
    assert ("PYTHONUTF8=1" in found.text) is (status == "problem")
    assert os.environ["COLUMNS"] == "40"
