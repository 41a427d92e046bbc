"""What a user enters in a chat: messages of one or several lines, and the files they name."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ollama_rx.cli.chat.input.attachments import Attachments, read_attachments
from ollama_rx.cli.chat.input.file_names import complete_path
from ollama_rx.cli.chat.input.input_history import InputHistory
from ollama_rx.cli.chat.input.message_input import MessageInput, is_dumb_terminal
from ollama_rx.cli.chat.input.plain_input import PlainInput

__all__ = ["Attachments", "MessageInput", "complete_path", "open_input", "read_attachments"]


def open_input(
    *, history: Path, words: Callable[[str], Iterable[str]], note: Callable[[str], object]
) -> MessageInput:
    """Return what reads messages, as well as this terminal and what is installed allow.

    That is prompt_toolkit (the extra ``chat``), else readline; without a terminal, or with one that cannot
    edit (TERM=dumb), plain lines.

    Args:
        history: the file of what was entered in earlier chats; made when it is missing.
        words: called with the text before the cursor when Tab is pressed; returns the words that the last
            word of it could become. Must not wait, for instance for a server.
        note: called with a line for the user, such as the reason why the history cannot be kept.
    """
    if not sys.stdin.isatty() or is_dumb_terminal():
        return PlainInput(note)
    if sys.stdout.isatty() or sys.stderr.isatty():
        try:
            from ollama_rx.cli.chat.input.toolkit_input import ToolkitInput  # noqa: PLC0415 - slow, an extra
        except ModuleNotFoundError as error:
            if error.name != "prompt_toolkit":
                raise
        else:
            return ToolkitInput(InputHistory(history, note), words)
    if sys.stdout.isatty():  # readline does not write to another file
        try:
            from ollama_rx.cli.chat.input.readline_input import ReadlineInput  # noqa: PLC0415 - not on Windows
        except ModuleNotFoundError as error:
            if error.name != "readline":
                raise
        else:
            return ReadlineInput(InputHistory(history, note), words)
    return PlainInput(note)
