"""Encode and parse heads of HTTP/1.1 messages: plain ones in a few calls into C, all others with h11.

Nearly every head is plain. What the patterns here do not match (other versions, informational responses,
folded lines, repeated framing headers, a head that is cut by a read, errors) is left to h11, which decides
exactly.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import httpx

if TYPE_CHECKING:
    from ollama_rx.transport.h11_fallback import H11HeadParser

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2
_FIELDS = rb"((?:%b:[\t -~]*\r\n)*)" % _TOKEN
_REQUEST = re.compile(rb"%b [!-~]+ HTTP/1\.1\r\n%b" % (_TOKEN, _FIELDS))
_RESPONSE = re.compile(rb"HTTP/1\.1 ([2-5]\d\d) ([\t -~]*)\r\n%b\r\n" % _FIELDS)
_LENGTH = re.compile(rb"\d{1,20}")
_FRAMING = (b"transfer-encoding", b"content-length")


class ResponseHead(NamedTuple):
    """The head of a response; header names are in lower case."""

    status: int
    reason: bytes
    http_version: bytes
    headers: list[tuple[bytes, bytes]]

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header."""
        return [value for key, value in self.headers if key == name]


def encode_head(method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the head of a request without the empty line at its end, so that headers can be appended.

    Raises:
        httpx.LocalProtocolError: the method, the target or a header contains, for instance, a line break.
    """
    fields = [b"%b: %b\r\n" % header for header in headers]
    head = b"%b %b HTTP/1.1\r\n%b" % (method.encode(), target, b"".join(fields))
    if _REQUEST.fullmatch(head) is None or head.count(b"\r\n") != len(fields) + 1:
        raise httpx.LocalProtocolError("HTTP does not allow this method, URL or header")
    return head


def encode_request(request: httpx.Request, content: bytes) -> bytes:
    """Return the bytes of an httpx request.

    Raises:
        httpx.LocalProtocolError: HTTP does not allow the request.
    """
    headers = request.headers.raw
    framing = [header for header in headers if header[0].lower() in _FRAMING]
    if framing == [(b"Content-Length", b"%d" % len(content))] or not (framing or content):
        return encode_head(request.method, request.url.raw_path, headers) + b"\r\n" + content
    from ollama_rx.transport import h11_fallback  # noqa: PLC0415 - h11 takes 20 ms to load, and is rarely needed

    return h11_fallback.encode_request(request.method.encode(), request.url.raw_path, headers, content)


class HeadParser:
    """Reads the head of one response."""

    __slots__ = ("_fallback", "rest")

    def __init__(self) -> None:
        self.rest = b""  # the bytes after the head
        self._fallback: H11HeadParser | None = None

    def feed(self, data: bytes) -> ResponseHead | None:
        """Take bytes; return the head once it is complete.

        Raises:
            httpx.RemoteProtocolError: the bytes are not a response that HTTP allows.
        """
        if self._fallback is None:
            head, self.rest = parse_plain_head(data)
            if head is not None:
                return head
            from ollama_rx.transport import h11_fallback  # noqa: PLC0415 - as above

            self._fallback = h11_fallback.H11HeadParser()
        head = self._fallback.feed(data)
        self.rest = self._fallback.rest
        return head


def parse_plain_head(data: bytes) -> tuple[ResponseHead | None, bytes]:
    r"""Return a plain head at the beginning of ``data`` and what follows it; None if it is not plain.

    >>> head, rest = parse_plain_head(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHi")
    >>> head.status, head.headers, rest
    (200, [(b'content-length', b'2')], b'Hi')
    """
    match = _RESPONSE.match(data)
    if match is None:
        return None, b""
    headers: list[tuple[bytes, bytes]] = []
    framing: list[tuple[bytes, bytes]] = []
    for line in match[3].split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        header = (name.lower(), value.strip(b"\t "))
        headers.append(header)
        if header[0] in _FRAMING:
            framing.append(header)
    if framing and not _is_plain_framing(framing):
        return None, b""
    return ResponseHead(int(match[1]), match[2], b"1.1", headers), data[match.end() :]


def _is_plain_framing(framing: list[tuple[bytes, bytes]]) -> bool:
    if len(framing) > 1:
        return False  # repeated or contradicting headers
    [(name, value)] = framing
    if name == b"content-length":
        return _LENGTH.fullmatch(value) is not None
    return value == b"chunked"
