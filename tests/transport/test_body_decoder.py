"""Bodies end as RFC 9112 defines; the bulk decoder agrees with h11 on any bytes, cut anywhere."""

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
from ollama_rx.transport.message_head import ResponseHead

RUNS = int(os.environ.get("OLLAMA_RX_FUZZ", "12000"))


def response(*headers: tuple[str, str], status: int = 200, http_version: bytes = b"1.1") -> ResponseHead:
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
    return ResponseHead(status, b"OK", http_version, encoded)


CHUNKED = ("Transfer-Encoding", "chunked")


@pytest.mark.parametrize(
    ("head", "method", "expected"),
    [
        (response(CHUNKED), "POST", ChunkedDecoder),
        (response(CHUNKED, http_version=b"1.0"), "POST", ChunkedDecoder),
        (response(("Content-Length", "5")), "POST", LengthDecoder),
        (response(), "POST", UntilCloseDecoder),
        (response(CHUNKED), "HEAD", LengthDecoder),
        (response(status=204), "POST", LengthDecoder),
        (response(("Content-Length", "5"), status=304), "GET", LengthDecoder),
    ],
)
def test_the_head_determines_the_decoder(
    head: ResponseHead, method: str, expected: type[BodyDecoder]
) -> None:
    assert type(decoder_for(head, method)) is expected


def test_the_response_to_a_head_request_has_no_body_whatever_its_content_length() -> None:
    assert decoder_for(response(("Content-Length", "5")), "HEAD").ended


def test_a_body_of_known_length_ends_there_and_keeps_the_rest() -> None:
    decoder = LengthDecoder(5)
    assert (decoder.feed(b"he"), decoder.ended) == (b"he", False)
    assert (decoder.feed(b"lloNEXT"), decoder.ended, decoder.rest) == (b"llo", True, b"NEXT")


def test_the_error_of_an_incomplete_body_of_known_length_names_the_missing_bytes() -> None:
    decoder = LengthDecoder(5)
    decoder.feed(b"he")
    decoder.feed_eof()
    assert decoder.ended
    assert "3 bytes are missing" in str(decoder.error)


def test_a_body_without_a_length_ends_with_the_connection() -> None:
    decoder = UntilCloseDecoder()
    assert (decoder.feed(b"anything"), decoder.ended) == (b"anything", False)
    decoder.feed_eof()
    assert decoder.ended


def test_a_chunked_body_must_not_end_with_the_connection() -> None:
    decoder = ChunkedDecoder()
    decoder.feed(b"5\r\nhello\r\n")
    decoder.feed_eof()
    assert decoder.ended
    assert "incomplete chunked read" in str(decoder.error)


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
    decoder = ChunkedDecoder()
    found = b""
    for start in range(0, len(wire), size):
        found += decoder.feed(wire[start : start + size])
        if decoder.ended:
            break
    assert (found, decoder.ended) == (payload, True)
    assert rest.startswith(decoder.rest)


@pytest.mark.parametrize(
    "wire",
    [b"x\r\n", b"5\r\nhelloXX", b"5\r\nhelloX", b"-1\r\n", b"\r\n", b"5;\nx\r\n", b"9" * 21 + b"\r\n"],
)
def test_a_malformed_chunk_is_refused(wire: bytes) -> None:
    decoder = ChunkedDecoder()
    decoder.feed(wire)
    assert decoder.ended
    assert isinstance(decoder.error, httpx.RemoteProtocolError)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1 << 20])
def test_the_payload_before_a_malformed_chunk_is_returned_however_it_is_cut(size: int) -> None:
    decoder = ChunkedDecoder()
    wire = b"3\r\nHel\r\n2\r\nlo\r\nzz\r\n"
    found = b""
    for start in range(0, len(wire), size):
        assert not decoder.ended
        found += decoder.feed(wire[start : start + size])
        if decoder.ended:
            break
    assert (found, decoder.error is None) == (b"Hello", False)


def test_the_part_of_a_long_chunk_that_has_arrived_is_returned_at_once() -> None:
    decoder = ChunkedDecoder()
    assert decoder.feed(b"8000\r\n" + b"line\n" * 10) == b"line\n" * 10
    assert decoder.feed(b"line\n") == b"line\n"


def test_an_endless_size_line_is_refused() -> None:
    assert decode([b"1" * 1000] * 100).refused


class Outcome(NamedTuple):
    """The result of decoding a body."""

    payload: bytes
    ended: bool
    refused: bool
    rest: bytes


def decode(pieces: Sequence[bytes]) -> Outcome:
    decoder, found = ChunkedDecoder(), b""
    for piece in pieces:
        found += decoder.feed(piece)
        if decoder.error is not None:
            return Outcome(found, ended=False, refused=True, rest=b"")
        if decoder.ended:
            break
    return Outcome(found, decoder.ended, refused=False, rest=decoder.rest)


def decode_with_h11(pieces: Sequence[bytes]) -> Outcome:
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


SIZES = (1, 1, 2, 2, 3, 3, 9, 9, 16, 16, 17, 257)  # one, two and three digits; short ones cost less to check
BYTES = b"\r\n\r\n0123456789abcdefABCDEFxyz;: \x00\xff"


def chunked_body(chance: random.Random) -> bytes:
    wire = b""
    for size in [chance.choice(SIZES) for _ in range(chance.randrange(5))]:
        payload = bytes(chance.choices(BYTES if chance.random() < 0.5 else b"abc", k=size))
        form = chance.choice((b"%x", b"%x", b"%x", b"%X", b"%04x", b"%x;e", b"%x \t"))
        wire += form % size + b"\r\n" + payload + b"\r\n"
    ending = chance.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"00\r\n\r\n", b"0\r\nA: b\r\n\r\n", b"0\r\n\n", b""))
    return wire + ending + chance.choice((b"", b"", b"HTTP/1.1 200 OK\r\n\r\n", b"\r\n"))


def position(wire: bytes, chance: random.Random) -> int:
    """Choose any position, half of the time one around a CRLF, where a decoder is most likely to be wrong."""
    found = wire.find(b"\r\n", chance.randrange(len(wire) + 1))
    if found < 0 or chance.random() < 0.5:
        return chance.randrange(len(wire) + 1)
    return found + chance.randrange(3)


def mutated(wire: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        start = position(wire, chance)
        match chance.randrange(5):
            case 0:
                wire = wire[:start]
            case 1:
                wire = wire[:start] + bytes([chance.choice(BYTES)]) + wire[start + 1 :]
            case 2:
                wire = wire[:start] + wire[start + chance.randrange(4) :]
            case 3:
                wire = wire[:start] + bytes(chance.choices(BYTES, k=chance.randrange(4))) + wire[start:]
            case _:
                wire = wire[:start] + wire[start : start + chance.randrange(9)] + wire[start:]
    return wire


def cut(wire: bytes, chance: random.Random) -> list[bytes]:
    count = chance.choice((0, 0, 1, 2, 5, len(wire)))
    stops = sorted(position(wire, chance) for _ in range(count))
    pieces = [wire[start:stop] for start, stop in zip([0, *stops], [*stops, len(wire)], strict=True)]
    return [piece for piece in pieces if piece]


def test_any_bytes_cut_anywhere_are_decoded_or_refused_as_h11_does() -> None:
    for seed in range(RUNS):
        chance = random.Random(seed)  # noqa: S311 - test data
        pieces = cut(mutated(chunked_body(chance), chance), chance)
        actual, expected = decode(pieces), decode_with_h11(pieces)
        assert actual[1:] == expected[1:], (seed, pieces)
        assert expected.payload.startswith(actual.payload), (seed, pieces)
        if actual.ended:
            assert actual.payload == expected.payload, (seed, pieces)
        else:
            # the last byte of a chunk is held until its CRLF arrives
            assert len(expected.payload) - len(actual.payload) <= 1, (seed, pieces)
