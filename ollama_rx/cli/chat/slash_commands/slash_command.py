"""What a slash command is made of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ollama_rx.cli.chat.chat_session import ChatSession


def no_words(_: ChatSession, __: str) -> Iterable[str]:
    """Return nothing: the argument cannot be completed."""
    return ()


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """A command, as ``/help`` shows it and as it is completed."""

    name: str
    arguments: str
    help: str
    action: Callable[[ChatSession, str], object]
    """Called with what follows the name.

    Raises:
        ValueError: the argument is wrong.
        OllamaError: the server could not do it.
        OSError: a file could not be read or written.
        EOFError: the chat ends.
    """
    words: Callable[[ChatSession, str], Iterable[str]] = no_words
    """Returns what the argument may be, if so much of it is there; must not wait."""

    @property
    def usage(self) -> str:
        """The command with its arguments."""
        return f"/{self.name} {self.arguments}".rstrip()
