"""A process that Ctrl-C has interrupted ends by the signal, so that a shell around it ends too."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ollama_rx.cli.interrupt import end_as_interrupted

END: Callable[[], object] = end_as_interrupted  # for type checkers it would never return
ENDS = "from ollama_rx.cli.interrupt import end_as_interrupted; end_as_interrupted()"


def test_a_process_ends_by_the_signal() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", ENDS], env=environment, check=False)  # noqa: S603 - our own interpreter
    assert done.returncode == -signal.SIGINT


def test_the_signal_has_its_default_action(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def set_signal(*arguments: object) -> None:
        seen.append(arguments)

    monkeypatch.setattr(signal, "signal", set_signal)
    monkeypatch.setattr(signal, "raise_signal", seen.append)
    monkeypatch.setattr(os, "_exit", seen.append)
    END()
    assert seen == [(signal.SIGINT, signal.SIG_DFL), signal.SIGINT, 130]


def test_without_such_signals_the_exit_code_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os, "_exit", seen.append)
    END()
    assert seen == [130]
