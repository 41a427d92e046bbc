"""Read a message and answer it, again and again."""

import sys
from typing import Final

from ollama_rx.cli.chat.chat_session import ChatSession
from ollama_rx.cli.chat.chat_turn import NOT_BEGUN, ChatTurn
from ollama_rx.cli.chat.input import MessageInput, read_attachments
from ollama_rx.cli.chat.slash_commands import run_slash
from ollama_rx.cli.choose_client import warn_if_blind
from ollama_rx.cli.terminal import EXIT_ERROR, EXIT_INTERRUPTED, echo, error_words, one_line
from ollama_rx.errors import OllamaError

_PROMPT: Final = ">>> "


class MessageLoop:
    """Holds a chat. What is typed and what is piped in is treated alike, line by line."""

    def __init__(self, session: ChatSession, messages: MessageInput, turn: ChatTurn) -> None:
        self._session = session
        self._messages = messages
        self._turn = turn
        self._is_typed = sys.stdin.isatty()
        self._has_failed = False

    def run(self) -> int:
        """Chat until the input ends, and return the exit code."""
        draft = ""
        while True:
            try:
                message = self._messages.read(_PROMPT, draft=draft)
                draft = ""
                draft = self._answer(message)
            except EOFError:
                return EXIT_ERROR if self._has_failed and not self._is_typed else 0
            except KeyboardInterrupt:
                if not self._is_typed:
                    return EXIT_INTERRUPTED
                draft = ""
                echo("Ctrl-D or /bye ends the chat")

    def _answer(self, message: str) -> str:
        """Do what a message asks for; return what is to be offered at the next prompt."""
        said = len(self._session.talk.messages)
        try:
            return self._handle(message)
        except KeyboardInterrupt:  # where there is no answer yet, or no more
            if not self._is_typed:
                raise
            if len(self._session.talk.messages) != said:
                return ""
            echo("stopped" if _is_command(message) else NOT_BEGUN)
            return message

    def _handle(self, message: str) -> str:
        """Do what a message asks for; return the message if it could not be sent, to be offered again."""
        if not message.strip():
            return ""
        try:
            if _is_command(message):
                run_slash(self._session, message.strip())
                return ""
            text = message.lstrip()
            return self._ask(text[1:] if text.startswith("//") else message, message)
        except (OllamaError, OSError, ValueError) as error:
            self._has_failed = True
            echo(one_line(error_words(error)))
            return "" if _is_command(message) else message

    def _ask(self, text: str, message: str) -> str:
        attachments = read_attachments(text)
        for note in attachments.notes:
            echo(note)
        if attachments.images:
            warn_if_blind(self._session.client, self._session.model, echo)
        end = self._turn.take(attachments.text, attachments.images)
        self._has_failed = self._has_failed or end.has_failed
        if self._is_typed and sys.stdout.isatty():
            echo("\n")  # an empty line
        return message if end.may_try_again else ""


def _is_command(message: str) -> bool:
    text = message.lstrip()
    return text.startswith("/") and not text.startswith("//")
