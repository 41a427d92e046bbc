"""How messages are entered depends on the terminal and on what is installed."""

import signal
import sys
import threading
from functools import partial
from pathlib import Path
from types import FrameType, SimpleNamespace

import pytest

from ollama_rx.cli.chat.input import open_input
from ollama_rx.cli.chat.input.message_input import interruptible_prompt
from ollama_rx.cli.chat.input.plain_input import PlainInput

_IMPLEMENTATIONS = ("toolkit_input", "readline_input")


def _name(kind: str, *_: object) -> str:
    return kind


@pytest.fixture(autouse=True)
def implementations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace what edits by what only says its name."""
    for name, kind in zip(_IMPLEMENTATIONS, ("ToolkitInput", "ReadlineInput"), strict=True):
        fake = SimpleNamespace(**{kind: partial(_name, kind)})
        monkeypatch.setitem(sys.modules, f"ollama_rx.cli.chat.input.{name}", fake)
    monkeypatch.setenv("TERM", "xterm")


def _terminals(monkeypatch: pytest.MonkeyPatch, *terminals: str) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(getattr(sys, name), "isatty", lambda name=name: name in terminals)


def _open(tmp_path: Path) -> str:
    messages = open_input(history=tmp_path / "chat_history", words=lambda _: (), note=print)
    return "PlainInput" if isinstance(messages, PlainInput) else str(messages)


def _without(monkeypatch: pytest.MonkeyPatch, *modules: str) -> None:
    for name in modules:
        implementation = _IMPLEMENTATIONS[name == "readline"]
        monkeypatch.delitem(sys.modules, f"ollama_rx.cli.chat.input.{implementation}")
        monkeypatch.setitem(sys.modules, name, None)


def test_prompt_toolkit_is_used_on_a_terminal_that_may_be_standard_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for output in ("stdout", "stderr"):
        _terminals(monkeypatch, "stdin", output)
        assert _open(tmp_path) == "ToolkitInput"


def test_without_prompt_toolkit_readline_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _terminals(monkeypatch, "stdin", "stdout")
    _without(monkeypatch, "prompt_toolkit")
    assert _open(tmp_path) == "ReadlineInput"


@pytest.mark.parametrize(
    ("terminals", "missing"),
    [
        (("stdout", "stderr"), ()),
        (("stdin",), ()),
        (("stdin", "stderr"), ("prompt_toolkit",)),
        (("stdin", "stdout"), ("prompt_toolkit", "readline")),
    ],
)
def test_plain_lines_are_read_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, terminals: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    _terminals(monkeypatch, *terminals)
    _without(monkeypatch, *missing)
    assert _open(tmp_path) == "PlainInput"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_plain_lines_are_read_from_a_terminal_that_cannot_edit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, term: str
) -> None:
    monkeypatch.setenv("TERM", term)
    _terminals(monkeypatch, "stdin", "stdout", "stderr")
    assert _open(tmp_path) == "PlainInput"


@pytest.mark.parametrize("name", _IMPLEMENTATIONS)
def test_a_defect_of_an_installation_is_not_hidden(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    _terminals(monkeypatch, "stdin", "stdout")
    if name == "readline_input":
        _without(monkeypatch, "prompt_toolkit")
    monkeypatch.setitem(sys.modules, f"ollama_rx.cli.chat.input.{name}", None)
    with pytest.raises(ModuleNotFoundError):
        _open(tmp_path)


def _ignore(number: int, frame: FrameType | None) -> None:
    pass


def test_every_ctrl_c_raises_at_a_prompt_unless_the_process_ignores_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible_prompt():
            signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, _ignore)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt), interruptible_prompt():
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is _ignore
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_the_handler_is_not_changed() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with interruptible_prompt():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
