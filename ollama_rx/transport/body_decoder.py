"""Decoders of a response body: chunked, of a known length, or up to the end of the connection.

A decoder is fed the bytes of each read and returns the payload in them. ``ended`` is true after the end of
the body; ``error`` is then set if the body is broken or incomplete, and ``rest`` holds the bytes after it.
"""

import re
from typing import TYPE_CHECKING, Protocol

import httpx

from ollama_rx.transport.message_head import ResponseHead

if TYPE_CHECKING:
    from ollama_rx.transport.h11_fallback import H11BodyDecoder

_CRLF = b"\r\n"
_HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
_ONE_CHUNK = 3  # parts of a single chunk split at CRLF: size, payload, and nothing after the last CRLF
_MAX_SIZE_LINE = 16  # bytes of an incomplete size line that are kept; h11 decides about a longer one
_PLAIN_SIZE = re.compile(rb"[1-9a-f][0-9a-f]{0,2}|[1-9A-F][0-9A-F]{0,2}")


class _Sizes(dict[bytes, int]):
    """Sizes of HTTP chunks by their size line; -1 if it is not plain, or the size is 4 KiB or more."""

    def __missing__(self, line: bytes) -> int:
        if not _PLAIN_SIZE.fullmatch(line):
            return -1
        size = self[line] = int(line, 16)
        return size


_SIZES = _Sizes()  # filled with the few sizes that occur


class BodyDecoder(Protocol):
    """An incremental body decoder."""

    ended: bool
    error: httpx.RemoteProtocolError | None
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``."""
        ...

    def feed_eof(self) -> None:
        """Handle the end of the connection, which is an error if the body is incomplete."""
        ...


def decoder_for(response: ResponseHead, method: str) -> BodyDecoder:
    """Choose the decoder for a response, by RFC 9112 section 6.3."""
    headers = dict(response.headers)
    if method == "HEAD" or response.status in {204, 304}:
        return LengthDecoder(0)
    if b"transfer-encoding" in headers:
        return ChunkedDecoder()  # the head parser refuses everything but "chunked"
    if b"content-length" in headers:
        return LengthDecoder(int(headers[b"content-length"]))
    return UntilCloseDecoder()


class LengthDecoder:
    """A body of a known length in bytes."""

    error: httpx.RemoteProtocolError | None = None

    def __init__(self, length: int) -> None:
        self._remaining = length
        self.ended = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``."""
        payload, self.rest = data[: self._remaining], data[self._remaining :]
        self._remaining -= len(payload)
        self.ended = self._remaining == 0
        return payload

    def feed_eof(self) -> None:
        """Report an incomplete body."""
        self.ended = True
        self.error = _incomplete(f"{self._remaining} bytes are missing")


class UntilCloseDecoder:
    """A body that ends with the connection."""

    error: httpx.RemoteProtocolError | None = None

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``: all of it."""
        return data

    def feed_eof(self) -> None:
        """End the body."""
        self.ended = True


class ChunkedDecoder:
    """A chunked body, decoded in bulk.

    A read of whole, plain HTTP chunks takes a few calls into C, however many they are: it is split
    at CRLF, then all lengths are compared with all announced sizes. A CRLF inside a payload makes that
    comparison fail, never succeed wrongly. A read that fails it is decoded chunk by chunk. From the first
    chunk on that is not plain (an extension, a trailer, a padded size, an error), h11 decodes the whole rest.
    The part of an incomplete chunk that has arrived is returned; the rest is decoded as a chunk of its own.
    """

    __slots__ = ("_fallback", "_tail", "ended", "error", "rest")

    def __init__(self) -> None:
        self.ended = False
        self.error: httpx.RemoteProtocolError | None = None
        self.rest = b""
        self._tail = b""
        self._fallback: H11BodyDecoder | None = None

    def feed(self, data: bytes) -> bytes:
        """Return the payload in ``data``."""
        if self._fallback is not None:
            return self._feed_h11(data)
        if self._tail:
            data = self._tail + data
            self._tail = b""
        parts = data.split(_CRLF)
        if len(parts) == _ONE_CHUNK and _SIZES[parts[0]] == len(parts[1]) and not parts[2]:
            return parts[1]  # a model that writes token by token
        pairs = (len(parts) - 1) // 2
        if parts[2 * pairs - 2 : 2 * pairs] == [b"0", b""]:
            pairs -= 1
        payloads = parts[1 : 2 * pairs : 2]
        if list(map(len, payloads)) != list(map(_SIZES.__getitem__, parts[0 : 2 * pairs : 2])):
            return self._feed_by_chunk(data)
        tail = _CRLF.join(parts[2 * pairs :])
        return b"".join(payloads) + self._feed_by_chunk(tail) if tail else b"".join(payloads)

    def feed_eof(self) -> None:
        """Report an incomplete body."""
        self.ended = True
        self.error = _incomplete("incomplete chunked read")

    def _feed_by_chunk(self, data: bytes) -> bytes:
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
                    break  # the last chunk is incomplete
                return b"".join(payloads) + self._feed_h11(data[position:])
            if len(data) < stop + 2 and _CRLF.startswith(data[stop:]):
                here = min(len(data), stop - 1)  # hold the last byte until its CRLF is known to be right
                payloads.append(data[start:here])
                self._tail = b"%x\r\n%b" % (stop - here, data[here:])
                return b"".join(payloads)
            if data[stop : stop + 2] != _CRLF:
                return b"".join(payloads) + self._feed_h11(data[position:])
            payloads.append(data[start:stop])
            position = stop + 2
        tail = data[position:]
        if len(tail) > _MAX_SIZE_LINE:
            payloads.append(self._feed_h11(tail))
        else:
            self._tail = tail
        return b"".join(payloads)

    def _feed_h11(self, data: bytes) -> bytes:
        if self._fallback is None:
            from ollama_rx.transport import h11_fallback  # noqa: PLC0415 - h11 takes 20 ms to load

            self._fallback = h11_fallback.H11BodyDecoder()
        payload = self._fallback.feed(data)
        self.ended, self.error, self.rest = self._fallback.ended, self._fallback.error, self._fallback.rest
        return payload


def _incomplete(detail: str) -> httpx.RemoteProtocolError:
    return httpx.RemoteProtocolError(
        f"peer closed connection without sending complete message body ({detail})"
    )
