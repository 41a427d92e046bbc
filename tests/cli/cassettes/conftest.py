"""Fixtures of the tests of `record` and `replay`: a cassette, and a port that is used until a signal."""

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TextIO

import pytest
from typer.testing import Result

from ollama_rx.cli.cassettes import cassette_port
from ollama_rx.cli.terminal import echo

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
        used = Future[None]()

        def note(text: str, file: TextIO | None = None) -> None:
            echo(text, file)
            if file is not None:
                opened.set_result(text)

        def use_port() -> None:
            url = opened.result(30)
            try:
                use(url)
                used.set_result(None)
            except BaseException as error:  # noqa: BLE001 - raised again below
                used.set_exception(error)
            os.kill(os.getpid(), end)

        monkeypatch.setattr(cassette_port, "echo", note)
        using = threading.Thread(target=use_port)
        using.start()
        result = command_line(*words, "--port", "0")
        if not opened.done():
            opened.set_exception(RuntimeError(result.output))
        using.join()
        used.result()
        return result

    return run
