"""nats-py's client and its socket: TLS is enforced if it was demanded, and closing takes limited time."""

import asyncio
import ssl
from contextlib import suppress
from typing import Final, cast
from urllib.parse import ParseResult

from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.aio.transport import TcpTransport
from nats.errors import AuthorizationError
from nats.errors import Error as NatsError

from ollama_rx.bus.connection.connection_failure import is_refused_login

_CLOSING = 1.0  # seconds that the server has to receive unsent data


def new_client(*, demands_tls: bool) -> NatsClient:
    """Return a client that is not connected yet."""
    return _BoundedClient(NatsTransport(demands_tls=demands_tls))


class _BoundedClient(NatsClient):
    """nats-py's client on a `NatsTransport`; it closes in limited time and renews an expired login."""

    def __init__(self, transport: "NatsTransport") -> None:
        super().__init__()
        self._transport = self._same_transport = transport

    async def _read_loop(self) -> None:
        """Read until the connection ends; if an error ends the reading, reconnect as after a lost connection.

        nats-py only logs the error, and would not receive anything any more.
        """
        await super()._read_loop()
        task = asyncio.current_task()
        if self.is_connected and task is not None and not task.cancelling():
            await self._process_op_err(NatsError("a message could not be handled"))

    async def _process_headers(self, headers: bytes | None) -> dict[str, str] | None:
        """Read the headers of a message; malformed headers count as missing."""
        try:
            found: dict[str, str] | None = await super()._process_headers(headers)
        except (ValueError, IndexError):
            return None
        return found

    def _build_message(
        self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: dict[str, str] | None
    ) -> Msg:
        """Build a message; a publisher can put any bytes into a subject; they must not end the reading."""
        words = subject.decode(errors="replace"), reply.decode(errors="replace")
        return Msg(self, *words, data, headers, _sid=sid)

    async def close(self) -> None:
        """Close the connection; data that the server does not receive within a second is dropped.

        An event loop that ends cancels all its tasks, even one that is closing a connection. In that case the
        pending data is still written, and the socket is closed.
        """
        transport = self._same_transport
        transport.is_closing = True
        try:
            await super().close()
        except asyncio.CancelledError:
            transport.writelines(self._pending)
            transport.close()  # type: ignore[no-untyped-call]
            raise

    async def _process_err(self, err_msg: str) -> None:
        """Log in again when a login has expired, with the current contents of the credentials file."""
        if self.is_connected and is_refused_login(err_msg):
            await self._process_op_err(AuthorizationError())
        else:
            await super()._process_err(err_msg)


class NatsTransport(TcpTransport):
    """nats-py's transport with five differences.

    - If TLS is demanded, nothing is sent without it. nats-py leaves the choice to the server, even if it has
      been given certificates, so an impostor would receive the login in plain text.
    - A failed handshake closes the connection. nats-py would wait for ever for it to close.
    - A connection that the server has refused is closed. nats-py would leave it open and open the next one.
    - Closing takes a second at most, even if the server is paused and reads nothing.
    - asyncio is told to expect TLS. Otherwise it logs "returning true from eof_received() has no effect".
    """

    _io_reader: asyncio.StreamReader | None
    _io_writer: asyncio.StreamWriter | None

    def __init__(self, *, demands_tls: bool) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._demands_tls: Final = demands_tls
        self._has_tls = False
        self.is_closing = False
        """Whether data that is not sent yet may be dropped."""

    def __bool__(self) -> bool:
        """Return True even before the first connection: otherwise nats-py creates its own transport."""
        return True

    async def connect(self, uri: ParseResult, buffer_size: int, connect_timeout: int) -> None:
        """Connect without TLS: the server speaks first and says whether it uses TLS."""
        self.abort()
        self._has_tls = False
        await super().connect(uri, buffer_size, connect_timeout)

    async def connect_tls(
        self, uri: str | ParseResult, ssl_context: ssl.SSLContext, buffer_size: int, connect_timeout: int
    ) -> None:
        """Upgrade the connection to TLS."""
        name = uri if isinstance(uri, str) else uri.hostname
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=buffer_size)  # new, without data from before TLS
        protocol = asyncio.StreamReaderProtocol(reader)
        plain, self._io_writer = cast(asyncio.StreamWriter, self._io_writer), None
        try:
            async with asyncio.timeout(connect_timeout):
                begun = await loop.start_tls(plain.transport, protocol, ssl_context, server_hostname=name)
        except BaseException:
            plain.transport.abort()
            raise
        transport = cast(asyncio.Transport, begun)
        protocol.connection_made(transport)
        self._io_reader = reader
        self._io_writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        self._has_tls = True

    def write(self, payload: bytes) -> None:
        """Send the login or another command.

        Raises:
            nats.errors.Error: TLS was demanded, but the server does not use it.
        """
        if self._demands_tls and not self._has_tls:
            raise NatsError("the server does not use TLS; a nats:// URL connects without")
        if self._can_write:
            super().write(payload)  # type: ignore[no-untyped-call]

    def writelines(self, payload: list[bytes]) -> None:
        """Send pending data, unless the connection was never completely set up or is lost."""
        if self._can_write and self._has_tls >= self._demands_tls:
            super().writelines(payload)  # type: ignore[no-untyped-call]

    @property
    def _can_write(self) -> bool:
        """Whether the connection is open; uvloop does not ignore a write to a lost connection."""
        return self._io_writer is not None and not self._io_writer.transport.is_closing()

    async def drain(self) -> None:
        """Wait until most of the data is sent; a lost connection is reported by the read loop instead."""
        if self._io_writer is None:
            return
        with suppress(OSError):  # the error would keep nats-py from ending its tasks
            if not self.is_closing:
                await self._io_writer.drain()
            else:
                async with asyncio.timeout(_CLOSING):
                    await self._io_writer.drain()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._io_writer is not None:
            self._io_writer.transport.abort()

    async def wait_closed(self) -> None:
        """Wait until the connection is closed; abort it if the server does not read."""
        try:
            async with asyncio.timeout(_CLOSING):
                await super().wait_closed()  # type: ignore[no-untyped-call]
        except OSError:  # also TimeoutError; how the connection ended does not matter any more
            self.abort()
