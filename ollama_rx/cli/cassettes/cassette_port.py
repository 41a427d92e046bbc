"""A port that records or replays: until Ctrl-C, or while a command runs that uses it."""

import socket
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from http import HTTPStatus

import httpx
import typer

from ollama_rx.cli.cassettes.running_command import RunningCommand
from ollama_rx.cli.serve.api_server import api_server
from ollama_rx.cli.serve.port_server import address_of, listen
from ollama_rx.cli.terminal import EXIT_INTERRUPTED, echo
from ollama_rx.errors import CassetteError

DEFAULT_PORT = 11435
_ADDRESS = "127.0.0.1"
_SIGNALLED = 128  # exit codes from here on are of commands that a signal has ended


def listen_for_cassette(port: int | None, command: Sequence[str]) -> AbstractContextManager[socket.socket]:
    """Listen on a port of this machine: by default 11435, or any free one for a command, which is told.

    Raises:
        AddressInUseError: another program listens there.
    """
    return listen(_ADDRESS, (0 if command else DEFAULT_PORT) if port is None else port)


def serve_cassette(
    listening: socket.socket,
    transport: httpx.AsyncBaseTransport,
    command: Sequence[str],
    *,
    url: str,
    status: HTTPStatus,
    note: str,
) -> None:
    """Serve Ollama's API with a transport that records or replays, until Ctrl-C or the end of the command.

    Args:
        listening: the socket.
        transport: what answers.
        command: what to run with the address in OLLAMA_HOST; empty to serve until Ctrl-C.
        url: the address of the requests to the transport.
        status: the HTTP status of the answer if something is wrong with the cassette.
        note: what the server does with its clients, in words.

    Raises:
        typer.Exit: with the exit code of the command, or after Ctrl-C.
    """
    address = address_of(_ADDRESS, listening)

    def stop() -> None:
        server.stop()

    def tell() -> None:
        echo(address, sys.stdout)
        echo(f"{note} any Ollama client that has OLLAMA_HOST={address}; Ctrl-C ends it")

    running = RunningCommand(command, {"OLLAMA_HOST": address}, on_end=stop)
    answering = _TellingTransport(transport, status)
    server = api_server(
        answering,
        _ADDRESS,
        on_start=running.start if command else tell,
        take_signal=running.take_signal if command else None,
        url=url,
    )
    server.run(sockets=[listening])
    if command:
        code = running.exit_code()
        if not answering.was_asked and code < _SIGNALLED:
            echo(f"ollama-rx: nothing was asked at {address}; does the command use OLLAMA_HOST?")
        raise typer.Exit(code)
    if server.was_interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


class _TellingTransport(httpx.AsyncBaseTransport):
    """Says on standard error what is wrong with the cassette, and answers with it."""

    def __init__(self, inner: httpx.AsyncBaseTransport, status: HTTPStatus) -> None:
        self._inner = inner
        self._status = status
        self.was_asked = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        self.was_asked = True
        try:
            return await self._inner.handle_async_request(request)
        except CassetteError as error:
            echo(f"ollama-rx: {error}")
            return httpx.Response(self._status, json={"error": str(error)})
