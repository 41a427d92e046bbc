"""Where a response body ends: chunked, by length, or with the connection.

A body decoder takes what a read brought and returns the payload in it; ``ended`` says that there will
be no more, ``error`` why it is not complete then, ``rest`` holds what came after it.
"""

import re
from typing import Protocol

import h11
import httpx

_CRLF = b"\r\n"
_HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
_ONE_CHUNK = 3  # parts of it: size, payload, and nothing after the last CRLF
_LONGEST_LINE = 16  # bytes of a size line that are waited for; a longer one goes the exact way
_SIZES = {form % size: size for size in range(1, 4096) for form in (b"%x", b"%X")}
_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Body(Protocol):
    """An incremental body decoder."""

    ended: bool
    error: httpx.RemoteProtocolError | None
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``."""
        ...

    def eof(self) -> None:
        """Take the end of the connection, which is an error if that is too early."""
        ...


def body_of(response: h11.Response, method: bytes) -> Body:
    """Choose the decoder as RFC 9112 section 6.3 says."""
    headers = dict(response.headers)
    if method == b"HEAD" or response.status_code in {204, 304}:
        return LengthBody(0)
    if b"transfer-encoding" in headers:
        return ChunkedBody()  # h11 has refused everything but "chunked"
    if b"content-length" in headers:
        return LengthBody(int(headers[b"content-length"]))
    return OpenBody()


class LengthBody:
    """A body of a known length in bytes."""

    error: httpx.RemoteProtocolError | None = None

    def __init__(self, length: int) -> None:
        self._missing = length
        self.ended = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``."""
        payload, self.rest = data[: self._missing], data[self._missing :]
        self._missing -= len(payload)
        self.ended = self._missing == 0
        return payload

    def eof(self) -> None:
        """Refuse an early end."""
        self.ended = True
        self.error = _cut_short(f"{self._missing} bytes are missing")


class OpenBody:
    """A body that ends with the connection."""

    error: httpx.RemoteProtocolError | None = None

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``: all of it."""
        return data

    def eof(self) -> None:
        """Accept the end."""
        self.ended = True


class ChunkedBody:
    """A chunked body, decoded in bulk.

    Reads that hold whole, plain chunks take a few calls into C however many chunks there are:
    split at CRLF, then compare all lengths with all announced sizes. A CRLF inside a payload makes
    that comparison fail, never succeed wrongly. What fails is walked chunk by chunk, and what is not
    plain (extensions, trailers, padded sizes, errors) is left to h11 from that chunk on. Of a chunk
    that is cut, what has arrived is returned; the rest is read as if it were a chunk of its own.
    """

    __slots__ = ("_exact", "_tail", "ended", "error", "rest")

    def __init__(self) -> None:
        self.ended = False
        self.error: httpx.RemoteProtocolError | None = None
        self.rest = b""
        self._tail = b""
        self._exact: _Exact | None = None

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``."""
        if self._exact is not None:
            return self._exactly(data)
        if self._tail:
            data = self._tail + data
            self._tail = b""
        parts = data.split(_CRLF)
        if len(parts) == _ONE_CHUNK and _SIZES.get(parts[0]) == len(parts[1]) and not parts[2]:
            return parts[1]  # a model that writes token by token
        pairs = (len(parts) - 1) // 2
        if parts[2 * pairs - 2 : 2 * pairs] == [b"0", b""]:
            pairs -= 1
        payloads = parts[1 : 2 * pairs : 2]
        if list(map(len, payloads)) != list(map(_SIZES.get, parts[0 : 2 * pairs : 2])):
            return self._walk(data)
        tail = _CRLF.join(parts[2 * pairs :])
        return b"".join(payloads) + self._walk(tail) if tail else b"".join(payloads)

    def eof(self) -> None:
        """Refuse an early end."""
        self.ended = True
        self.error = _cut_short("incomplete chunked read")

    def _walk(self, data: bytes) -> bytes:
        payloads: list[bytes] = []
        position = 0
        while (line_end := data.find(_CRLF, position)) >= 0:
            token = data[position:line_end]
            start = line_end + 2
            if token == b"0" and data[start : start + 2] == _CRLF:
                self.ended, self.rest = True, data[start + 2 :]
                return b"".join(payloads)
            size = int(token, 16) if _HEX.fullmatch(token) else 0
            stop = start + size
            if size == 0:
                if token == b"0" and _CRLF.startswith(data[start:]):
                    break  # the very end is cut
                return b"".join(payloads) + self._exactly(data[position:])
            if len(data) < stop + 2 and _CRLF.startswith(data[stop:]):
                here = min(len(data), stop - 1)  # the last byte waits for the CRLF, which may be wrong
                payloads.append(data[start:here])
                self._tail = b"%x\r\n%b" % (stop - here, data[here:])
                return b"".join(payloads)
            if data[stop : stop + 2] != _CRLF:
                return b"".join(payloads) + self._exactly(data[position:])
            payloads.append(data[start:stop])
            position = stop + 2
        tail = data[position:]
        if len(tail) > _LONGEST_LINE:
            payloads.append(self._exactly(tail))
        else:
            self._tail = tail
        return b"".join(payloads)

    def _exactly(self, data: bytes) -> bytes:
        if self._exact is None:
            self._exact = _Exact()
        payload = self._exact.feed(data)
        self.ended, self.error, self.rest = self._exact.ended, self._exact.error, self._exact.rest
        return payload


class _Exact:
    """A chunked body from a chunk's start on, decoded by h11."""

    def __init__(self) -> None:
        self.ended = False
        self.error: httpx.RemoteProtocolError | None = None
        self.rest = b""
        self._h11 = h11.Connection(h11.CLIENT)
        self._h11.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
        self._h11.send(h11.EndOfMessage())
        self._h11.receive_data(_HEAD)
        self._h11.next_event()

    def feed(self, data: bytes) -> bytes:
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


def _cut_short(detail: str) -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError(
        f"peer closed connection without sending complete message body ({detail})"
    )
