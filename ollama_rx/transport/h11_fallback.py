"""Let h11 handle what is not plain HTTP/1.1: unusual requests, heads of responses and HTTP chunks.

This module is imported when it is first needed, which is rare.
"""

import h11
import httpx

from ollama_rx.transport.message_head import ResponseHead

_CHUNKED_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def encode_request(method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], content: bytes) -> bytes:
    """Return the bytes of a request.

    Raises:
        httpx.LocalProtocolError: HTTP does not allow the request.
    """
    connection = h11.Connection(h11.CLIENT)
    try:
        request = h11.Request(method=method, target=target, headers=headers)
        body = [h11.Data(data=content)] if content else []
        return b"".join(connection.send(event) or b"" for event in [request, *body, h11.EndOfMessage()])
    except h11.LocalProtocolError as error:
        raise httpx.LocalProtocolError(str(error)) from error


class H11HeadParser:
    """Parses the head of a response with h11, and skips informational responses before it."""

    def __init__(self) -> None:
        self.rest = b""
        self._h11 = _waiting_for_response()

    def feed(self, data: bytes) -> ResponseHead | None:
        """Take bytes; return the head once it is complete.

        Raises:
            httpx.RemoteProtocolError: the bytes are not a response that HTTP allows.
        """
        try:
            self._h11.receive_data(data)
            event = self._h11.next_event()
            while isinstance(event, h11.InformationalResponse):
                event = self._h11.next_event()
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        if not isinstance(event, h11.Response):
            return None
        self.rest = self._h11.trailing_data[0]
        return ResponseHead(event.status_code, event.reason, event.http_version, list(event.headers))


class H11BodyDecoder:
    """Decodes a chunked body with h11, beginning at the start of any HTTP chunk."""

    def __init__(self) -> None:
        self.ended = False
        self.error: httpx.RemoteProtocolError | None = None
        self.rest = b""
        self._h11 = _waiting_for_response()
        self._h11.receive_data(_CHUNKED_HEAD)
        self._h11.next_event()

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``; ``ended``, ``error`` and ``rest`` are as in `BodyDecoder`."""
        payloads: list[bytes] = []
        try:
            self._h11.receive_data(data)
            while isinstance(event := self._h11.next_event(), h11.Data):
                payloads.append(event.data)
        except h11.RemoteProtocolError as error:
            self.ended, self.error = True, httpx.RemoteProtocolError(str(error))
            self.error.__cause__ = error
            return b"".join(payloads)
        if isinstance(event, h11.EndOfMessage):
            self.ended, self.rest = True, self._h11.trailing_data[0]
        return b"".join(payloads)


def _waiting_for_response() -> h11.Connection:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    return connection
