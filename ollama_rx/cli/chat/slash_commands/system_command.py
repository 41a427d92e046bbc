"""``/system``: the system prompt."""

from ollama_rx.cli.chat.chat_session import ChatSession
from ollama_rx.cli.chat.slash_commands.slash_command import SlashCommand
from ollama_rx.cli.terminal import echo

_CLEAR = "clear"


def _change(session: ChatSession, argument: str) -> None:
    if argument == _CLEAR:
        session.set_system("")
        echo("the system prompt is cleared: the model uses its own")
    elif argument:
        session.set_system(argument)
        echo("the system prompt is set; the history stays")
    else:
        echo(session.system or "no system prompt is set: the model uses its own")


SYSTEM = SlashCommand(
    "system", f"[TEXT|{_CLEAR}]", "show, set or clear the system prompt", _change, lambda _, __: (_CLEAR,)
)
