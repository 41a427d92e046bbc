"""Types into a chat that runs in this process: messages, and keys as exceptions."""

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ollama_rx.cli.chat.input import MessageInput
from ollama_rx.testing import FakeOllama

CTRL_C = KeyboardInterrupt()


@dataclass
class Typist(MessageInput):
    """Stands for the prompt; after the last message it presses Ctrl-D."""

    messages: Sequence[str | BaseException | Callable[[], str]]
    drafts: list[str] = field(default_factory=list[str])
    """What was offered at each prompt."""
    words: Callable[[str], Any] | None = None
    """What completes a word."""

    def __post_init__(self) -> None:
        self._rest = iter(self.messages)

    def read(self, prompt: str, *, draft: str = "") -> str:
        assert prompt == ">>> "
        self.drafts.append(draft)
        message = next(self._rest, EOFError())
        if isinstance(message, BaseException):
            raise message
        return message if isinstance(message, str) else message()


@dataclass(frozen=True)
class Chat:
    """What came of a chat."""

    out: str
    err: str
    exit_code: int
    drafts: list[str]


def press_ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def asked(fake: FakeOllama) -> list[Mapping[str, Any]]:
    """Return the requests for answers."""
    return [request.json for request in fake.requests if request.path == "/api/chat"]


def said(fake: FakeOllama) -> list[tuple[str, str]]:
    """Return the roles and texts of the last request."""
    return [(message["role"], message["content"]) for message in asked(fake)[-1]["messages"]]
