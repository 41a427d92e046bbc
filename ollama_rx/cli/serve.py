"""``ollama-rx serve``: a page in the browser for chats with a model."""

import asyncio
import errno
import os
import secrets
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from types import FrameType

import typer

from ollama_rx.cli.choose_client import embedded_client, server_client
from ollama_rx.cli.choose_voice import NoVoiceError, VoiceOptions
from ollama_rx.cli.question import check_name
from ollama_rx.cli.status_line import StatusLine
from ollama_rx.cli.terminal import EXIT_INTERRUPTED, echo, exit_on_error, usage_error
from ollama_rx.errors import OllamaError
from ollama_rx.speech import Speech, SpeechOutput

try:
    import uvicorn
    from starlette.applications import Starlette

    from ollama_rx.web import app
    from ollama_rx.web.page.answers import Answers
    from ollama_rx.web.page.guard import LOCAL_HOSTS
except ImportError as missing:
    sys.exit(f'ollama-rx: the page needs an extra: pip install "ollama-rx[web]" ({missing})')

TOKEN_VARIABLE = "OLLAMA_RX_TOKEN"  # noqa: S105 - its name

_STOPPING_SECONDS = 1.0  # for answers to be saved, and again for connections to be closed
_TOKEN_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_EVERY_ADDRESS = ("0.0.0.0/0", "::/0")  # a name can be made to point here by anybody, an address cannot


class AddressInUseError(OllamaError):
    """Another program listens on this port."""


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
                _listen(self.listen, self.port) as listening,
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
                url = _url(self.listen, listening.getsockname()[1], token)
                running = _PageServer(page, lambda: self._tell(url))
                running.run(sockets=[listening])
                if running.was_interrupted:
                    raise typer.Exit(EXIT_INTERRUPTED)

    def _token(self) -> str | None:
        token = self.token or os.environ.get(TOKEN_VARIABLE) or None
        if token is None:
            return None if _is_loopback(self.listen) else secrets.token_urlsafe(24)
        if not _TOKEN_CHARACTERS.issuperset(token):
            raise ValueError("a token has letters, digits, '-', '.', '_' and '~' only")
        return token

    def _allowed_hosts(self) -> tuple[str, ...]:
        if _is_loopback(self.listen):
            return (*LOCAL_HOSTS, *self.allowed_hosts)
        return (*LOCAL_HOSTS, *_EVERY_ADDRESS, socket.gethostname(), *self.allowed_hosts)

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


class _PageServer(uvicorn.Server):
    """A server that stops the models first when it is told to stop, and never waits for readers."""

    def __init__(self, page: Starlette, on_start: Callable[[], object]) -> None:
        super().__init__(
            uvicorn.Config(
                page,
                log_level="warning",
                access_log=False,  # a search is part of an address
                server_header=False,
                proxy_headers=False,
                ws="websockets-sansio",
                ws_max_size=2**16,
                ws_per_message_deflate=False,  # audio hardly gets smaller, and each frame costs time
                timeout_graceful_shutdown=1,
            )
        )
        self._answers: Answers = page.state.answers
        self._on_start = on_start
        self.was_interrupted = False

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Handle Ctrl-C and SIGTERM, without raising them again at the end as uvicorn does."""
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second Ctrl-C stops at once."""
        self.was_interrupted = sig == signal.SIGINT
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the models, save what has arrived, and close all connections."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOPPING_SECONDS):
                await self._answers.close()
        await super().shutdown(sockets)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


@contextmanager
def _listen(address: str, port: int) -> Generator[socket.socket]:
    """Yield a socket that listens, so that a port in use is noticed before anything else is said."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listening = socket.create_server((address, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(
                f"port {port} of {address} is in use by another program; choose another one with --port"
            ) from error
        raise AddressInUseError(f"cannot listen on {address}, port {port}: {error.strerror}") from error
    with listening:
        yield listening


def _url(address: str, port: int, token: str | None) -> str:
    """Return where the page is; the token is in the part of an address that is never sent to a server."""
    name = address
    with suppress(ValueError):
        if ip_address(address).is_unspecified:
            name = socket.gethostname()
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{port}/" + (f"#token={token}" if token else "")
