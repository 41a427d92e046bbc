"""Just enough HTTP/1.1 to serve faults that no web framework would let out."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import cast

from ollama_rx.testing.record import Request


class BadRequestError(ValueError):
    """What the client sent is not a request this server can read."""


class RequestReader:
    r"""Bytes in, whole requests out.

    >>> reader = RequestReader(connection=1)
    >>> reader.feed(b"GET /api/version HT", at=0.0)
    []
    >>> [request] = reader.feed(b"TP/1.1\r\nHost: x\r\n\r\n", at=0.0)
    >>> request.method, request.path, request.headers["host"]
    ('GET', '/api/version', 'x')
    """

    def __init__(self, connection: int) -> None:
        self._connection = connection
        self._buffer = b""

    def feed(self, data: bytes, *, at: float) -> list[Request]:
        """Take bytes, give the requests they complete."""
        self._buffer += data
        found: list[Request] = []
        while (request := self._take(at)) is not None:
            found.append(request)
        return found

    def _take(self, at: float) -> Request | None:
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        try:
            method, target, _version = first.split(" ")
            headers = {
                name.strip().lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)
            }
            framed = _body(rest, headers)
        except ValueError as error:
            raise BadRequestError(f"cannot read this request: {first[:80]!r}") from error
        if framed is None:
            return None
        body, self._buffer = framed
        path, _, query = target.partition("?")
        return Request(
            method=method,
            path=path,
            query=query,
            headers=headers,
            body=body,
            json=_object(body),
            at=at,
            connection=self._connection,
        )


def _body(rest: bytes, headers: dict[str, str]) -> tuple[bytes, bytes] | None:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunked_body(rest)
    length = int(headers.get("content-length", "0"))
    return (rest[:length], rest[length:]) if len(rest) >= length else None


def _chunked_body(rest: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        size_line, separator, rest = rest.partition(b"\r\n")
        if not separator:
            return None
        size = int(size_line.split(b";")[0], 16)
        if len(rest) < size + 2:
            return None
        body += rest[:size]
        rest = rest[size + 2 :]
        if size == 0:
            return body, rest


def _object(body: bytes) -> dict[str, object]:
    try:
        value: object = json.loads(body)
    except ValueError:
        return {}
    return cast(dict[str, object], value) if isinstance(value, dict) else {}


def head(status: int, headers: Iterable[tuple[str, str]] = ()) -> bytes:
    """Draw the head of a response up to and with its empty line."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(payload: bytes) -> bytes:
    """Frame one HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


LAST_CHUNK = b"0\r\n\r\n"
