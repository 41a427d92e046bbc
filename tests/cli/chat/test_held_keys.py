"""Keys that are typed while an answer runs wait for the next prompt."""

import os
import pty
import select
import signal
import sys
import termios
from threading import Event, Thread

import pytest

from ollama_rx.cli import terminal
from ollama_rx.cli.chat.held_keys import hold_keys


def mode() -> tuple[bool, bool, bool]:
    """Return whether keys are shown, lines are edited, and Enter becomes a line end."""
    attributes = termios.tcgetattr(sys.stdin.fileno())
    return (
        bool(attributes[3] & termios.ECHO),
        bool(attributes[3] & termios.ICANON),
        bool(attributes[0] & termios.ICRNL),
    )


def test_keys_are_not_shown_and_are_read_as_they_were_typed(keyboard: int) -> None:
    before = termios.tcgetattr(sys.stdin.fileno())
    with hold_keys(prompt_reads_lines=False) as keys, keys.hidden():
        assert mode() == (False, False, False)
        assert termios.tcgetattr(sys.stdin.fileno())[3] & termios.ISIG
        assert keys.count() == 0
        os.write(keyboard, "你\r\x04".encode())
        select.select([sys.stdin], [], [], 30)
        assert keys.count() == 5
        assert os.read(sys.stdin.fileno(), 99) == "你\r\x04".encode()
    assert termios.tcgetattr(sys.stdin.fileno()) == before
    assert select.select([keyboard], [], [], 0)[0] == []


def test_between_answer_and_prompt_keys_wait_too(keyboard: int) -> None:
    with hold_keys(prompt_reads_lines=False) as keys:
        with keys.hidden():
            pass
        assert mode() == (True, False, False)  # readline shows what is typed only if the terminal does
        os.write(keyboard, b"\x04\r")
        select.select([sys.stdin], [], [], 30)
        assert os.read(sys.stdin.fileno(), 99) == b"\x04\r"


def test_a_prompt_that_reads_lines_gets_what_was_typed_before(keyboard: int) -> None:
    with hold_keys(prompt_reads_lines=True) as keys:
        with keys.hidden():
            assert mode() == (False, False, True)
            os.write(keyboard, b"ahead\r")
        assert mode() == (True, True, True)
        assert sys.stdin.readline() == "ahead\n"


def test_the_terminal_is_restored_after_an_exception(keyboard: int) -> None:
    del keyboard
    before = mode()
    with pytest.raises(SystemExit), hold_keys(prompt_reads_lines=False):
        raise SystemExit
    assert mode() == before == (True, True, True)


def test_a_second_ctrl_c_restores_the_terminal_before_it_ends_the_process(
    keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    del keyboard
    modes: list[object] = []

    def note(code: int) -> None:
        modes.append((code, mode()))

    monkeypatch.setattr(os, "_exit", note)
    with hold_keys(prompt_reads_lines=False):
        terminal.end_process(signal.SIGINT, None)
    assert modes == [(130, (True, True, True))]


def test_ctrl_z_leaves_the_terminal_to_the_shell_as_it_was(
    keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    del keyboard
    modes: list[object] = []
    kill = os.kill

    def stop(_: int, number: int) -> None:
        modes.append((number, signal.getsignal(number), mode()))

    with hold_keys(prompt_reads_lines=False) as keys, keys.hidden():
        monkeypatch.setattr(os, "kill", stop)
        signal.raise_signal(signal.SIGTSTP)
        monkeypatch.setattr(os, "kill", kill)
        assert mode() == (False, False, False)
    assert modes == [(signal.SIGTSTP, signal.SIG_DFL, (True, True, True))]
    assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL


def test_a_process_that_ignores_ctrl_z_goes_on(keyboard: int) -> None:
    del keyboard
    before = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        with hold_keys(prompt_reads_lines=False) as keys, keys.hidden():
            assert signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTSTP, before)


def test_a_key_is_waited_for_and_what_was_typed_before_does_not_count(keyboard: int) -> None:
    pressed: list[bool] = []
    ended = Event()
    os.write(keyboard, b"before")
    with hold_keys(prompt_reads_lines=False) as keys:
        select.select([sys.stdin], [], [], 30)
        waiting = Thread(target=lambda: pressed.append(keys.wait_for_key(ended)))
        waiting.start()
        waiting.join(0.1)
        assert pressed == []
        os.write(keyboard, b"x")
        waiting.join(30)
        ended.set()
        assert keys.wait_for_key(ended) is False
    assert pressed == [True]


def test_without_a_terminal_nothing_is_held() -> None:
    ended = Event()
    ended.set()
    with hold_keys(prompt_reads_lines=False) as keys, keys.hidden():
        assert keys.count() == 0
        assert keys.wait_for_key(ended) is False


def test_a_standard_input_that_is_closed_is_not_a_terminal(
    keyboard: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    del keyboard
    outer, inner = pty.openpty()
    file = os.fdopen(inner)
    file.close()
    os.close(outer)
    monkeypatch.setattr(sys, "stdin", file)
    with hold_keys(prompt_reads_lines=False) as keys:
        assert keys.count() == 0


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
def test_a_terminal_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    outer, inner = pty.openpty()
    with os.fdopen(inner) as file:
        monkeypatch.setattr(sys, "stdin", file)
        if moment == "before":
            monkeypatch.setattr(file, "isatty", lambda: True)
            os.close(outer)
        with hold_keys(prompt_reads_lines=False) as keys, keys.hidden():
            if moment == "meanwhile":
                os.close(outer)
            assert keys.count() == 0
