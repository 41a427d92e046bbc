"""Fixtures of the tests of a chat: one that is typed, in this process."""

import os
import pty
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ollama_rx.cli.app import app
from ollama_rx.cli.chat import chat as chat_module
from ollama_rx.cli.chat import printed_answer
from ollama_rx.testing import FakeOllama
from tests.cli.chat.typist import Chat, Typist, press_ctrl_c

TypedChat = Callable[..., Chat]


@pytest.fixture
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep nothing in the user's folder for data, and work in an empty one."""
    monkeypatch.setenv("OLLAMA_RX_DATA", str(tmp_path / "data"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Make standard input a terminal; return where keys go in."""
    outer, inner = pty.openpty()
    with os.fdopen(inner, "r") as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield outer
    os.close(outer)


@pytest.fixture
def typed(
    fake: FakeOllama,
    keyboard: int,
    own_folders: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> TypedChat:
    """Chat with the server: `typed("Hi", CTRL_C, options=("--plain",))`."""
    del keyboard, own_folders

    def chat(*messages: Any, options: tuple[str, ...] = ("-m", "mine")) -> Chat:
        typist = Typist(messages)

        def open_input(*, words: Callable[[str], Any], **_: object) -> Typist:
            typist.words = words
            return typist

        monkeypatch.setattr(chat_module, "open_input", open_input)
        with pytest.raises(SystemExit) as ended:
            app(["chat", "--host", fake.url, *options], prog_name="ollama-rx")
        assert isinstance(ended.value.code, int)
        printed = capsys.readouterr()
        return Chat(printed.out, printed.err, ended.value.code, typist.drafts)

    return chat


@pytest.fixture
def ctrl_c_at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Press Ctrl-C as soon as this piece of an answer was printed."""

    def at(piece: str) -> None:
        class Watched(printed_answer._ShownText):
            def on_next(self, value: Any) -> None:
                super().on_next(value)
                if value == piece:
                    press_ctrl_c()

        monkeypatch.setattr(printed_answer, "_ShownText", Watched)

    return at
