"""One connection of the fake server: read requests, answer them, note what the client does."""

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import Callable

from ollama_rx.testing.framing import BadRequestError, RequestReader, head
from ollama_rx.testing.record import Exchange, Record, Request
from ollama_rx.testing.reply import Reply, error_status
from ollama_rx.testing.sending import CutHereError, Sending


class Connection(asyncio.Protocol):
    """Serves requests one after another; `choose` says what to answer; `connections` holds the open ones."""

    _transport: asyncio.Transport
    _reader: RequestReader
    _exchange: Exchange  # the latest, once something was asked

    def __init__(
        self, record: Record, choose: Callable[[Request], Reply], connections: set["Connection"]
    ) -> None:
        self._record = record
        self._choose = choose
        self._connections = connections
        self._waiting: deque[Request] = deque()
        self._asked = False
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._over = False  # ended from here, or the client left and that was noted
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server gives nothing else
        self._transport = transport
        self._connections.add(self)
        self._record.connections_accepted += 1
        self._record.connections_open += 1
        self._reader = RequestReader(self._record.connections_accepted)
        self._record.changed()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request; start to answer when it is whole."""
        try:
            self._waiting.extend(self._reader.feed(data, at=time.monotonic()))
        except BadRequestError:
            self._transport.write(head(400, [("Content-Length", "0"), ("Connection", "close")]))
            self._end()
            return
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())

    def eof_received(self) -> None:
        """Note that the client left; a client that closes only its half of the connection counts as gone."""
        self._left()
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - given by asyncio
        """Note that the client left, if it was the client, and end what was being answered."""
        self._left()
        if self._task is not None:
            self._task.cancel()
        self._connections.discard(self)
        self._record.connections_open -= 1
        self._record.changed()
        self._lost.set()

    def pause_writing(self) -> None:
        """Note that the client does not read fast enough."""
        self._writable.clear()
        self._exchange.pauses += 1
        self._exchange.paused = True
        self._record.changed()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        self._writable.set()
        self._exchange.paused = False
        self._record.changed()

    async def shut(self) -> None:
        """End the connection now, whatever it is doing, and wait until it has ended."""
        self._over = True
        self._transport.abort()
        await self._lost.wait()

    def _left(self) -> None:
        if self._asked and self._exchange.answered_at is None and not self._over:
            self._over = True
            self._exchange.disconnected_at = time.monotonic()
            self._record.changed()

    def _end(self, *, reset: bool = False) -> None:
        self._over = True
        if reset:
            no_lingering = struct.pack("ii", 1, 0)
            tcp: socket.socket = self._transport.get_extra_info("socket")
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
            self._transport.abort()
        else:
            self._transport.close()

    async def _serve(self) -> None:
        while self._waiting and not self._over:
            exchange = self._exchange = Exchange(self._waiting.popleft())
            self._asked = True
            self._record.exchanges.append(exchange)
            self._record.changed()
            reply = self._reply_to(exchange.request)
            exchange.status = reply.status
            sending = Sending(
                exchange,
                reply,
                hand_over=self._transport.write,
                writable=self._writable,
                changed=self._record.changed,
            )
            try:
                await sending.run()
            except CutHereError as cut:
                self._end(reset=cut.reset)
            except Exception as error:  # noqa: BLE001 - a body may be made by the user's code
                exchange.failure = error
                self._end()
            if not sending.keeps_alive:
                self._end()
            self._record.changed()
        self._task = None

    def _reply_to(self, request: Request) -> Reply:
        try:
            return self._choose(request)
        except Exception as error:  # noqa: BLE001 - a script is the user's code; the client shall see it
            return error_status(500, f"the script of FakeOllama failed: {error!r}")
