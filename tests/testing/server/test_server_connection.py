"""Requests are parsed in any pieces, and malformed ones are refused."""

import pytest

from ollama_rx.testing.server.server_connection import BadRequestError, RequestParser

LENGTH = b'POST /a?b=c HTTP/1.1\r\nX-One: 1\r\nContent-Length: 9\r\n\r\n{"a": 1}\n'
CHUNKED = b'POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4;ext=1\r\n{"a"\r\n5\r\n: 1}\n\r\n0\r\n\r\n'


@pytest.mark.parametrize("sent", [LENGTH, CHUNKED])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_request_can_arrive_in_any_pieces(sent: bytes, size: int) -> None:
    reader = RequestParser(connection=3)
    found = [
        request
        for start in range(0, len(sent), size)
        for request in reader.feed(sent[start : start + size], at=2.0)
    ]
    assert [(request.json, request.body) for request in found] == [({"a": 1}, b'{"a": 1}\n')]
    assert (found[0].at, found[0].connection) == (2.0, 3)


def test_several_requests_can_arrive_at_once() -> None:
    found = RequestParser(1).feed(LENGTH + LENGTH + b"GET / HTTP/1.1\r\n\r\nGET", at=0.0)
    assert [(request.method, request.path, request.query) for request in found] == [
        ("POST", "/a", "b=c"),
        ("POST", "/a", "b=c"),
        ("GET", "/", ""),
    ]


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_a_malformed_request_raises_bad_request_error(sent: bytes) -> None:
    with pytest.raises(BadRequestError, match="cannot parse"):
        RequestParser(1).feed(sent, at=0.0)
