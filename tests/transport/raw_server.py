"""A server that says exactly the bytes a test gives it, one connection after the other."""

import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

Talk = Callable[[socket.socket], object]

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
DONE = b'{"response":"hello","done":true}\n'
ANSWER = OK + b"Content-Length: %d\r\n\r\n" % len(DONE) + DONE


@contextmanager
def raw_server(*talks: Talk, context: ssl.SSLContext | None = None) -> Generator[str]:
    """Give a URL; the first connection has the first talk, and so on. Then nobody accepts any more."""
    listening = socket.create_server(("127.0.0.1", 0))
    wrong: list[AssertionError] = []

    def serve() -> None:
        for talk in talks:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return  # the test is over
            with accepted:
                accepted.settimeout(10)
                try:
                    if context is None:
                        talk(accepted)
                    else:
                        with context.wrap_socket(accepted, server_side=True) as secured:
                            talk(secured)
                except OSError:
                    continue  # the client has left, which may be what the test wants
                except AssertionError as error:
                    wrong.append(error)
                    listening.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"{'http' if context is None else 'https'}://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        thread.join(20)
        listening.close()
    assert not thread.is_alive(), "the client neither spoke nor left"
    assert not wrong


def request(connection: socket.socket) -> bytes:
    """Read a whole request; nothing if the client has left."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(65536)
        if not piece:
            return b""
        found += piece
    head, _, body = found.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(1 << 20)
    return head + b"\r\n\r\n" + body


def says(*replies: bytes) -> Talk:
    """Answer each request with the next reply, then hang up."""

    def talk(connection: socket.socket) -> None:
        for reply in replies:
            request(connection)
            connection.sendall(reply)

    return talk


def says_until_left(*replies: bytes) -> Talk:
    """Answer each request with the next reply, then wait until the client hangs up."""

    def talk(connection: socket.socket) -> None:
        says(*replies)(connection)
        assert request(connection) == b""

    return talk
