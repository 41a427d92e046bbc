"""Bodies end where RFC 9112 says; the bulk decoder agrees with h11 on anything, cut anywhere."""

import os
import random
from collections.abc import Sequence
from typing import NamedTuple

import h11
import httpx
import pytest

from ollama_rx.transport.body_decoder import (
    BodyDecoder,
    ChunkedDecoder,
    LengthDecoder,
    UntilCloseDecoder,
    decoder_for,
)

RUNS = int(os.environ.get("OLLAMA_RX_FUZZ", "20000"))


def response(
    *headers: tuple[str, str], status: int = 200, http_version: bytes | str = b"1.1"
) -> h11.Response:
    return h11.Response(status_code=status, headers=list(headers), http_version=http_version)


CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize(
    ("head", "method", "expected"),
    [
        (response(CHUNKED), b"POST", ChunkedDecoder),
        (response(CHUNKED, http_version=b"1.0"), b"POST", ChunkedDecoder),
        (response(("Content-Length", "5")), b"POST", LengthDecoder),
        (response(), b"POST", UntilCloseDecoder),
        (response(CHUNKED), b"HEAD", LengthDecoder),
        (response(status=204), b"POST", LengthDecoder),
        (response(("Content-Length", "5"), status=304), b"GET", LengthDecoder),
    ],
)
def test_the_head_says_how_the_body_ends(
    head: h11.Response, method: bytes, expected: type[BodyDecoder]
) -> None:
    assert type(decoder_for(head, method)) is expected


def test_a_head_request_has_an_empty_body_whatever_its_length_says() -> None:
    assert decoder_for(response(("Content-Length", "5")), b"HEAD").ended


def test_a_body_of_known_length_ends_there_and_keeps_the_rest() -> None:
    body = LengthDecoder(5)
    assert (body.feed(b"he"), body.ended) == (b"he", False)
    assert (body.feed(b"lloNEXT"), body.ended, body.rest) == (b"llo", True, b"NEXT")


def test_a_body_of_known_length_says_how_much_is_missing() -> None:
    body = LengthDecoder(5)
    body.feed(b"he")
    body.feed_eof()
    assert body.ended
    assert "3 bytes are missing" in str(body.error)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    body = UntilCloseDecoder()
    assert (body.feed(b"anything"), body.ended) == (b"anything", False)
    body.feed_eof()
    assert body.ended


def test_a_chunked_body_must_not_end_with_the_connection() -> None:
    body = ChunkedDecoder()
    body.feed(b"5\r\nhello\r\n")
    body.feed_eof()
    assert body.ended
    assert "incomplete chunked read" in str(body.error)


@pytest.mark.parametrize(
    ("wire", "payload", "rest"),
    [
        (b"5\r\nhello\r\n0\r\n\r\n", b"hello", b""),
        (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world", b""),
        (b"0\r\n\r\n", b"", b""),
        (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n", b""),
        (b"A\r\n0123456789\r\n0\r\n\r\nHTTP/1.1", b"0123456789", b"HTTP/1.1"),
        (b"1\r\nx\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", b"x", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"005\r\nhello\r\n00\r\n\r\n", b"hello", b""),
        (b"5;name=value\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", b"hello", b""),
        (b"5\r\nhello\r\n0\r\nTrailer: x\r\n\r\nmore", b"hello", b"more"),
        (b"1388\r\n" + b"x" * 5000 + b"\r\n0\r\n\r\n", b"x" * 5000, b""),
        (b"20000\r\n" + b"x" * 0x20000 + b"\r\n0\r\n\r\n", b"x" * 0x20000, b""),
        (b"aB\r\n" + b"x" * 0xAB + b"\r\n0\r\n\r\n", b"x" * 0xAB, b""),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_a_chunked_body_is_its_payload_however_it_is_cut(
    wire: bytes, payload: bytes, rest: bytes, size: int
) -> None:
    body = ChunkedDecoder()
    found = b""
    for start in range(0, len(wire), size):
        found += body.feed(wire[start : start + size])
        if body.ended:
            break
    assert (found, body.ended) == (payload, True)
    assert rest.startswith(body.rest)


@pytest.mark.parametrize(
    "wire",
    [b"x\r\n", b"5\r\nhelloXX", b"5\r\nhelloX", b"-1\r\n", b"\r\n", b"5;\nx\r\n", b"9" * 21 + b"\r\n"],
)
def test_what_is_no_chunk_is_refused(wire: bytes) -> None:
    body = ChunkedDecoder()
    body.feed(wire)
    assert body.ended
    assert isinstance(body.error, httpx.RemoteProtocolError)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_what_stands_before_a_broken_chunk_arrives_however_it_is_cut(size: int) -> None:
    body = ChunkedDecoder()
    wire = b"3\r\nHel\r\n2\r\nlo\r\nzz\r\n"
    found = b""
    for start in range(0, len(wire), size):
        assert not body.ended
        found += body.feed(wire[start : start + size])
        if body.ended:
            break
    assert (found, body.error is None) == (b"Hello", False)


def test_what_has_arrived_of_a_long_chunk_does_not_wait_for_the_rest() -> None:
    body = ChunkedDecoder()
    assert body.feed(b"8000\r\n" + b"line\n" * 10) == b"line\n" * 10
    assert body.feed(b"line\n") == b"line\n"


def test_a_size_that_never_ends_is_not_kept_for_ever() -> None:
    assert ours([b"1" * 1000] * 100).refused


class Outcome(NamedTuple):
    payload: bytes
    ended: bool
    refused: bool
    rest: bytes


def ours(pieces: Sequence[bytes]) -> Outcome:
    body, found = ChunkedDecoder(), b""
    for piece in pieces:
        found += body.feed(piece)
        if body.error is not None:
            return Outcome(found, ended=False, refused=True, rest=b"")
        if body.ended:
            break
    return Outcome(found, body.ended, refused=False, rest=body.rest)


def of_h11(pieces: Sequence[bytes]) -> Outcome:
    machine, found = h11.Connection(h11.CLIENT), b""
    machine.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    machine.send(h11.EndOfMessage())
    machine.receive_data(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    machine.next_event()
    for piece in pieces:
        machine.receive_data(piece)
        try:
            while isinstance(event := machine.next_event(), h11.Data):
                found += event.data
        except h11.RemoteProtocolError:
            return Outcome(found, ended=False, refused=True, rest=b"")
        if isinstance(event, h11.EndOfMessage):
            return Outcome(found, ended=True, refused=False, rest=machine.trailing_data[0])
    return Outcome(found, ended=False, refused=False, rest=b"")


BYTES = b"\r\n\r\n0123456789abcdefABCDEFxyz;: \x00\xff"


def a_body(chance: random.Random) -> bytes:
    sizes = [chance.choice((1, 2, 3, 9, 16, 100, 300)) for _ in range(chance.randrange(5))]
    found = b""
    for size in sizes:
        payload = bytes(chance.choices(BYTES if chance.random() < 0.5 else b"abc", k=size))
        form = chance.choice((b"%x", b"%x", b"%x", b"%X", b"%04x", b"%x;e", b"%x \t"))
        found += form % size + b"\r\n" + payload + b"\r\n"
    ending = chance.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"00\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"0\r\n\n", b""))
    return found + ending + chance.choice((b"", b"", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n"))


def mutated(wire: bytes, chance: random.Random) -> bytes:
    found = bytearray(wire)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        place = chance.randrange(len(found) + 1)
        match chance.randrange(4):
            case 0:
                found[place : place + 1] = bytes([chance.choice(BYTES)])
            case 1:
                del found[place : place + chance.randrange(4)]
            case 2:
                found[place:place] = bytes(chance.choices(BYTES, k=chance.randrange(4)))
            case _:
                found[place:place] = found[place : place + chance.randrange(9)]
    return bytes(found)


def cut(wire: bytes, chance: random.Random) -> list[bytes]:
    count = chance.choice((0, 0, 1, 2, 5, len(wire)))
    places = sorted(chance.choices(range(len(wire) + 1), k=count))
    return [wire[start:stop] for start, stop in zip([0, *places], [*places, len(wire)], strict=True)]


def test_any_bytes_cut_anywhere_are_decoded_or_refused_as_h11_does() -> None:
    for seed in range(RUNS):
        chance = random.Random(seed)  # noqa: S311 - a test's dice
        pieces = [piece for piece in cut(mutated(a_body(chance), chance), chance) if piece]
        found, expected = ours(pieces), of_h11(pieces)
        assert found[1:] == expected[1:], (seed, pieces)
        assert expected.payload.startswith(found.payload), (seed, pieces)
        if found.ended:
            assert found.payload == expected.payload, (seed, pieces)
        else:
            # the last byte of a chunk waits for its CRLF
            assert len(expected.payload) - len(found.payload) <= 1, (seed, pieces)
