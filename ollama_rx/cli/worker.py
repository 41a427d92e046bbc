"""``ollama-rx worker``: answer the prompts on the bus with the models of this machine."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from urllib.parse import urlsplit

import typer

from ollama_rx import Client
from ollama_rx.cli.choose_client import embedded_client, server_client
from ollama_rx.cli.terminal import echo, exit_on_error, usage_error, usage_errors

try:
    from ollama_rx.bus import Worker
    from ollama_rx.bus.nats_server import NatsServer
except ImportError as missing:
    sys.exit(f"ollama-rx: {missing}")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_EXIT_BY_SIGNAL = 128  # plus the number of the signal, as in shells
_BUS_SCHEMES = ("nats://", "tls://")
_DEFAULT_PORT = 4222
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
            client = resources.enter_context(self._client())
            servers = self.bus
            if own_server is not None:
                servers = resources.enter_context(own_server).url
            with usage_errors({"servers": "--bus"}):
                worker = Worker(client, servers, parallel=self.parallel)
            with _stopped_by_signals(worker) as signals:
                asyncio.run(_work(worker))
            if len(signals) > 1:
                raise typer.Exit(_EXIT_BY_SIGNAL + signals[-1])

    def _client(self) -> Client:
        """Return a client for the hosts that were named, else for what answers on this machine."""
        with usage_error("--host" if self.hosts else "OLLAMA_HOST"):
            for host in self.hosts or [os.environ.get("OLLAMA_HOST", "")]:
                if host.strip().startswith(_BUS_SCHEMES):
                    raise ValueError("a worker needs a server of Ollama; the bus is named by --bus")
        if len(self.hosts) > 1:
            with usage_errors({"hosts": "--host", "host": "--host"}):
                return Client(hosts=self.hosts)
        return server_client(self.hosts[0] if self.hosts else None) or embedded_client()

    def _own_server(self) -> NatsServer | None:
        if not self.with_server:
            return None
        with usage_error("--bus"):
            url = urlsplit(self.bus or "nats://127.0.0.1")
            if url.hostname not in _LOOPBACK:
                raise ValueError(
                    f"with --with-server expected an address of this machine, got {url.hostname}"
                )
            return NatsServer(port=url.port or _DEFAULT_PORT)


async def _work(worker: Worker) -> None:
    working = asyncio.create_task(worker.run())
    try:
        await worker.ready()
        echo(_readiness(worker), sys.stdout)
        with _log_on_terminal():
            await working
    finally:
        await asyncio.wait({working})


def _readiness(worker: Worker) -> str:
    """Say in one line who works where, and with which models."""
    state = worker.state
    assert state is not None  # noqa: S101 - it is registered
    names = sorted(state.model_names)
    models = f"{len(names)} models: {', '.join(names)}" if names else "no models"
    problem = f" ({state.problem})" if state.problem else ""
    return f"{worker.name} at {worker.url}, {models}{problem}"


@contextmanager
def _stopped_by_signals(worker: Worker) -> Generator[list[int]]:
    """Let the first signal stop the worker when its prompts are answered, and the second one at once.

    Yields the signals that came.
    """
    received: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        received.append(number)
        worker.stop(finish=len(received) == 1)
        if len(received) == 1 and worker.state is not None and worker.state.streams:
            echo("finishing what was begun; a second signal stops at once")

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _log_on_terminal() -> Generator[None]:
    """Write what the worker logs to standard error, a line each."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log = logging.getLogger("ollama_rx")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
