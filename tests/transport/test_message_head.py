"""Plain heads are read and written exactly as h11 does it; all others are h11's."""

import h11
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ollama_rx.transport.message_head import (
    HeadParser,
    ResponseHead,
    encode_head,
    encode_request,
    parse_plain_head,
)

OLLAMA = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nDate: Thu, 26 Nov 2026 14:00:00 GMT\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def read_by_h11(data: bytes) -> tuple[ResponseHead | None, bytes]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    event = connection.next_event()
    if not isinstance(event, h11.Response):
        return None, b""
    head = ResponseHead(event.status_code, event.reason, event.http_version, list(event.headers))
    return head, connection.trailing_data[0]


def written_by_h11(request: httpx.Request, content: bytes) -> bytes:
    connection = h11.Connection(h11.CLIENT)
    first = h11.Request(
        method=request.method.encode(), target=request.url.raw_path, headers=request.headers.raw
    )
    events: list[h11.Event] = [first, *([h11.Data(data=content)] if content else []), h11.EndOfMessage()]
    return b"".join(connection.send(event) or b"" for event in events)


def test_the_head_that_ollama_sends_is_plain() -> None:
    head, rest = parse_plain_head(OLLAMA + b"5\r\nhello\r\n")
    assert head is not None
    assert head == read_by_h11(OLLAMA)[0]
    assert rest == b"5\r\nhello\r\n"


LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 404 Not Found\r\n",
        b"HTTP/1.1 500 \r\n",
        b"HTTP/1.1 204\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/2 200 OK\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: -5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: Chunked\r\n",
        b"transfer-encoding: gzip, chunked\r\n",
        b"Connection: keep-alive, Close\r\n",
        b"X-Empty:\r\n",
        b"X-Tab:\ta\tb\t\r\n",
        b"X-Latin: caf\xe9\r\n",
        b" folded\r\n",
        b"X-Bad : 1\r\n",
        b"X(y): 1\r\n",
        b"no colon\r\n",
        b"X-Nul: a\0b\r\n",
        b"X-Feed: a\nY: b\r\n",
        b"X-Return: a\rb\r\n",
        b"\r\n",
        b"\n",
        b"rest",
    ]
)


@given(st.lists(LINES, min_size=1, max_size=7), st.booleans())
@example([b"HTTP/1.1 200 OK\r\n", b"X-Empty:\r\n", b"\r\n", b"rest"], False)  # noqa: FBT003
@example([b"HTTP/1.1 200 OK\r\n", b"X-Feed: a\nY: b\r\n", b"\r\n"], False)  # noqa: FBT003
def test_a_plain_head_reads_as_h11_reads_it(lines: list[bytes], complete: bool) -> None:  # noqa: FBT001
    data = b"".join([b"HTTP/1.1 200 OK\r\n", *lines, b"\r\n"] if complete else lines)
    head, rest = parse_plain_head(data)
    if head is not None:
        assert (head, rest) == read_by_h11(data)


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
    ],
)
def test_unusual_framing_is_left_to_h11(framing: bytes) -> None:
    assert parse_plain_head(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\nrest") == (None, b"")


@given(st.integers(1, len(OLLAMA) - 1))
def test_a_head_in_two_reads_is_the_same(cut: int) -> None:
    parser = HeadParser()
    assert parser.feed(OLLAMA[:cut]) is None
    assert parser.feed(OLLAMA[cut:] + b"rest") == parse_plain_head(OLLAMA)[0]
    assert parser.rest == b"rest"


def test_informational_responses_come_before_the_head() -> None:
    parser = HeadParser()
    assert parser.feed(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n") is None
    head = parser.feed(OLLAMA)
    assert head is not None
    assert head.status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"no HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX(y): 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    ],
)
def test_bytes_that_are_not_a_response_are_an_error(data: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        HeadParser().feed(data)


@pytest.mark.parametrize(
    ("method", "content", "headers"),
    [
        ("GET", b"", {}),
        ("POST", b'{"model":"m"}', {"content-type": "application/json"}),
        ("DELETE", b"x", {}),
    ],
)
def test_a_request_is_written_as_h11_writes_it(method: str, content: bytes, headers: dict[str, str]) -> None:
    url = "http://127.0.0.1:11434/api/a%20b?c=d"
    request = httpx.Request(method, url, headers=headers, content=content or None)
    assert encode_request(request, content) == written_by_h11(request, content)


def test_a_request_without_a_length_is_chunked() -> None:
    request = httpx.Request("POST", "http://h/", headers={"transfer-encoding": "chunked"})
    assert encode_request(request, b"Hi").endswith(b"\r\n\r\n2\r\nHi\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "header", [("x", "a\r\nb: c"), ("x y", "1"), ("x", "a\0b"), ("content-length", "one")]
)
def test_a_request_that_http_does_not_allow_is_refused(header: tuple[str, str]) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        encode_request(httpx.Request("GET", "http://h/", headers=[header]), b"")


@pytest.mark.parametrize(
    ("method", "target", "header"),
    [
        ("GET", b"/", (b"x", b"a\r\nb: c")),
        ("GET", b"/", (b"x\r\ny", b"1")),
        ("GET", b"/a b", (b"x", b"1")),
        ("GET", b"/a\r\nx: y", (b"x", b"1")),
        ("G T", b"/", (b"x", b"1")),
        ("GET", b"/", (b"x", b"caf\xe9")),
    ],
)
def test_a_head_that_is_not_plain_is_refused(method: str, target: bytes, header: tuple[bytes, bytes]) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        encode_head(method, target, [(b"Host", b"h"), header])
