"""A server with OpenAI's endpoint for speech, which does what a test wants."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson


@dataclass
class Request:
    """What a server has received."""

    method: str
    path: str
    headers: dict[str, str]
    client: tuple[str, int]
    body: dict[str, object]


@dataclass
class SpeechServer:
    url: str
    replies: "list[Callable[[Exchange], None]]"
    """What the next requests get; the last one stays."""
    requests: "list[Request]" = field(default_factory=list["Request"])
    received: threading.Event = field(default_factory=threading.Event)
    """A request has arrived."""
    left: threading.Event = field(default_factory=threading.Event)
    """A client has closed its connection before the end of an answer."""


class Exchange:
    """One request and its answer."""

    def __init__(self, handler: BaseHTTPRequestHandler, server: SpeechServer) -> None:
        self._handler = handler
        self._server = server

    def answer(
        self,
        body: bytes,
        kind: str | None = "audio/pcm",
        *,
        status: int = 200,
        announced: int | None = None,
        location: str | None = None,
    ) -> None:
        """Send a whole answer; a length that is announced and not sent is an answer that is cut."""
        redirect = {} if location is None else {"Location": location}
        self._begin(status, kind, {"Content-Length": str(announced or len(body))} | redirect)
        self._handler.wfile.write(body)
        self._handler.close_connection = announced is not None

    def begin(self, kind: str | None = "audio/pcm") -> None:
        """Begin an answer in pieces."""
        self._begin(200, kind, {"Transfer-Encoding": "chunked"})

    def send(self, piece: bytes) -> None:
        self._handler.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self._handler.wfile.flush()

    def end(self) -> None:
        self.send(b"")

    def break_off(self) -> None:
        self._handler.close_connection = True

    def wait_until_left(self) -> None:
        assert self._handler.rfile.read(1) == b""
        self._server.left.set()
        self._handler.close_connection = True

    def _begin(self, status: int, kind: str | None, headers: dict[str, str]) -> None:
        self._handler.send_response(status)
        if kind is not None:
            self._handler.send_header("Content-Type", kind)
        for name, value in headers.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()
        self._handler.wfile.flush()


@contextmanager
def speech_server(*replies: Callable[[Exchange], None]) -> Generator[SpeechServer, None, None]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.note(orjson.loads(body))
            next_replies = server.replies
            reply = next_replies.pop(0) if len(next_replies) > 1 else next_replies[0]
            server.received.set()
            try:
                reply(Exchange(self, server))
            except ConnectionError:  # the client has left
                server.left.set()
                self.close_connection = True

        def do_HEAD(self) -> None:
            self.note({})
            self.send_response(405)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def note(self, body: dict[str, object]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.requests.append(Request(self.command, self.path, headers, self.client_address, body))

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
            pass

    class Threads(ThreadingHTTPServer):
        daemon_threads = True

    with Threads(("127.0.0.1", 0), Handler) as http:
        server = SpeechServer(f"http://127.0.0.1:{http.server_address[1]}", replies=list(replies))
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()
