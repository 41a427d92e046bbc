"""``/save`` and ``/load``: the talk in a file."""

from collections.abc import Iterable
from pathlib import Path

from ollama_rx.cli.chat.chat_session import ChatSession
from ollama_rx.cli.chat.input import complete_path
from ollama_rx.cli.chat.slash_commands.slash_command import SlashCommand
from ollama_rx.cli.output.counted import counted
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.terminal import echo
from ollama_rx.client.hosts.model_names import full_name


def _save(session: ChatSession, argument: str) -> None:
    path = _path(argument) or session.file
    if path is None:
        raise ValueError("give the name of a file, as in /save talk.json")
    session.save(path)
    echo(f"saved {_size(session)} in {printable(str(path))}")


def _load(session: ChatSession, argument: str) -> None:
    path = _path(argument)
    if path is None:
        raise ValueError("give the name of a file, as in /load talk.json")
    load_talk(session, path)


def load_talk(session: ChatSession, path: Path) -> None:
    """Go on with a talk from a file, and say so.

    Raises:
        OSError: the file cannot be read.
        ValueError: it does not hold a talk.
    """
    model = session.load(path)
    other = model is not None and full_name(model) != full_name(session.model)
    note = f"; it was held with {model}, now {session.model} answers" if other else ""
    echo(printable(f"loaded {_size(session)} from {path}{note}"))


def _path(argument: str) -> Path | None:
    name = argument.strip("\"'")
    try:
        return Path(name).expanduser() if name else None
    except RuntimeError as error:  # of an unknown user, or one without a home folder
        raise ValueError(f"{name}: there is no such home folder") from error


def _size(session: ChatSession) -> str:
    return counted(len(session.talk.messages), "message")


def _paths(_: ChatSession, begun: str) -> Iterable[str]:
    return () if " " in begun else complete_path(begun)


SAVE = SlashCommand("save", "[FILE]", "save the conversation to a file", _save, _paths)
LOAD = SlashCommand("load", "FILE", "continue the conversation in a file", _load, _paths)
