"""The table of the slash commands, and what is made from it: running them, ``/help``, completion."""

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NoReturn

from ollama_rx.cli.chat.chat_session import ChatSession
from ollama_rx.cli.chat.slash_commands.file_commands import LOAD, SAVE
from ollama_rx.cli.chat.slash_commands.model_command import MODEL
from ollama_rx.cli.chat.slash_commands.slash_command import SlashCommand
from ollama_rx.cli.chat.slash_commands.stats_command import STATS
from ollama_rx.cli.chat.slash_commands.system_command import SYSTEM
from ollama_rx.cli.chat.slash_commands.think_command import THINK
from ollama_rx.cli.chat.slash_commands.undo_command import UNDO
from ollama_rx.cli.output.layout import align_columns, printable, width, window_columns, wrap
from ollama_rx.cli.terminal import echo

_INDENT = 4  # columns before an explanation, in a window too narrow for a table
_SHOWN = 40  # characters of a word that is not a command


def _help(_: ChatSession, __: str) -> None:
    rows = [(command.usage, command.help) for command in COMMANDS] + [*_KEYS]
    columns = window_columns(sys.stderr)
    table = align_columns(rows)
    if columns is None or all(width(line) < columns for line in table.splitlines()):
        echo(table)
        return
    for usage, text in rows:
        echo("\n".join([usage, *(" " * _INDENT + line for line in wrap(text, columns, _INDENT))]))


def _end(_: ChatSession, __: str) -> NoReturn:
    raise EOFError


COMMANDS = (
    SYSTEM,
    MODEL,
    THINK,
    SAVE,
    LOAD,
    UNDO,
    STATS,
    SlashCommand("help", "", "show this", _help),
    SlashCommand("bye", "", "end the chat, like /exit and Ctrl-D", _end),
)
_BY_NAME = {command.name: command for command in COMMANDS} | {"exit": COMMANDS[-1]}
_KEYS = (
    ("//...", "send a message that begins with a slash"),
    ("@FILE", "attach a text file or an image"),
    ('"""', "begin and end a message of several lines"),
    ("Ctrl-C", "stop the answer"),
)


def run_slash(session: ChatSession, line: str) -> None:
    """Run a command, such as ``/model llama3.2``.

    Raises:
        ValueError: there is no such command, or its argument is wrong.
        OllamaError: the server could not do it.
        OSError: a file could not be read or written.
        EOFError: the chat ends.
    """
    name = line.removeprefix("/").partition("\n")[0].partition(" ")[0]
    argument = line.removeprefix(f"/{name}").strip()
    command = _BY_NAME.get(name.lower())
    if command is None:
        close = get_close_matches(name.lower(), _BY_NAME, 1, 0.5)
        meant = f"did you mean /{close[0]}?" if close else "/help lists them"
        raise ValueError(f"there is no command /{printable(name[:_SHOWN])}; {meant} (//... sends a slash)")
    if argument and not command.arguments:
        raise ValueError(f"{command.usage} takes no argument")
    command.action(session, argument)


def complete_slash(session: ChatSession, before: str) -> Iterable[str]:
    """Return the words that the last word of a line may become, if the line is a command."""
    if not before.startswith("/"):
        return ()
    name, space, argument = before[1:].partition(" ")
    if not space:
        return [f"/{known}" for known in _BY_NAME]
    command = _BY_NAME.get(name.lower())
    return () if command is None else command.words(session, argument.lstrip())
