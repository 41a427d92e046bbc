"""``/think``: whether the model thinks before it answers."""

from typing import get_args

from ollama_rx.cli.chat.chat_session import ChatSession, Thinking
from ollama_rx.cli.chat.slash_commands.slash_command import SlashCommand
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.terminal import echo

_CHOICES: tuple[Thinking, ...] = get_args(Thinking)
_BY_NAME: dict[str, Thinking] = {choice: choice for choice in _CHOICES}


def _change(session: ChatSession, argument: str) -> None:
    if not argument:
        echo(f"thinking: {session.thinking or 'default of the model'}")
        return
    chosen = _BY_NAME.get(argument.lower())
    if chosen is None:
        raise ValueError(f"expected {', '.join(_CHOICES[:-1])} or {_CHOICES[-1]}, got {argument}")
    set_thinking(session, chosen)
    echo(f"thinking: {chosen}")


def set_thinking(session: ChatSession, chosen: Thinking) -> None:
    """Let the model think, or not.

    Raises:
        ValueError: the model cannot think.
    """
    if chosen != "off":
        capabilities = session.show(session.model).capabilities
        if capabilities and "thinking" not in capabilities:  # older servers do not list them
            raise ValueError(f"{printable(session.model)} cannot think")
    session.thinking = chosen


THINK = SlashCommand(
    "think",
    f"[{'|'.join(_CHOICES)}]",
    "let the model think first, and show it",
    _change,
    lambda _, __: _CHOICES,
)
