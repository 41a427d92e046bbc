"""Signals while a command runs are for the command."""

import os
import signal
import subprocess
from pathlib import Path
from threading import Event

import pytest

from ollama_rx.cli.cassettes import running_command
from ollama_rx.cli.cassettes.running_command import RunningCommand


@pytest.fixture
def ended() -> Event:
    """Return the event that is set when a command has ended."""
    return Event()


@pytest.fixture
def sleeping(ended: Event) -> RunningCommand:
    """Return a command that runs and ends only by a signal."""
    running = RunningCommand(("sleep", "60"), {}, ended.set)
    running.start()
    return running


def test_a_command_has_the_variables_and_an_exit_code(ended: Event) -> None:
    running = RunningCommand(("sh", "-c", 'exit "$CODE"'), {"CODE": "7"}, ended.set)
    running.start()
    assert ended.wait(20)
    assert running.exit_code() == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_a_terminal_a_signal_is_passed_on(
    sleeping: RunningCommand, ended: Event, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_command, "_is_in_foreground", lambda: False)
    assert sleeping.take_signal(number)
    assert ended.wait(20)
    assert sleeping.exit_code() == 128 + number


def test_ctrl_c_of_a_terminal_is_not_sent_a_second_time(
    sleeping: RunningCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_command, "_is_in_foreground", lambda: True)
    assert sleeping.take_signal(signal.SIGINT)
    assert sleeping.take_signal(signal.SIGTERM)
    assert sleeping.exit_code() == 128 + signal.SIGTERM


def test_a_signal_before_a_command_is_started_cancels_it(ended: Event, tmp_path: Path) -> None:
    running = RunningCommand(("touch", str(tmp_path / "started")), {}, ended.set)
    assert not running.take_signal(signal.SIGINT)
    running.start()
    assert running.exit_code() == 130
    assert not (tmp_path / "started").exists()


def test_a_signal_while_a_command_is_started_reaches_it(
    ended: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = RunningCommand(("sleep", "60"), {}, ended.set)

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, command: tuple[str, ...], *, env: dict[str, str]) -> None:
            super().__init__(command, env=env)
            assert not running.take_signal(signal.SIGINT)

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    running.start()
    assert ended.wait(20)
    assert running.exit_code() == 130


def test_a_command_that_cannot_be_started_has_ended(ended: Event, tmp_path: Path) -> None:
    running = RunningCommand((str(tmp_path),), {}, ended.set)
    running.start()
    assert ended.is_set()
    with pytest.raises(PermissionError):
        running.exit_code()


@pytest.mark.parametrize(("other", "expected"), [(0, True), (1, False)])
def test_whether_the_terminal_sends_ctrl_c_to_this_process(
    monkeypatch: pytest.MonkeyPatch, other: int, *, expected: bool
) -> None:
    def opened(_path: str, _flags: int) -> int:
        return os.dup(1)

    def group_in_foreground(_terminal: int) -> int:
        return os.getpgrp() + other

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "tcgetpgrp", group_in_foreground)
    assert running_command._is_in_foreground() is expected


def test_without_a_terminal_there_is_no_foreground(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_path: str, _flags: int) -> int:
        raise OSError

    monkeypatch.setattr(os, "open", missing)
    assert not running_command._is_in_foreground()
