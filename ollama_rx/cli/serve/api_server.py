"""Ollama's API on a port, as the commands serve it whose clients are programs."""

import os
import socket
from collections.abc import Callable, Iterable

import httpx

from ollama_rx.cli.serve.port_server import PortServer, is_loopback
from ollama_rx.cli.terminal import echo, usage_errors
from ollama_rx.web import ollama_api
from ollama_rx.web.allowed_hosts import EVERY_ADDRESS
from ollama_rx.web.ollama_api.allowed_origins import LOCAL_ORIGINS
from ollama_rx.web.ollama_api.ollama_api import OLLAMA_HOSTS

ORIGINS_VARIABLE = "OLLAMA_ORIGINS"

_IDLE_SECONDS = 75  # longer than clients keep an idle connection: both ends would close it at the same time


def api_server(
    transport: httpx.AsyncBaseTransport,
    address: str,
    *,
    on_start: Callable[[], object],
    take_signal: Callable[[int], bool] | None = None,
    url: str = "http://127.0.0.1:11434",
    host_names: Iterable[str] = (),
) -> PortServer:
    """Return a server that answers as Ollama, to which programs are let in as to Ollama.

    It warns if ``address`` is not this machine's own, since there is no password. Pages in browsers are those
    of this machine, and those that OLLAMA_ORIGINS names.

    Args:
        transport: what answers.
        address: what the server will listen on.
        on_start: called when it accepts connections.
        take_signal: called with each signal; if it returns True, that one does not end the server.
        url: the address that the transport's requests are for.
        host_names: other names of the server, from ``--allow-host``.
    """
    if not is_loopback(address):
        echo(f"warning: everybody who reaches {address} can use this server; like Ollama, it has no password")
    others = () if is_loopback(address) else EVERY_ADDRESS
    origins = [name.strip() for name in os.environ.get(ORIGINS_VARIABLE, "").split(",")]
    with usage_errors({"allowed_hosts": "--allow-host", "allowed_origins": ORIGINS_VARIABLE}):
        app = ollama_api(
            transport,
            url=url,
            allowed_hosts=(*OLLAMA_HOSTS, socket.gethostname(), *others, *host_names),
            allowed_origins=(*LOCAL_ORIGINS, *filter(None, origins)),
        )
    return PortServer(app, on_start=on_start, take_signal=take_signal, idle_seconds=_IDLE_SECONDS)
