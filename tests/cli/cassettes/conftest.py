"""Fixtures of the tests of `record` and `replay`: a cassette, and a port that is used until a signal."""

import signal
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TextIO

import pytest
from typer.testing import Result

from ollama_rx.cli.cassettes import cassette_port
from ollama_rx.cli.terminal import echo
from tests.cli.used_port import run_and_use

CommandLine = Callable[..., Result]
Use = Callable[[str], None]


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return tmp_path / "a.cassette"


@pytest.fixture
def answer_file(tmp_path: Path) -> Path:
    return tmp_path / "answer"


@pytest.fixture
def run_until(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command, use its port on another thread when it is open, and send a signal to this process."""

    def run(*words: str, use: Use, end: signal.Signals) -> Result:
        opened = Future[str]()

        def note(text: str, file: TextIO | None = None) -> None:
            echo(text, file)
            if file is not None:
                opened.set_result(text)

        monkeypatch.setattr(cassette_port, "echo", note)
        return run_and_use(lambda: command_line(*words, "--port", "0"), opened, use, end=end)

    return run
