"""One request and its response on a connection.

h11 reads the head; the body goes from ``data`` straight to a receiver, without a task that
is woken up for each token.
"""

import asyncio
from typing import Protocol

import h11
import httpx

from ollama_rx.transport.body_decoder import Body, body_of

_EARLY = 65536  # bytes of a body that may arrive before somebody wants them


class Receiver(Protocol):
    """Where the payload of a body goes."""

    def received(self, payload: bytes) -> None:
        """Take a piece of the body."""
        ...

    def ended(self, error: Exception | None) -> None:
        """Take the end, called exactly once; None if the body is complete."""
        ...


class Line(Protocol):
    """What an exchange needs of its connection."""

    def pause(self) -> None:
        """Read no more for now."""
        ...

    def resume(self) -> None:
        """Read on."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...

    def hang_up(self, exchange: "Exchange") -> None:
        """Shut the connection down, from any thread, if it still serves this exchange."""
        ...

    def free(self) -> None:
        """Serve the next exchange."""
        ...


class Exchange:
    """A request on its way out, a response on its way in."""

    __slots__ = (
        "_body",
        "_early",
        "_early_size",
        "_error",
        "_h11",
        "_head",
        "_keep_alive",
        "_line",
        "_method",
        "_over",
        "_receiver",
        "_settled",
        "outgoing",
        "silent",
    )

    def __init__(self, line: Line, request: httpx.Request, content: bytes) -> None:
        self._head: asyncio.Future[h11.Response] | None = asyncio.get_running_loop().create_future()
        self.silent = True  # not a byte has come back
        self._line = line
        self._method = request.method.encode()
        self._h11: h11.Connection | None = h11.Connection(h11.CLIENT)
        self.outgoing = self._encode(self._h11, request, content)
        self._keep_alive = False
        self._body: Body | None = None
        self._receiver: Receiver | None = None
        self._early: list[bytes] = []
        self._early_size = 0
        self._over = False  # all has arrived that will
        self._settled = False  # the connection is no longer ours
        self._error: Exception | None = None

    def _encode(self, machine: h11.Connection, request: httpx.Request, content: bytes) -> bytes:
        try:
            events: list[h11.Event] = [
                h11.Request(method=self._method, target=request.url.raw_path, headers=request.headers.raw)
            ]
            if content:
                events.append(h11.Data(data=content))
            return b"".join(machine.send(event) or b"" for event in [*events, h11.EndOfMessage()])
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    # towards the user of the response

    async def head(self) -> h11.Response:
        """Wait for the head of the response; to be asked for once."""
        assert self._head is not None  # noqa: S101 - asked for once
        try:
            return await self._head
        finally:
            self._head = None

    def push(self, receiver: Receiver) -> None:
        """Send the body to ``receiver`` as it arrives, beginning with what is already here."""
        self._receiver = receiver
        early, self._early = self._early, []
        self._line.resume()
        for payload in early:
            receiver.received(payload)
        if self._over:
            self._settle(receiver)

    def pause(self) -> None:
        """Let the server wait."""
        if not self._over:
            self._line.pause()

    def resume(self) -> None:
        """Let the server go on."""
        if not self._over:
            self._line.resume()

    def abort(self) -> None:
        """Give the response up and close the connection, unless it serves others already."""
        if not self._settled:
            self._line.abort()

    def hang_up(self) -> None:
        """Let the server see that the response is given up; from any thread, `abort` follows."""
        self._line.hang_up(self)

    # from the connection

    def data(self, data: bytes) -> None:
        """Take bytes of the response."""
        body = self._body
        if body is None:
            self._read_head(data)
            return
        if self._over:
            self._line.abort()  # more than was announced
            return
        payload = body.feed(data)
        if payload:
            if self._receiver is not None:
                self._receiver.received(payload)
            else:
                self._wait_for_receiver(payload)
        if body.ended:
            self._keep_alive = self._keep_alive and not body.rest
            self._end(body.error)

    def eof(self) -> None:
        """Take the end of the connection, which may end the body."""
        if self._body is not None and not self._over:
            self._body.eof()
            self._keep_alive = False
            self._end(self._body.error)

    def lost(self, exc: Exception | None) -> None:
        """Take the loss of the connection."""
        error = httpx.ReadError(str(exc)) if exc else httpx.RemoteProtocolError("the server hung up")
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        self._end(error)

    def _read_head(self, data: bytes) -> None:
        self.silent = False
        machine = self._h11
        if machine is None or self._head is None or self._head.done():
            self._line.abort()
            return
        try:
            machine.receive_data(data)
            event = machine.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = machine.next_event()
        except h11.RemoteProtocolError as error:
            self._head.set_exception(httpx.RemoteProtocolError(str(error)))
            self._line.abort()
            return
        if isinstance(event, h11.Response):
            self._h11 = None
            self._body = body_of(event, self._method)
            connection = b",".join(value for name, value in event.headers if name == b"connection")
            self._keep_alive = event.http_version == b"1.1" and b"close" not in connection.lower()
            self._head.set_result(event)
            rest = machine.trailing_data[0]
            if rest or self._body.ended:
                self.data(rest)

    def _wait_for_receiver(self, payload: bytes) -> None:
        self._early.append(payload)
        self._early_size += len(payload)
        if self._early_size > _EARLY:
            self._line.pause()

    def _end(self, error: Exception | None) -> None:
        if self._over:
            return
        self._over = True
        self._error = error
        if error is not None:
            self._line.abort()
        if self._receiver is not None:
            self._settle(self._receiver)

    def _settle(self, receiver: Receiver) -> None:
        self._settled = True
        self._receiver = None
        if self._error is None:
            if self._keep_alive:
                self._line.free()
            else:
                self._line.abort()
        receiver.ended(self._error)
