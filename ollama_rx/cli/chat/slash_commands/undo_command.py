"""``/undo``: take back the last turn."""

from ollama_rx.cli.chat.chat_session import ChatSession
from ollama_rx.cli.chat.slash_commands.slash_command import SlashCommand
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.terminal import echo
from ollama_rx.errors import excerpt


def _undo(session: ChatSession, _: str) -> None:
    removed = session.talk.undo()
    if not removed:
        raise ValueError("there is nothing to undo")
    asked, *answers = removed
    answer = "".join(message.content for message in answers).strip()
    echo(f"removed: {_begin(asked.content)}\n    and: {_begin(answer) or 'an empty answer'}")


def _begin(text: str) -> str:
    return printable(excerpt(" ".join(text.split())))


UNDO = SlashCommand("undo", "", "remove the last message and its answer", _undo)
