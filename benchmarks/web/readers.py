"""Many readers on raw sockets, cheaper than any server; prints a JSON object of figures.

``python -m benchmarks.web.readers PORT JSON``
"""

import json
import selectors
import socket
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic

from benchmarks.clients.floor import HEAD_END, decode
from benchmarks.speech.percentile import percentile
from benchmarks.web.load import WARM_UP, made_at
from benchmarks.worker import raise_file_limit

_REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n"
_OPENING_END = b"\n\n\r\n"  # of what a reader is sent at once
_LAST_CHUNK = b"0\r\n\r\n"
_SMALL_BUFFER = 4096  # bytes that the kernel keeps for a reader that does not read


@dataclass(slots=True)
class Reader:
    """A connection, and what came when; it is understood after the measurement."""

    connection: socket.socket
    received: list[tuple[float, bytes]] = field(default_factory=list)

    def events(self) -> Iterator[tuple[float, bytes]]:
        """Yield each event with text, and when it was complete."""
        encoded = text = b""
        is_body = False
        for moment, data in self.received:
            encoded += data
            if not is_body:
                _, end, rest = encoded.partition(HEAD_END)
                if not end:
                    continue
                is_body, encoded = True, rest
            payload, encoded, _ = decode(encoded)
            *frames, text = (text + payload).split(b"\n\n")
            for frame in frames:
                if b"event: text\n" in frame:
                    yield moment, frame


def connect(port: int, count: int, buffer: int = 0) -> list[Reader]:
    """Open connections, each with its request sent."""
    readers = []
    for _ in range(count):
        connection = socket.socket()
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.connect(("127.0.0.1", port))
        connection.sendall(_REQUEST)
        readers.append(Reader(connection))
    return readers


def receive(readers: list[Reader], seconds: float, end: bytes) -> None:
    """Receive until each reader has got data with this end, or the time is over."""
    selector = selectors.DefaultSelector()
    for reader in readers:
        selector.register(reader.connection, selectors.EVENT_READ, reader)
    deadline = monotonic() + seconds
    missing = len(readers)
    while missing and (left := deadline - monotonic()) > 0:
        for key, _ in selector.select(left):
            data = key.data.connection.recv(65536)
            key.data.received.append((monotonic(), data))
            if not data or data.endswith(end):
                selector.unregister(key.data.connection)
                missing -= 1


def load(port: int, *, readers: int, stalled: int, events: int, seconds: float) -> dict[str, float]:
    """Read all streams to the end, beside some readers that never read."""
    never_read = connect(port, stalled, _SMALL_BUFFER)
    reading = connect(port, readers)
    receive(reading, seconds, _LAST_CHUNK)
    figures = _figures(port)
    arrived, wrong, late = 0, 0, []
    for reader in reading:
        for number, (moment, frame) in enumerate(reader.events(), 1):
            arrived += 1
            wrong += not frame.partition(b"\n")[0].endswith(b"-%d" % number)
            if number > WARM_UP:
                late.append(moment - made_at(frame))
    for reader in never_read:
        reader.connection.close()
    measured = events - WARM_UP
    return {
        "expected": readers * events,
        "arrived": arrived,
        "out of order": wrong,
        "us_per_event": figures["cpu"] / measured / readers * 1e6,
        "late_p50_ms": percentile(late, 50) * 1e3,
        "late_p99_ms": percentile(late, 99) * 1e3,
    }


def idle(port: int, *, readers: int, seconds: float) -> dict[str, float]:
    """Open many streams in which nothing happens, after some that load and warm everything."""
    warm = connect(port, readers // 20)
    receive(warm, seconds, _OPENING_END)
    before = _figures(port)["kib"]
    opened = connect(port, readers)
    receive(opened, seconds, _OPENING_END)
    return {"kib_per_reader": (_figures(port)["kib"] - before) / readers}


def _figures(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/figures", timeout=30) as answer:
        figures: dict[str, float] = json.load(answer)
    return figures


def main() -> None:
    """Measure once."""
    raise_file_limit()
    kind, port, arguments = sys.argv[1:]
    measure = {"load": load, "idle": idle}[kind]
    print(json.dumps(measure(int(port), **json.loads(arguments))))


if __name__ == "__main__":
    main()
