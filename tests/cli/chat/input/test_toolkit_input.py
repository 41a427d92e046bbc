"""prompt_toolkit: its keys; on a real terminal, see `test_input_in_terminals`."""

import asyncio
import gc
import io
import os
import pty
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prompt_toolkit import PromptSession
from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.key_binding import KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import DummyOutput
from prompt_toolkit.output.vt100 import Vt100_Output

from ollama_rx.cli.chat.input import toolkit_input
from ollama_rx.cli.chat.input.input_history import InputHistory
from ollama_rx.cli.chat.input.toolkit_input import ToolkitInput

ENTER, ALT_ENTER, CTRL_J, UP, TAB = "\r", "\x1b\r", "\n", "\x1b[A", "\t"
PASTE = "\x1b[200~{}\x1b[201~"
Read = Callable[..., str]


@pytest.fixture
def history(tmp_path: Path) -> InputHistory:
    history = InputHistory(tmp_path / "chat_history", print)
    history.add("earlier")
    return history


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as keys:
        yield keys


def _words(before: str) -> list[str]:
    return ["first", "second"] if before.startswith("/load ") else ["/load", "/save", "/system"]


@pytest.fixture
def read(history: InputHistory, keys: PipeInput) -> Iterator[Read]:
    """Press keys and read a message."""
    with ToolkitInput(history, _words, source=keys, screen=DummyOutput()) as messages:

        def press(typed: str = "", draft: str = "") -> str:
            if typed:
                keys.send_text(typed)
            return messages.read("\x1b[1m>>> \x1b[0m", draft=draft)

        yield press


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("Hello" + ENTER, "Hello"),
        (ENTER, ""),
        ("one" + ALT_ENTER + "two" + CTRL_J + "three" + ENTER, "one\ntwo\nthree"),
        ('"""one' + ENTER + "two" + ENTER + '"""' + ENTER, "one\ntwo"),
        ("one\\" + ENTER + "two" + ENTER, "one\ntwo"),
        (PASTE.format("one\rtwo\r\nthree") + ENTER, "one\ntwo\nthree"),
        (PASTE.format("cc a \\\r  b") + ENTER, "cc a \\\n  b"),
        (PASTE.format('"""A program."""\rimport sys') + ENTER, '"""A program."""\nimport sys'),
        ("你好🎉" + ENTER, "你好🎉"),
        (UP + ENTER, "earlier"),
        ("\x12ear" + ENTER + ENTER, "earlier"),  # Ctrl-R searches, the first Enter ends the search
    ],
)
def test_enter_sends_a_message_that_is_complete(read: Read, typed: str, message: str) -> None:
    assert read(typed) == message


def test_enter_in_the_middle_of_a_message_that_is_not_complete_goes_to_its_end(read: Read) -> None:
    assert read('"""one' + ENTER + "two\x1b[A" + ENTER + '"""' + ENTER) == "one\ntwo"


def test_what_was_sent_is_recalled_as_it_was_typed(read: Read, history: InputHistory) -> None:
    assert read('"""one' + ENTER + 'two"""' + ENTER) == "one\ntwo"
    assert read(" secret" + ENTER) == " secret"
    assert history.entries == ["earlier", '"""one\ntwo"""']
    assert read(UP + ENTER) == "one\ntwo"
    assert read(UP * 3 + ENTER) == "earlier"


def test_a_draft_is_there_to_edit(read: Read) -> None:
    assert read("!" + ENTER, draft="one\ntwo") == "one\ntwo!"


def test_ctrl_d_in_an_empty_line_and_the_end_of_the_input_raise(read: Read, keys: PipeInput) -> None:
    with pytest.raises(EOFError):
        read("\x04")
    keys.send_text("dropped")
    keys.close()
    with pytest.raises(EOFError):
        read()


def test_every_ctrl_c_raises_and_the_handler_of_the_signal_stays(read: Read, history: InputHistory) -> None:
    before = signal.getsignal(signal.SIGINT)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            read("dropped\x03")
    assert signal.getsignal(signal.SIGINT) is before
    assert history.entries == ["earlier"]


def test_enter_takes_the_completion_that_is_chosen_in_the_menu() -> None:
    buffer = Buffer(document=Document("/save"))
    offered = [Completion("/save"), Completion("/system")]
    buffer.complete_state = CompletionState(Document("/s"), offered, complete_index=0)
    (binding,) = toolkit_input._keys().get_bindings_for_keys((Keys.Enter,))
    binding.handler(cast(KeyPressEvent, SimpleNamespace(current_buffer=buffer)))
    assert (buffer.text, str(buffer.complete_state)) == ("/save", "None")


def test_files_are_offered_by_their_last_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for name in ("a.md", "my b.md"):
        (tmp_path / "sub" / name).touch()
    words = toolkit_input._Words(_words)
    found = list(words.get_completions(Document('See @"sub/'), CompleteEvent()))
    assert [one.text for one in found] == ['@"sub/a.md"', '@"sub/my b.md"']
    assert [one.display_text for one in found] == ["a.md", "my b.md"]
    assert {one.start_position for one in found} == {-6}
    found = list(words.get_completions(Document("/load s"), CompleteEvent()))
    assert [(one.text, one.display_text) for one in found] == [("second", "second")]


def test_a_wrapped_line_has_no_prompt_and_a_new_one_has() -> None:
    assert [toolkit_input._continuation(4, 1, wraps) for wraps in (0, 1)] == ["... ", ""]


def test_our_history_is_not_added_to_by_prompt_toolkit(history: InputHistory) -> None:
    shared = toolkit_input._SharedHistory(history)
    shared.append_string("a")
    shared.store_string("b")
    assert history.entries == ["earlier"]


def test_the_terminal_is_not_asked_where_its_cursor_is(
    monkeypatch: pytest.MonkeyPatch, history: InputHistory
) -> None:
    outer, inner = pty.openpty()
    with open(inner, "w", encoding="utf-8") as terminal, open(outer, "rb"):  # noqa: PTH123 - descriptors
        monkeypatch.setattr(sys, "stdout", io.StringIO())
        monkeypatch.setattr(sys, "stderr", terminal)
        screen = ToolkitInput(history, _words)._session.output
    assert isinstance(screen, Vt100_Output)
    assert (screen.stdout, screen.responds_to_cpr) == (terminal, False)


def test_ctrl_c_before_the_prompt_runs_leaves_no_half_made_loop(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_loop = asyncio.SelectorEventLoop._make_self_pipe  # type: ignore[attr-defined]

    def interrupted(loop: asyncio.SelectorEventLoop) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        make_loop(loop)

    with monkeypatch.context() as early:
        early.setattr(asyncio.SelectorEventLoop, "_make_self_pipe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            read("lost")
    gc.collect()  # a traceback of what was left would fail this test
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert read("Hi" + ENTER).endswith("Hi")


def test_ctrl_c_after_the_prompt_drops_the_message(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    def prompt(*_: object, **__: object) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        return "Hi"

    monkeypatch.setattr(PromptSession, "prompt", prompt)
    with pytest.raises(KeyboardInterrupt):
        read()


def test_a_process_that_ignores_ctrl_c_goes_on_ignoring_it(read: Read) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert read("Hi" + ENTER) == "Hi"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
