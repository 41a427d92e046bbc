"""``ollama-rx serve``: a page in the browser for chats with a model."""

import os
import secrets
import socket
import sys
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import typer

from ollama_rx.cli.ask.choose_voice import NoVoiceError, VoiceOptions
from ollama_rx.cli.ask.question import check_name
from ollama_rx.cli.choose_client import embedded_client, server_client
from ollama_rx.cli.output.status_line import StatusLine
from ollama_rx.cli.serve.port_server import PortServer, address_of, is_loopback, listen
from ollama_rx.cli.terminal import EXIT_INTERRUPTED, echo, exit_on_error, usage_error
from ollama_rx.speech import Speech, SpeechOutput
from ollama_rx.web import app
from ollama_rx.web.allowed_hosts import EVERY_ADDRESS, LOCAL_HOSTS
from ollama_rx.web.page.answers import Answers

TOKEN_VARIABLE = "OLLAMA_RX_TOKEN"  # noqa: S105 - its name

_TOKEN_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeCommand:
    """The arguments of ``ollama-rx serve``."""

    listen: str
    port: int
    model: str | None
    host: str | None
    token: str | None
    allowed_hosts: tuple[str, ...]
    opens_browser: bool
    voice: bool

    def execute(self) -> None:
        """Serve the page until Ctrl-C or SIGTERM; raises `typer.Exit` on failure."""
        with exit_on_error(), StatusLine() as status:
            with usage_error("--model"):
                check_name(self.model)
            with usage_error("--token"):
                token = self._token()
            status.show("looking for a model")
            server = server_client(self.host, self.model)
            with (
                server or embedded_client(status.echo) as client,
                listen(self.listen, self.port) as listening,
            ):
                voice, voice_problem = self._voice(status.echo)
                with usage_error("--allow-host", argument="allowed_hosts"):
                    page = app(
                        client,
                        model=self.model,
                        voice=voice,
                        voice_problem=voice_problem,
                        server=None if server else "the embedded model",
                        token=token,
                        allowed_hosts=self._allowed_hosts(),
                    )
                status.end()
                # The part of an address behind "#" is never sent to a server.
                url = f"{address_of(self.listen, listening)}/" + (f"#token={token}" if token else "")
                answers: Answers = page.state.answers
                running = PortServer(page, on_start=lambda: self._tell(url), on_stop=answers.close)
                running.run(sockets=[listening])
                if running.was_interrupted:
                    raise typer.Exit(EXIT_INTERRUPTED)

    def _token(self) -> str | None:
        token = self.token or os.environ.get(TOKEN_VARIABLE) or None
        if token is None:
            return None if is_loopback(self.listen) else secrets.token_urlsafe(24)
        if not _TOKEN_CHARACTERS.issuperset(token):
            raise ValueError("a token has letters, digits, '-', '.', '_' and '~' only")
        return token

    def _allowed_hosts(self) -> tuple[str, ...]:
        if is_loopback(self.listen):
            return (*LOCAL_HOSTS, *self.allowed_hosts)
        return (*LOCAL_HOSTS, *EVERY_ADDRESS, socket.gethostname(), *self.allowed_hosts)

    def _voice(
        self, note: Callable[[str], object]
    ) -> tuple[Callable[[SpeechOutput], Speech] | None, str | None]:
        if not self.voice:
            return None, "The voice is switched off (--no-voice)."
        try:
            engine = VoiceOptions(engine=None, voice=None, speed=1.0, model=None).build(note)
        except (NoVoiceError, OSError) as error:
            return None, str(error)
        return partial(Speech, engine), None

    def _tell(self, url: str) -> None:
        echo(url, sys.stdout)
        if self.opens_browser:
            webbrowser.open(url)
