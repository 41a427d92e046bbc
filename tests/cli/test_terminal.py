"""The command line in a terminal."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ollama_rx.testing import FakeOllama, answer, thinking


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


def _shown(*words: str) -> tuple[str, int]:
    """Run the command line in a terminal of its own; give what is on it, and the exit code."""
    outer, inner = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", "from ollama_rx.cli import main; main()", *words],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "TERM": "xterm-256color"},
    )
    os.close(inner)
    shown = b""
    try:
        while piece := os.read(outer, 4096):
            shown += piece
    except OSError:  # how Linux tells that nobody holds the other end any more
        pass
    finally:
        os.close(outer)
    return shown.decode().replace("\r\n", "\n"), process.wait(30)


def test_an_empty_line_stands_before_the_figures(fake: FakeOllama) -> None:
    fake.play(answer("Hello", "."))
    shown, _ = _shown("run", "Hi", "--host", fake.url, "--stats")
    assert shown.startswith("Hello.\n\nmodel ")


def test_thinking_is_dim_and_ends_before_the_answer(fake: FakeOllama) -> None:
    fake.play(answer(thinking("Hm."), "Yes."))
    shown = _shown("run", "Hi", "--host", fake.url, "--thinking")
    assert shown == ("\x1b[2mHm.\x1b[22m\nYes.\n", 0)


def test_a_terminal_is_not_waited_for_when_the_prompt_is_missing(fake: FakeOllama) -> None:
    shown, code = _shown("run", "--host", fake.url)
    assert "give a prompt, or pipe one in" in shown
    assert code == 2
