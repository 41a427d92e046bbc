"""An upload is a stream like any other: bounded memory, closed at once, never silently incomplete."""

import asyncio
import socket
import struct
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ollama_rx import (
    Client,
    ClientClosedError,
    IncompleteStreamError,
    Progress,
    StatusError,
    UnreachableError,
    deliver,
    iterate,
)
from ollama_rx.sinks import Collector
from ollama_rx.testing import FakeOllama, Reply, Request, error_status
from tests.contracts.conftest import Connect, Door, Seen, eventually, our_threads, over_http
from tests.contracts.test_cancel import AT_ONCE, prompt_disconnect
from tests.transport.raw_server import Handler, raw_server, read_request

MIB = 2**20
LARGE = 200 * MIB
UNBUFFERED = 64 * MIB  # more than the system's buffers hold
ENDLESS = 2**40  # of a sparse file, which takes no space: hashing it would take hours

NOT_THERE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def sparse(tmp_path: Path) -> Callable[[int], Path]:
    def make(size: int) -> Path:
        path = tmp_path / "model.gguf"
        path.touch()
        with path.open("r+b") as file:
            file.truncate(size)
        return path

    return make


def not_there(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(NOT_THERE)


class Upload:
    """Receives the body of an upload, or so many bytes of it; then calls ``end``, or reads on."""

    def __init__(
        self, end: Callable[[socket.socket], object] | None = None, *, most: int = sys.maxsize
    ) -> None:
        self.length = 0
        self.received = 0
        self.lost_at = 0.0
        self._end = end or self.read_until_closed
        self._most = most
        self.lost = threading.Event()

    def __call__(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        self.length = int(head.lower().partition(b"content-length:")[2].split()[0])
        while self.received < min(self.length, self._most):
            piece = connection.recv(65536)
            if not piece:
                break
            self.received += len(piece)
        self._end(connection)

    def read_until_closed(self, connection: socket.socket) -> None:
        with suppress(OSError):
            while piece := connection.recv(65536):
                self.received += len(piece)
        self.lost_at = time.monotonic()
        self.lost.set()


def answer(reply: bytes) -> Handler:
    return lambda connection: connection.sendall(reply)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture
def memory() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@over_http
def test_a_large_file_is_sent_in_little_memory(
    connect: Connect, sparse: Callable[[int], Path], memory: Callable[[], int]
) -> None:
    upload = Upload(answer(CREATED))
    with raw_server(not_there, upload) as url:
        steps = connect(url).create_blob(sparse(LARGE)).to_list().run()
    assert upload.received == upload.length == LARGE
    assert (steps[-1].status, steps[-1].completed, steps[-1].total) == ("success", LARGE, LARGE)
    assert memory() < 24 * MIB


@over_http
def test_files_become_a_model(connect: Connect, door: Door, sparse: Callable[[int], Path]) -> None:
    with FakeOllama() as fake:
        seen = door.subscribe(connect(fake.url).create("m", files=[sparse(MIB)])).wait()
        assert (seen.errors, seen.completed) == ([], 1)
        assert [step.done for step in seen.items] == [False] * (len(seen.items) - 1) + [True]
        assert fake.requests[-1].json["files"] == {"model.gguf": next(iter(fake.blobs))}


@over_http
def test_progress_can_be_delivered_and_iterated_over(connect: Connect, sparse: Callable[[int], Path]) -> None:
    path = sparse(MIB)
    with FakeOllama() as fake:
        client = connect(fake.url)
        with iterate(client.create("m", files=[path])) as steps:
            assert [step.done for step in steps][-1]

        async def main() -> list[Progress]:
            collector: Collector[Progress] = Collector()
            await deliver(client.create("m", files=[path]), collector)
            async with iterate(client.create_blob(path)) as steps:
                return [*collector.items, *[step async for step in steps]]

        assert [step.status for step in asyncio.run(main()) if step.done] == ["success"] * 2


@over_http
def test_a_server_that_does_not_read_makes_the_upload_wait(
    connect: Connect, sparse: Callable[[int], Path]
) -> None:
    gate = threading.Event()

    def wait_for_gate(_: socket.socket) -> None:
        assert gate.wait(10)

    upload = Upload(wait_for_gate, most=1)
    with raw_server(not_there, upload) as url:
        seen = Door("threads").subscribe(connect(url).create_blob(sparse(UNBUFFERED)))
        waiting = eventually(lambda: len(seen.items) > 3 and _stands_still(seen))
        gate.set()
        assert isinstance(seen.wait().errors[0], IncompleteStreamError)
    assert waiting
    assert (
        seen.items[-1].completed < UNBUFFERED / 2
    )  # the rest is not even read: the system's buffers are smaller


def _stands_still(seen: Seen) -> bool:
    last = seen.items[-2:]
    return bool(last[0].completed == last[1].completed > 0)


def test_an_early_answer_ends_the_upload_at_once(sparse: Callable[[int], Path], door: Door) -> None:
    reply = b'HTTP/1.1 413 Too Large\r\nContent-Length: 21\r\n\r\n{"error":"too large"}'

    def refuse(connection: socket.socket) -> None:
        connection.sendall(reply)
        upload.read_until_closed(connection)

    upload = Upload(refuse, most=65536)
    with raw_server(not_there, upload) as url, Client(url) as client:
        seen = door.subscribe(client.create_blob(sparse(UNBUFFERED))).wait()
    [error] = seen.errors
    assert isinstance(error, StatusError)
    assert (error.status, error.reason) == (413, "too large")
    assert upload.received < upload.length


@pytest.mark.parametrize("end", [reset, socket.socket.close], ids=["reset", "closed"])
@over_http
def test_a_server_that_dies_in_the_middle_is_an_error(
    end: Callable[[socket.socket], object], connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    upload = Upload(end, most=MIB)
    with raw_server(not_there, upload) as url:
        seen = door.subscribe(connect(url).create_blob(sparse(UNBUFFERED))).wait()
    [error] = seen.errors
    assert isinstance(error, IncompleteStreamError)
    assert "before the answer was complete" in str(error)


@over_http
def test_a_file_that_changes_before_it_is_sent_is_an_error(
    connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    def change(_: Request) -> Reply:
        sparse(3 * MIB)
        return error_status(404)

    with FakeOllama(on={"/api/blobs": change}) as fake:
        [error] = door.subscribe(connect(fake.url).create_blob(sparse(2 * MIB))).wait().errors
    assert isinstance(error, OSError)
    assert str(error).endswith("model.gguf: the file has changed while it was uploaded")


@over_http
def test_a_server_that_is_not_there_is_unreachable(
    connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    with FakeOllama() as fake:
        url = fake.url
    assert isinstance(door.subscribe(connect(url).create_blob(sparse(1))).wait().errors[0], UnreachableError)


@over_http
def test_disposing_while_the_file_is_hashed_stops_the_reading(
    connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    with FakeOllama() as fake:
        seen = door.subscribe(connect(fake.url).create_blob(sparse(ENDLESS)))
        assert seen.started.wait(5)
        seen.dispose()
        assert eventually(lambda: not our_threads() and not door.tasks())
        assert not seen.errors
        assert not fake.requests


@over_http
def test_the_server_sees_within_50_ms_that_an_upload_is_disposed_of(
    connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    path = sparse(UNBUFFERED)

    def attempt() -> float:
        begun, gate = threading.Event(), threading.Event()

        def begin(connection: socket.socket) -> None:
            begun.set()
            assert gate.wait(10)
            upload.read_until_closed(connection)

        upload = Upload(begin, most=1)
        with raw_server(not_there, upload) as url:
            seen = door.subscribe(connect(url).create_blob(path))
            assert begun.wait(10)
            disposed = seen.dispose()
            gate.set()
            assert upload.lost.wait(5)
        assert upload.received < UNBUFFERED
        return upload.lost_at - disposed

    assert prompt_disconnect(attempt) < AT_ONCE


@over_http
def test_closing_the_client_ends_the_hashing(
    connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    client = connect("x")
    seen = door.subscribe(client.create_blob(sparse(ENDLESS)))
    assert seen.started.wait(5)
    client.close()
    assert isinstance(seen.wait().errors[0], ClientClosedError)


@over_http
def test_closing_the_client_ends_the_sending(
    connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    upload = Upload(most=1)
    with raw_server(not_there, upload) as url:
        client = connect(url)
        seen = door.subscribe(client.create_blob(sparse(UNBUFFERED)))
        assert eventually(lambda: upload.received > 0)
        client.close()
        assert isinstance(seen.wait().errors[0], ClientClosedError)
        assert upload.lost.wait(5)


@over_http
def test_an_upload_is_refused_by_a_client_that_is_closed(
    connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    client = connect("x")
    stream = client.create_blob(sparse(1))
    client.close()
    assert isinstance(door.subscribe(stream).wait().errors[0], ClientClosedError)


@over_http
def test_an_exception_in_a_callback_ends_the_upload(
    connect: Connect, door: Door, sparse: Callable[[int], Path]
) -> None:
    def fail(_: object) -> None:
        raise ValueError("mine")

    with FakeOllama() as fake:
        seen = door.subscribe(connect(fake.url).create_blob(sparse(ENDLESS)), hook=fail)
        assert str(seen.wait().errors[0]) == "mine"
        assert len(seen.items) == 1
