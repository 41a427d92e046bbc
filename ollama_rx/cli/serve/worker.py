"""``ollama-rx worker``: answer the prompts on the bus with the models of this machine."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

import typer

from ollama_rx import Client, Timeouts
from ollama_rx.cli.choose_client import embedded_client, is_bus, server_client
from ollama_rx.cli.terminal import (
    EXIT_BY_SIGNAL,
    HANG_UP,
    echo,
    exit_on_error,
    usage_error,
    usage_errors,
)
from ollama_rx.errors import OllamaError

try:
    from ollama_rx.bus import Worker
    from ollama_rx.bus.connection.connection_options import DEFAULT_URL, URL_VARIABLE, ConnectionOptions
    from ollama_rx.bus.server.nats_server import NatsServer
except ImportError as missing:
    sys.exit(f"ollama-rx: {missing}")

# Clients have timeouts of their own and cancel their prompts. These are for prompts whose clients are gone.
_TIMEOUTS = Timeouts(first_chunk=3600.0, idle=600.0)
_LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerCommand:
    """The arguments of ``ollama-rx worker``."""

    hosts: Sequence[str]
    bus: str | None
    parallel: int
    with_server: bool

    def execute(self) -> None:
        """Answer prompts until Ctrl-C or SIGTERM; raises `typer.Exit` on failure."""
        with exit_on_error(), ExitStack() as resources:
            own_server = self._own_server()
            named = self._named_client()
            client = resources.enter_context(named or embedded_client())
            shown_hosts = ", ".join(host.url for host in client.hosts) if named else "the embedded model"
            servers = self.bus
            if own_server is not None:
                servers = resources.enter_context(own_server).url
            with usage_errors({"servers": "--bus"}):
                worker = Worker(client, servers, parallel=self.parallel)
            with _stopped_by_signals(worker), _log_on_terminal() as log:
                asyncio.run(_work(worker, shown_hosts, log))

    def _named_client(self) -> Client | None:
        """Return a client for the named hosts, else for Ollama on this machine; None if it is not there."""
        with usage_error("--host" if self.hosts else "OLLAMA_HOST"):
            for host in self.hosts or [os.environ.get("OLLAMA_HOST", "")]:
                if is_bus(host.strip()):
                    raise ValueError("a worker needs a server of Ollama; the bus is named by --bus")
        if len(self.hosts) > 1:
            with usage_errors({"hosts": "--host", "host": "--host"}):
                return Client(hosts=self.hosts, timeouts=_TIMEOUTS)
        return server_client(self.hosts[0] if self.hosts else None, timeouts=_TIMEOUTS)

    def _own_server(self) -> NatsServer | None:
        if not self.with_server:
            return None
        named = self.bus or os.environ.get(URL_VARIABLE) or DEFAULT_URL
        with usage_error("--bus" if self.bus else URL_VARIABLE):
            options = ConnectionOptions.of(named)
            # Without a password, which must not be shown.
            scheme, _, address = options.urls[0].partition("://")
            host, _, port = address.rpartition(":")
            if len(options.urls) > 1 or scheme != "nats" or host not in _LOOPBACK:
                raise ValueError(
                    f"with --with-server expected nats:// and this machine, got {options.shown_url}"
                )
            if "@" in named:  # a login would suggest that the bus is protected by the password
                raise ValueError("the server of --with-server has no users; leave the login out")
            return NatsServer(port=int(port))


async def _work(worker: Worker, shown_hosts: str, log: logging.Logger) -> None:
    async def tell_when_ready() -> None:
        with suppress(OllamaError):  # `run` raises it too
            await worker.ready()
            echo(_readiness(worker, shown_hosts), sys.stdout)
            log.setLevel(logging.INFO)

    telling = asyncio.create_task(tell_when_ready())
    try:
        await worker.run()
    finally:
        telling.cancel()


def _readiness(worker: Worker, shown_hosts: str) -> str:
    """Return a line that names the worker, its bus, its hosts and its models."""
    names = sorted(worker.state.model_names) if worker.state else []
    models = f"the models {', '.join(names)}" if names else "no models yet"
    return f"worker {worker.name} at {worker.url}, beside {shown_hosts}, with {models}"


@contextmanager
def _stopped_by_signals(worker: Worker) -> Generator[None]:
    """Stop the worker: at the first signal after its prompts are answered, at the second one at once.

    When the terminal is closed, nobody can press Ctrl-C any more, so the worker gives its prompts back at
    once; with ``nohup`` it goes on. A worker that did not finish exits with the signal's code.
    """
    received: list[int] = []
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    if HANG_UP is not None and signal.getsignal(HANG_UP) is signal.SIG_DFL:
        numbers.append(HANG_UP)

    def stop(number: int, _: FrameType | None) -> None:
        received.append(number)
        may_finish = len(received) == 1 and number != HANG_UP
        worker.stop(finish=may_finish)
        if may_finish and worker.streams:
            echo("finishing what was begun; a second signal stops at once")

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if len(received) > 1 or HANG_UP in received:
        raise typer.Exit(EXIT_BY_SIGNAL + received[-1])


class _TerminalHandler(logging.Handler):
    """Writes log lines with `echo`: they contain text from hosts and from other programs on the bus."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one log line."""
        echo(self.format(record))


@contextmanager
def _log_on_terminal() -> Generator[logging.Logger]:
    """Write warnings to standard error, one per line; if the caller sets level INFO, each prompt too."""
    handler = _TerminalHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log = logging.getLogger("ollama_rx")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.WARNING)
    try:
        yield log
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
