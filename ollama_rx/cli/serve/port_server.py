"""An ASGI application on a port until Ctrl-C or SIGTERM: what the commands that serve have in common.

::

    with listen("127.0.0.1", 8000) as listening:
        url = address_of("127.0.0.1", listening)
        server = PortServer(app, on_start=lambda: echo(url, sys.stdout))
        server.run(sockets=[listening])
    if server.was_interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)
"""

import asyncio
import errno
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from types import FrameType

from ollama_rx.errors import OllamaError

try:
    import uvicorn
    from starlette.types import ASGIApp
except ImportError as missing:
    sys.exit(f'ollama-rx: serving needs an extra: pip install "ollama-rx[web]" ({missing})')

_STOPPING_SECONDS = 1.0  # for the application to stop, and again for connections to be closed


class AddressInUseError(OllamaError):
    """Another program listens on this port, or the address is not this machine's."""


class PortServer(uvicorn.Server):
    """A server that ends at Ctrl-C, at SIGTERM and at `stop`, and never waits for those who read from it.

    Args:
        app: the application.
        on_start: called when it accepts connections.
        on_stop: stops what the application does; awaited for a second before the connections are closed.
        take_signal: called with each signal; if it returns True, that one does not end the server.
        idle_seconds: how long a connection without a request stays open.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_start: Callable[[], object],
        on_stop: Callable[[], Awaitable[object]] | None = None,
        take_signal: Callable[[int], bool] | None = None,
        idle_seconds: int = 5,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="httptools",
                log_level="warning",
                access_log=False,  # a search is part of an address
                server_header=False,
                proxy_headers=False,
                ws="websockets-sansio",
                ws_max_size=2**16,
                ws_per_message_deflate=False,  # audio hardly gets smaller, and each frame costs time
                timeout_keep_alive=idle_seconds,
                timeout_graceful_shutdown=1,
            )
        )
        self._on_start = on_start
        self._on_stop = on_stop
        self._take_signal = take_signal
        self._start_error: OSError | None = None
        self.was_interrupted = False
        """Whether Ctrl-C ended it."""

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the end.

        Raises:
            OSError: ``on_start`` could not print the address, on a full disk for instance.
        """
        super().run(sockets)
        if self._start_error is not None:
            raise self._start_error

    def stop(self) -> None:
        """Begin to stop; from any thread, any number of times."""
        self.should_exit = True

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
        if self._take_signal is not None and self._take_signal(sig):
            return
        self.was_interrupted = sig == signal.SIGINT
        super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        try:
            self._on_start()
        except OSError as error:  # raised when all is closed: uvicorn would print a traceback here
            self._start_error = error
            self.stop()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop the application, and close all connections."""
        if self._on_stop is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOPPING_SECONDS):
                    await self._on_stop()
        await super().shutdown(sockets)


def is_loopback(address: str) -> bool:
    """Check whether only programs on this machine reach an address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


@contextmanager
def listen(address: str, port: int) -> Generator[socket.socket]:
    """Yield a socket that listens, so that a port in use is noticed before anything else is said.

    Raises:
        AddressInUseError: another program listens there, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        listening = socket.create_server((address, port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressInUseError(
                f"port {port} of {address} is in use by another program; choose another one with --port"
            ) from error
        reason = (error.strerror or str(error)).partition(" (while ")[0]  # which repeats the address
        raise AddressInUseError(f"cannot listen on {address}, port {port}: {reason}") from error
    with listening:
        yield listening


def address_of(address: str, listening: socket.socket) -> str:
    """Return the URL under which clients reach a socket that listens on an address."""
    name = address
    with suppress(ValueError):
        if ip_address(address).is_unspecified:
            name = socket.gethostname()
    shown = f"[{name}]" if ":" in name else name
    return f"http://{shown}:{listening.getsockname()[1]}"
