"""``ollama-rx chat``: check the arguments, choose the server and the model, and start the chat."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer

from ollama_rx import Client, Conversation
from ollama_rx.cli.ask.choose_voice import VoiceOptions
from ollama_rx.cli.ask.options import parse_options, unknown_options
from ollama_rx.cli.ask.question import check_name
from ollama_rx.cli.chat.answer_output import AnswerOutput
from ollama_rx.cli.chat.chat_session import ChatSession, read_talk
from ollama_rx.cli.chat.chat_turn import ChatTurn
from ollama_rx.cli.chat.end_signals import ended_by_signals
from ollama_rx.cli.chat.held_keys import hold_keys
from ollama_rx.cli.chat.input import open_input
from ollama_rx.cli.chat.input.plain_input import PlainInput
from ollama_rx.cli.chat.message_loop import MessageLoop
from ollama_rx.cli.chat.printed_answer import PrintedAnswer
from ollama_rx.cli.chat.slash_commands import complete_slash
from ollama_rx.cli.chat.slash_commands.file_commands import load_talk
from ollama_rx.cli.chat.slash_commands.think_command import set_thinking
from ollama_rx.cli.choose_client import embedded_client, first_model, first_value, server_client
from ollama_rx.cli.output.layout import printable
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.terminal import echo, exit_on_error, usage_error
from ollama_rx.client.hosts.model_names import full_name
from ollama_rx.data_folder import data_folder

_HISTORY = "chat_history"  # a file in the user's folder for data


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatCommand:
    """The arguments of ``ollama-rx chat``."""

    model: str | None
    system: str | None
    host: str | None
    options: tuple[str, ...]
    thinking: bool
    plain: bool
    load: str | None
    voice: VoiceOptions | None

    def execute(self) -> None:
        """Chat until the user or the input ends it; raises `typer.Exit`, or `SystemExit` after a signal."""
        with ended_by_signals(), ExitStack() as opened:
            with exit_on_error(), StatusLine() as status:
                make_output = self._output(opened)
                session = self._session(opened, status)
                messages = opened.enter_context(
                    open_input(history=_history(), words=partial(complete_slash, session), note=echo)
                )
            if sys.stdin.isatty():
                session.find_names()
                echo(f"{printable(session.model)} answers; /help lists the commands, Ctrl-D ends the chat")
            reads_lines = isinstance(messages, PlainInput)
            keys = opened.enter_context(hold_keys(prompt_reads_lines=reads_lines))
            turn = ChatTurn(session, keys, partial(make_output, session))
            raise typer.Exit(MessageLoop(session, messages, turn).run())

    def _output(self, opened: ExitStack) -> Callable[[ChatSession], AnswerOutput]:
        if self.voice is None:
            return lambda session: PrintedAnswer(markdown=not self.plain, thoughts=session.shows_thoughts)
        from ollama_rx.cli.chat.voiced_answer import VoicedAnswer  # noqa: PLC0415 - rarely needed

        engine = opened.enter_context(self.voice.build(echo))
        return lambda _: VoicedAnswer(engine)

    def _session(self, opened: ExitStack, status: StatusLine) -> ChatSession:
        with usage_error("--model"):
            check_name(self.model)
        with usage_error("--option"):
            options = parse_options(self.options)
        status.show("looking for a model")
        server = server_client(self.host, self.model)
        client = opened.enter_context(server or embedded_client(status.echo, any_name=False))
        with usage_error("--load"):
            model = self.model or self._saved_model(client) or _first_model(server)
        with usage_error("--option", argument="options"):
            talk = Conversation(client, model=model, options=options or None)
        status.erase()
        for warning in unknown_options(options):
            echo(warning)
        session = ChatSession(client, talk, model, options)
        self._prepare(session)
        return session

    def _saved_model(self, client: Client) -> str | None:
        """Return the model with which the talk in the file was held, if it is there."""
        if self.load is None:
            return None
        saved = read_talk(Path(self.load)).model
        names = {full_name(model.name) for model in first_value(client.models())}
        return saved if saved is not None and full_name(saved) in names else None

    def _prepare(self, session: ChatSession) -> None:
        if self.load is not None:
            with usage_error("--load"):
                load_talk(session, Path(self.load))
        if self.system is not None:
            session.set_system(self.system)
        if self.thinking:
            with usage_error("--think"):
                set_thinking(session, "on")


def _first_model(server: Client | None) -> str:
    if server is not None:
        return first_model(server, "completion")
    from ollama_rx.embedded.model_info import model_name  # noqa: PLC0415 - rarely needed

    return model_name(None)


def _history() -> Path:
    """Return the file of what was typed; of a user without a folder for data, one that cannot be written."""
    try:
        return data_folder() / _HISTORY
    except FileNotFoundError as error:
        echo(f"the input history is not saved: {error}")
        return Path(os.devnull) / _HISTORY
