"""A server that sends exactly the bytes a test gives it, one connection after the other."""

import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

Handler = Callable[[socket.socket], object]

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
DONE = b'{"response":"hello","done":true}\n'
ANSWER = OK + b"Content-Length: %d\r\n\r\n" % len(DONE) + DONE


@contextmanager
def raw_server(*handlers: Handler, context: ssl.SSLContext | None = None) -> Generator[str]:
    """Yield a URL; the first handler serves the first connection, and so on. Then no more are accepted."""
    listening = socket.create_server(("127.0.0.1", 0))
    failures: list[AssertionError] = []

    def serve() -> None:
        for handler in handlers:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return  # the test is over
            with accepted:
                accepted.settimeout(10)
                try:
                    if context is None:
                        handler(accepted)
                    else:
                        with context.wrap_socket(accepted, server_side=True) as secured:
                            handler(secured)
                except OSError:
                    continue  # the client has hung up, which may be what the test expects
                except AssertionError as error:
                    failures.append(error)
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
    assert not thread.is_alive(), "the client neither sent anything nor hung up"
    assert not failures


def read_request(connection: socket.socket) -> bytes:
    """Read a whole request; return no bytes if the client has hung up."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        body += connection.recv(1 << 20)
    return head + b"\r\n\r\n" + body


def replies_with(*replies: bytes) -> Handler:
    """Answer each request with the next reply, then hang up."""

    def handle(connection: socket.socket) -> None:
        for reply in replies:
            read_request(connection)
            connection.sendall(reply)

    return handle


def replies_until_closed(*replies: bytes) -> Handler:
    """Answer each request with the next reply, then wait until the client hangs up."""

    def handle(connection: socket.socket) -> None:
        replies_with(*replies)(connection)
        assert read_request(connection) == b""

    return handle
