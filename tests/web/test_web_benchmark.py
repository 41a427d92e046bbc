"""The arithmetic of ``python -m benchmarks web``; how large its figures are is measured there, not here."""

import socket
from dataclasses import replace

from benchmarks.goals import above, percent_of
from benchmarks.web.load import WARM_UP, Load, Stamps, made_at
from benchmarks.web.readers import Reader

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LOAD = Load(readers=1, events=WARM_UP + 1, source="")


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


def test_an_event_is_complete_when_its_last_byte_has_come() -> None:
    first, second = b"event: text\ndata: 1\n\n", b"event: text\ndata: 2\n\n"
    response = HEAD + chunk(b":\n\n") + chunk(first + second) + chunk(b"event: done\ndata: {}\n\n")
    with socket.socket() as connection:
        reader = Reader(connection, [(float(at), bytes([byte])) for at, byte in enumerate(response)])
        events = list(reader.events())

    chunk_ends = len(HEAD + chunk(b":\n\n") + chunk(first + second)) - 1
    assert events == [(chunk_ends, first[:-2]), (chunk_ends, second[:-2])]


def test_a_text_tells_when_it_was_made() -> None:
    text = Stamps(LOAD, streams=1).text()

    assert made_at(b'data: {"text":"%b"}' % text.encode()) * 1e6 == int(text.split()[0])


def test_texts_have_the_padding_that_was_asked_for() -> None:
    text = Stamps(LOAD, streams=1).text()

    assert len(Stamps(replace(LOAD, padding=100), streams=1).text()) == len(text) + 100


def test_the_processor_time_is_that_after_the_warm_up() -> None:
    stamps = Stamps(LOAD, streams=2)
    for _ in range(2 * WARM_UP - 1):
        stamps.text()
    assert stamps.cpu == 0

    stamps.text()
    assert stamps.cpu < 0

    for _ in range(2):
        stamps.text()
    assert stamps.cpu >= 0


def test_goals_compare_within_a_round() -> None:
    rounds = [
        {"ours": {"ms": 5.0, "arrived": 9.0, "expected": 10.0}, "echo": {"ms": 4.0}},
        {"ours": {"ms": 8.0, "arrived": 10.0, "expected": 10.0}, "echo": {"ms": 5.0}},
        {"ours": {"ms": 7.0, "arrived": 10.0, "expected": 10.0}},
    ]

    assert above("ours", "echo", "ms")(rounds) == 2.0
    assert percent_of("ours", "arrived", "expected")(rounds) == 90.0
    assert above("ours", "echo", "ms")([]) is None
    assert percent_of("ours", "arrived", "expected")([]) is None
