"""readline: its history, its completion, its prompts; in real terminals, see `test_input_in_terminals`."""

import os
import pty
import readline
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ollama_rx.cli.chat.input.input_history import InputHistory
from ollama_rx.cli.chat.input.readline_input import ReadlineInput


@pytest.fixture(autouse=True)
def readline_as_it_was() -> Iterator[None]:
    completer, delimiters = readline.get_completer(), readline.get_completer_delims()
    yield
    assert (readline.get_completer(), readline.get_completer_delims()) == (completer, delimiters)
    assert readline.get_current_history_length() == 0


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    outer, inner = pty.openpty()
    with open(inner, encoding="utf-8") as terminal, open(outer, "rb"):  # noqa: PTH123 - descriptors
        monkeypatch.setattr(sys, "stdin", terminal)
        yield


@pytest.fixture
def history(tmp_path: Path) -> InputHistory:
    history = InputHistory(tmp_path / "chat_history", print)
    history.add("earlier")
    return history


def _words(before: str) -> list[str]:
    return ["first", "second"] if before.startswith("/load ") else ["/load", "/save", "/system"]


def _enter(monkeypatch: pytest.MonkeyPatch, *lines: str) -> list[str]:
    """Let `input` return lines and then raise EOFError; return the list of prompts, which grows."""
    prompts: list[str] = []
    left = list(lines)

    def enter(prompt: str) -> str:
        prompts.append(prompt)
        if not left:
            raise EOFError
        return left.pop(0)

    monkeypatch.setattr("builtins.input", enter)
    return prompts


def _recalled() -> list[str]:
    return [readline.get_history_item(at + 1) for at in range(readline.get_current_history_length())]


def test_messages_are_read_and_recalled(
    monkeypatch: pytest.MonkeyPatch, history: InputHistory, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = _enter(monkeypatch, "Hello", '"""one', 'two"""', " secret")
    with ReadlineInput(history, _words) as messages:
        assert [messages.read(">>> ") for _ in range(3)] == ["Hello", "one\ntwo", " secret"]
        assert _recalled() == ["earlier", "Hello", '"""one\ntwo"""'] == history.entries
        with pytest.raises(EOFError):
            messages.read(">>> ")
    assert prompts == [">>> ", ">>> ", "... ", ">>> ", ">>> "]
    assert capsys.readouterr().out == "\n"


def test_colours_of_a_prompt_take_no_columns(monkeypatch: pytest.MonkeyPatch, history: InputHistory) -> None:
    prompts = _enter(monkeypatch, "Hello")
    with ReadlineInput(history, _words) as messages:
        messages.read("\x1b[1;32m>>> \x1b[0m")
    assert prompts == ["\x01\x1b[1;32m\x02>>> \x01\x1b[0m\x02"]


def test_a_draft_is_inserted_into_the_first_line_only(
    monkeypatch: pytest.MonkeyPatch, history: InputHistory
) -> None:
    hooks: list[Callable[[], None] | None] = []
    monkeypatch.setattr(readline, "set_startup_hook", hooks.append)
    inserted: list[str] = []
    monkeypatch.setattr(readline, "insert_text", inserted.append)
    _enter(monkeypatch, "Hello\\", "world")
    with ReadlineInput(history, _words) as messages:
        assert messages.read(">>> ", draft="Hello") == "Hello\nworld"
    assert hooks[1:] == [None, None, None]
    assert hooks[0] is not None
    hooks[0]()
    assert inserted == ["Hello"]


@pytest.mark.parametrize(
    ("line", "end", "word_begin", "found"),
    [
        ("/s", 2, 0, ["/save", "/system"]),
        ("/s ignored", 2, 0, ["/save", "/system"]),
        ("/load s", 7, 6, ["second"]),
        ("See @my\\ n", 10, 9, ["notes.txt"]),
        ("See @no", 7, 4, []),
    ],
)
def test_the_last_word_of_readline_is_completed(
    monkeypatch: pytest.MonkeyPatch,
    history: InputHistory,
    tmp_path: Path,
    *,
    line: str,
    end: int,
    word_begin: int,
    found: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my notes.txt").touch()
    monkeypatch.setattr(readline, "get_line_buffer", lambda: line)
    monkeypatch.setattr(readline, "get_endidx", lambda: end)
    monkeypatch.setattr(readline, "get_begidx", lambda: word_begin)
    with ReadlineInput(history, _words):
        completer = readline.get_completer()
        assert completer is not None
        assert [completer("", state) for state in range(len(found) + 1)] == [*found, None]


@pytest.mark.parametrize(
    ("description", "bindings"),
    [
        (
            "using GNU readline.",
            ["tab: complete", "set enable-bracketed-paste on", "set enable-bracketed-paste off"],
        ),
        ("using libedit readline.", ["bind ^I rl_complete"]),
    ],
)
def test_keys_are_bound_as_the_library_expects(
    monkeypatch: pytest.MonkeyPatch, history: InputHistory, description: str, bindings: list[str]
) -> None:
    bound: list[str] = []
    monkeypatch.setattr(readline, "__doc__", description)
    monkeypatch.setattr(readline, "parse_and_bind", bound.append)
    ReadlineInput(history, _words).close()
    assert bound == bindings


def _enter_after(monkeypatch: pytest.MonkeyPatch, happen: Callable[[], object]) -> None:
    def enter(_: str) -> str:
        happen()
        return "Hello"

    monkeypatch.setattr("builtins.input", enter)


@pytest.mark.parametrize(
    ("description", "shown"),
    [
        ("using GNU readline.", "\x1b[?2004l\x1b[?2004h\x1b[1m>>> \x1b[0mHel\nl\\x1bo"),
        ("using libedit readline.", "\x1b[1m>>> \x1b[0mHel\nl\\x1bo"),
    ],
)
def test_after_ctrl_z_the_line_is_shown_again(
    monkeypatch: pytest.MonkeyPatch,
    history: InputHistory,
    capsys: pytest.CaptureFixture[str],
    description: str,
    shown: str,
) -> None:
    stopped: list[tuple[int, int, object]] = []

    def kill(process: int, number: int) -> None:
        stopped.append((process, number, signal.getsignal(number)))

    monkeypatch.setattr(readline, "__doc__", description)
    monkeypatch.setattr(readline, "parse_and_bind", print)
    monkeypatch.setattr(readline, "get_line_buffer", lambda: "Hel\nl\x1bo")
    monkeypatch.setattr(os, "kill", kill)
    _enter_after(monkeypatch, lambda: signal.raise_signal(signal.SIGTSTP))
    with ReadlineInput(history, _words) as messages:
        capsys.readouterr()
        assert messages.read("\x1b[1m>>> \x1b[0m") == "Hello"
        assert capsys.readouterr().out == shown
    assert stopped == [(os.getpid(), signal.SIGTSTP, signal.SIG_DFL)]
    assert signal.getsignal(signal.SIGTSTP) is signal.SIG_DFL


def test_ctrl_z_stays_ignored_and_is_left_alone_outside_the_main_thread(
    monkeypatch: pytest.MonkeyPatch, history: InputHistory
) -> None:
    seen: list[object] = []
    _enter_after(monkeypatch, lambda: seen.append(signal.getsignal(signal.SIGTSTP)))
    with ReadlineInput(history, _words) as messages:
        thread = threading.Thread(target=messages.read, args=[">>> "])
        thread.start()
        thread.join()
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        try:
            messages.read(">>> ")
        finally:
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    assert seen == [signal.SIG_DFL, signal.SIG_IGN]
