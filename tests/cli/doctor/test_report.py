"""What a check has found is printed for people, on terminals with colours."""

import io
import os

import pytest

from ollama_rx.cli.doctor.finding import Finding
from ollama_rx.cli.doctor.report import print_section

FINDINGS = [
    Finding(name="server", status="ok", text="a text that is longer than the window"),
    Finding(name="tts", status="missing", text="\x1b \u6a21", command='pip install "ollama-rx[tts,audio]"'),
    Finding(name="proxy", status="problem", text="two\nlines"),
]


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding: str) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding)

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str = "utf-8") -> list[str]:
    def size(_: int) -> os.terminal_size:
        return os.terminal_size((30, 24))

    terminal = Terminal(encoding)
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", terminal)
        patch.setattr(os, "get_terminal_size", size)
        print_section("Ollama", FINDINGS)
    return terminal.bytes.getvalue().decode(encoding).splitlines()


def test_a_terminal_has_coloured_marks_and_commands_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert printed(monkeypatch) == [
        "\x1b[1mOllama\x1b[0m",
        "\x1b[32mok\x1b[0m       server: a text that",
        "         is longer than the",
        "         window",
        "\x1b[33mmissing\x1b[0m  tts: \\x1b \u6a21",
        '         pip install "ollama-rx[tts,audio]"',
        "\x1b[31mproblem\x1b[0m  proxy: two lines",
        "",
    ]


def test_without_colours_the_marks_are_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(monkeypatch, "latin-1") == [
        "Ollama",
        "ok       server: a text that",
        "         is longer than the",
        "         window",
        "missing  tts: \\x1b \\u6a21",
        '         pip install "ollama-rx[tts,audio]"',
        "problem  proxy: two lines",
        "",
    ]


def test_a_section_without_findings_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    print_section("Bus", [])
    assert capsys.readouterr().out == ""
