"""The floor, what Python must at least do: a blocking socket, an exact chunk decoder, orjson a line."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import orjson

READ_BYTES = 65_536


class FloorReader:
    """HTTP/1.1 with one connection and no object that is not needed."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def read(self, url: str) -> int:
        """Send the request, decode chunk by chunk, parse line by line."""
        parts = urlsplit(url)
        if self._socket is None:
            self._socket = socket.create_connection((parts.hostname, parts.port))
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = orjson.dumps({"model": "llama3.2", "prompt": "Hello"})
        head = f"POST {parts.path}/api/generate HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        self._socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        texts, tail = 0, b""
        for data in _payload(self._socket):
            *lines, tail = (tail + data).split(b"\n")
            for line in lines:
                if orjson.loads(line)["response"]:
                    texts += 1
        return texts


def _payload(connection: socket.socket) -> Iterator[bytes]:
    """Give the body's bytes, as many as each read brought, until the empty chunk."""
    buffer = b""
    while b"\r\n\r\n" not in buffer:
        buffer += connection.recv(READ_BYTES)
    buffer = buffer.partition(b"\r\n\r\n")[2]
    while True:
        at = 0
        whole: list[bytes] = []
        while (line_end := buffer.find(b"\r\n", at)) >= 0:
            begin = line_end + 2
            end = begin + int(buffer[at:line_end], 16)
            if len(buffer) < end + 2:
                break
            if buffer[end : end + 2] != b"\r\n":
                raise ValueError("a chunk without its end")
            if begin == end:
                yield b"".join(whole)
                return
            whole.append(buffer[begin:end])
            at = end + 2
        if whole:
            yield b"".join(whole)
        received = connection.recv(READ_BYTES)
        if not received:
            raise ConnectionError("the server closed the connection")
        buffer = buffer[at:] + received
