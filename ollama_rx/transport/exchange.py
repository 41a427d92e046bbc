"""One request and its response on a connection.

The body goes from ``data_received`` straight to a receiver, so that no task has to be woken up for each
token.
"""

import asyncio
from typing import Protocol

import httpx

from ollama_rx.transport.body_decoder import BodyDecoder, decoder_for
from ollama_rx.transport.message_head import HeadParser, ResponseHead

_MAX_BUFFERED = 65536  # bytes of a body that are buffered while it has no receiver


class BodyReceiver(Protocol):
    """Receives the payload of a body."""

    def received(self, payload: bytes) -> None:
        """Handle a payload of the body."""
        ...

    def ended(self, error: Exception | None) -> None:
        """Handle the end of the body; called exactly once, with None if the body is complete."""
        ...


class PushedBody(Protocol):
    """A body that is sent to a receiver as it arrives."""

    def send_body_to(self, receiver: BodyReceiver, /) -> None:
        """Send the body to ``receiver`` as it arrives, beginning with the payloads received so far."""
        ...

    def pause(self) -> None:
        """Make the server wait."""
        ...

    def resume(self) -> None:
        """Let the server continue."""
        ...

    def abort(self) -> None:
        """Give up the rest; ``receiver.ended`` is called when nothing of it is left."""
        ...

    def shut_down_threadsafe(self) -> None:
        """Give up at once what can be given up from any thread; `abort` follows on the loop."""
        ...


class ConnectionControl(Protocol):
    """The part of a connection that an exchange uses."""

    def pause(self) -> None:
        """Stop reading until `resume`."""
        ...

    def resume(self) -> None:
        """Continue reading."""
        ...

    def abort(self) -> None:
        """Close the connection at once."""
        ...

    def shut_down_threadsafe(self, exchange: "Exchange") -> None:
        """Shut the connection down if it still serves this exchange; from any thread."""
        ...

    def release(self) -> None:
        """Make the connection available to the next exchange."""
        ...


class Exchange:
    """One request being sent and its response being received."""

    __slots__ = (
        "_buffer",
        "_buffer_size",
        "_connection",
        "_decoder",
        "_ended",
        "_error",
        "_head",
        "_head_parser",
        "_keep_alive",
        "_method",
        "_receiver",
        "_released",
        "nothing_received",
    )

    def __init__(self, connection: ConnectionControl, method: str) -> None:
        self._head: asyncio.Future[ResponseHead] | None = asyncio.get_running_loop().create_future()
        self.nothing_received = True  # not a single byte of the response
        self._connection = connection
        self._method = method
        self._head_parser: HeadParser | None = HeadParser()
        self._keep_alive = False
        self._decoder: BodyDecoder | None = None
        self._receiver: BodyReceiver | None = None
        self._buffer: list[bytes] | None = None  # payloads received before there was a receiver
        self._buffer_size = 0
        self._ended = False  # the body is complete, or will never be
        self._released = False  # the connection no longer belongs to this exchange
        self._error: Exception | None = None

    # called by the user of the response

    async def head(self) -> ResponseHead:
        """Wait for the head of the response; may be called once. A caller that is cancelled gives it up."""
        assert self._head is not None  # noqa: S101 - called once
        try:
            return await self._head
        except asyncio.CancelledError:
            self.abort()
            raise
        finally:
            self._head = None

    def send_body_to(self, receiver: BodyReceiver) -> None:
        """Send the body to ``receiver`` as it arrives, beginning with the payloads received so far."""
        self._receiver = receiver
        buffered, self._buffer = self._buffer, None
        self._connection.resume()
        try:
            for payload in buffered or ():
                receiver.received(payload)
        finally:  # a subscriber may end the loop with ``SystemExit``
            if self._ended:
                self._finish(receiver)

    def pause(self) -> None:
        """Make the server wait."""
        if not self._ended:
            self._connection.pause()

    def resume(self) -> None:
        """Let the server continue."""
        if not self._ended:
            self._connection.resume()

    def fail(self, error: Exception) -> None:
        """Give up, because the rest of the request cannot be sent."""
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        self.abort()

    def forbid_reuse(self) -> None:
        """Close the connection after the response, which came before the whole request was sent."""
        self._keep_alive = False

    def abort(self) -> None:
        """Give up the response and close the connection, unless it may serve another exchange by now."""
        if not self._released:
            self._connection.abort()

    def shut_down_threadsafe(self) -> None:
        """Shut the connection down at once, from any thread; `abort` follows on the loop."""
        self._connection.shut_down_threadsafe(self)

    # called by the connection

    def data_received(self, data: bytes) -> None:
        """Handle bytes of the response."""
        decoder = self._decoder
        if decoder is None:
            self._parse_head(data)
            return
        if self._ended:
            self._connection.abort()  # more bytes than the head announced
            return
        payload = decoder.feed(data)
        if payload:
            if self._receiver is not None:
                self._receiver.received(payload)
            else:
                self._keep(payload)
        if decoder.ended:
            self._keep_alive = self._keep_alive and not decoder.rest
            self._end(decoder.error)

    def eof_received(self) -> None:
        """Handle the server's end of the connection, which may be the end of the body."""
        if self._decoder is not None and not self._ended:
            self._decoder.feed_eof()
            self._keep_alive = False
            self._end(self._decoder.error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the loss of the connection."""
        error = httpx.ReadError(str(exc)) if exc else httpx.RemoteProtocolError("the server hung up")
        if self._head is not None and not self._head.done():
            self._head.set_exception(error)
        self._end(error)

    def _parse_head(self, data: bytes) -> None:
        self.nothing_received = False
        parser = self._head_parser
        if parser is None or self._head is None or self._head.done():
            self._connection.abort()
            return
        try:
            head = parser.feed(data)
        except httpx.RemoteProtocolError as error:
            self._head.set_exception(error)
            self._connection.abort()
            return
        if head is not None:
            self._head_parser = None
            self._decoder = decoder_for(head, self._method)
            options = b",".join(head.values(b"connection"))
            self._keep_alive = head.http_version == b"1.1" and b"close" not in options.lower()
            self._head.set_result(head)
            if parser.rest or self._decoder.ended:
                self.data_received(parser.rest)

    def _keep(self, payload: bytes) -> None:
        if self._buffer is None:
            self._buffer = []
        self._buffer.append(payload)
        self._buffer_size += len(payload)
        if self._buffer_size > _MAX_BUFFERED:
            self._connection.pause()

    def _end(self, error: Exception | None) -> None:
        if self._ended:
            return
        self._ended = True
        self._error = error
        if error is not None:
            self._connection.abort()
        if self._receiver is not None:
            self._finish(self._receiver)

    def _finish(self, receiver: BodyReceiver) -> None:
        self._released = True
        self._receiver = None
        if self._error is None:
            if self._keep_alive:
                self._connection.release()
            else:
                self._connection.abort()
        receiver.ended(self._error)
