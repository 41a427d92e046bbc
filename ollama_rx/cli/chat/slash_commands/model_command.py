"""``/model``: list the models, or choose the one that answers."""

from difflib import get_close_matches

from ollama_rx.cli.chat.chat_session import ChatSession
from ollama_rx.cli.chat.slash_commands.slash_command import SlashCommand
from ollama_rx.cli.choose_client import no_models
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.terminal import echo
from ollama_rx.client.hosts.model_names import full_name
from ollama_rx.errors import ModelNotFoundError


def _change(session: ChatSession, name: str) -> None:
    if not name:
        _list(session)
        return
    try:
        capabilities = session.show(name).capabilities
    except ModelNotFoundError as error:
        full = [model.name for model in session.models()]
        names = {each.partition(":")[0]: each for each in full} | {each: each for each in full}
        close = get_close_matches(name, names, 1)
        meant = f"did you mean {names[close[0]]}?" if close else "/model lists the models"
        raise ValueError(f"there is no model {name}; {meant}") from error
    if capabilities and "completion" not in capabilities:
        raise ValueError(f"{name} cannot answer; it can do: {', '.join(capabilities)}")
    session.set_model(name)
    echo(f"{printable(name)} answers from now on; it knows the history")
    if session.shows_thoughts and capabilities and "thinking" not in capabilities:
        session.thinking = None
        echo(f"{printable(name)} cannot think")


def _list(session: ChatSession) -> None:
    names = [model.name for model in session.models()]
    if not names:
        echo(no_models(session.client.url))
    current = full_name(session.model)
    for name in names:
        mark = "*" if full_name(name) == current else " "
        echo(f"{mark} {printable(name)}")


MODEL = SlashCommand(
    "model",
    "[NAME]",
    "list the models, or let another one answer",
    _change,
    lambda session, _: session.model_names,
)
