"""A compressed body is decompressed piece by piece, and no further than it is used."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from ollama_rx import Client, IncompleteStreamError, StatusError
from ollama_rx.transport.content_coding import _DecompressedBody, decompressed
from tests.transport.raw_server import DONE, OK, raw_server, replies_with

PIECE = 65536
TRANSPORTS: list[Callable[[], httpx.AsyncBaseTransport | None]] = [lambda: None, httpx.AsyncHTTPTransport]

ours_and_httpx = pytest.mark.parametrize("transport", TRANSPORTS, ids=["ours", "httpx"])


class Body(httpx.AsyncByteStream):
    """A body that counts the reads."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self.reads = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.reads += 1
            yield piece


def read(body: Body, coding: str) -> list[bytes]:
    async def pieces() -> list[bytes]:
        response = decompressed(httpx.Response(200, headers={"content-encoding": coding}, stream=body))
        return [piece async for piece in response.aiter_bytes()]

    return asyncio.run(pieces())


def reply(head: bytes, coding: bytes, body: bytes) -> bytes:
    return head + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (coding, len(body)) + body


@ours_and_httpx
@pytest.mark.parametrize(
    ("coding", "compress"),
    [(b"gzip", gzip.compress), (b"X-GZIP", gzip.compress), (b"deflate", zlib.compress), (b"identity", bytes)],
)
def test_an_answer_is_decompressed(
    coding: bytes,
    compress: Callable[[bytes], bytes],
    transport: Callable[[], httpx.AsyncBaseTransport | None],
) -> None:
    with (
        raw_server(replies_with(reply(OK, coding, compress(DONE)))) as url,
        Client(url, model="m", transport=transport()) as client,
    ):
        assert client.generate("x").run().text == "hello"


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 1_000_003])
@pytest.mark.parametrize("cut", [1, 7, 100_000])
def test_pieces_have_a_bounded_size_and_none_is_lost(size: int, cut: int) -> None:
    text = b"x" * size
    packed = gzip.compress(text)
    pieces = read(Body([packed[at : at + cut] for at in range(0, len(packed), cut)]), "gzip")
    assert b"".join(pieces) == text
    assert max(map(len, pieces), default=0) <= PIECE


@ours_and_httpx
def test_the_body_of_an_error_is_expanded_no_further_than_it_is_kept(
    transport: Callable[[], httpx.AsyncBaseTransport | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    expanded: list[int] = []
    expand = _DecompressedBody._expand

    def record(body: _DecompressedBody, data: bytes) -> Iterator[bytes]:
        for piece in expand(body, data):
            expanded.append(len(piece))
            yield piece

    monkeypatch.setattr(_DecompressedBody, "_expand", record)
    bomb = gzip.compress(b"x" * 20_000_000)
    with (
        raw_server(replies_with(reply(b"HTTP/1.1 500 Oops\r\n", b"gzip", bomb))) as url,
        Client(url, model="m", transport=transport()) as client,
        pytest.raises(StatusError, match="HTTP 500: xxx"),
    ):
        client.generate("x").run()
    assert sum(expanded) <= 2 * PIECE


@pytest.mark.parametrize(
    ("coding", "body", "message"),
    [
        (b"br", b"whatever", "'br', which nobody asked for"),
        (b"gzip, gzip", b"whatever", "'gzip, gzip', which nobody asked for"),
        (b"gzip", gzip.compress(DONE)[:-9], "incomplete"),
        (b"gzip", b"not compressed", "incorrect header check"),
    ],
    ids=["unknown", "two", "cut", "plain"],
)
def test_a_body_that_cannot_be_decompressed_is_an_error(coding: bytes, body: bytes, message: str) -> None:
    for head, kind, shown in (
        (OK, IncompleteStreamError, message),
        (b"HTTP/1.1 502 Bad Gateway\r\n", StatusError, "HTTP 502: "),
    ):
        with (
            raw_server(replies_with(reply(head, coding, body))) as url,
            Client(url, model="m") as client,
            pytest.raises(kind, match=shown),
        ):
            client.version().run()


def test_an_empty_body_is_complete_whatever_its_coding() -> None:
    with raw_server(replies_with(reply(OK, b"gzip", b""))) as url, Client(url, model="m") as client:
        assert client.delete("x").run() is None


def test_nothing_is_read_after_the_end_of_the_compressed_data() -> None:
    body = Body([gzip.compress(b"hello"), b"padding", b"more"])
    assert read(body, "gzip") == [b"hello"]
    assert body.reads == 1
