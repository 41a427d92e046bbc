"""The entry point, and the options before a command."""

import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError

import pytest
from typer.testing import Result

from ollama_rx.cli import main

CommandLine = Callable[..., Result]


def test_the_entry_point_runs_the_command_and_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ollama-rx", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: ollama-rx ")


def test_without_typer_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ollama_rx.cli.app", raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit, match=r'pip install "ollama-rx\[cli\]"'):
        main()


def test_any_other_missing_module_is_a_fault_and_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ollama_rx.cli.app", None)
    with pytest.raises(ModuleNotFoundError):
        main()


def test_without_words_the_help_is_shown(command_line: CommandLine) -> None:
    result = command_line()
    assert "Commands:" in result.output


def test_the_version_is_that_of_the_package(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", {"ollama-rx": "9.8.7"}.__getitem__)
    result = command_line("--version")
    assert (result.stdout, result.exit_code) == ("ollama-rx 9.8.7\n", 0)


def test_sources_that_are_not_installed_have_no_version(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", unknown)
    assert command_line("--version").stdout == "ollama-rx, not installed as a package\n"


def test_streams_that_are_closed_lead_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["ollama-rx", "--help"])
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    for file in (sys.stdin, sys.stdout, sys.stderr):
        assert file.name == os.devnull
        file.close()
