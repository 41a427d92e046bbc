"""`FakeOllama`: a scripted Ollama server on a real loopback socket, in its own thread."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from os import PathLike
from types import TracebackType
from typing import Self

from ollama_rx.arguments import as_path, optional_whole, wrong_value
from ollama_rx.testing.cassettes.cassette_script import CassetteScript
from ollama_rx.testing.server.echo import echo
from ollama_rx.testing.server.observed import AsyncWaits, ObservedExchange, Request, ServerLog, Waits
from ollama_rx.testing.server.reply import Reply
from ollama_rx.testing.server.server_connection import ServerConnection
from ollama_rx.testing.server.stored_blobs import BLOBS, Blobs, is_blob
from ollama_rx.testing.server.unstreamed import unstreamed

Script = Reply | Callable[[Request], Reply]

_STREAMING_PATHS = ("/api/generate", "/api/chat")


class FakeOllama(Waits):
    """A server for tests: it sends scripted replies and records every request and disconnect.

    The script answers generate and chat: the first request gets the first reply, and so on; the last reply
    is repeated. A reply can also be a function of the request. `on` scripts other paths the same way. A
    request without a script is answered by a model that repeats the prompt; docs/testing.md lists what it
    answers. A request with `"stream": false` gets the script in one JSON object.

    The server runs in its own thread and event loop, so a test may block its own. Leaving the `with` block
    closes every connection and ends the thread.

    >>> import httpx
    >>> with FakeOllama() as fake:
    ...     reply = httpx.post(f"{fake.url}/api/generate", json={"model": "echo", "prompt": "Hi you"})
    ...     exchange = fake.wait_for_answer()
    >>> exchange.request.json["prompt"], exchange.lines_written
    ('Hi you', 3)

    Args:
        *script: replies for generate and chat, in order.
        on: replies by path, such as `{"/api/tags": error_status(500)}`; `"/api/blobs"` stands for the paths
            of all blobs.
        cassette: a file that `record` has written: requests that are in it get the recorded response, all
            others HTTP 501; paths with a script get that.
        speed: how fast the cassette is played: 1 for the recorded times, None as fast as the client reads.
        host: the address to listen on.
        port: 0 for any free port.
        send_buffer_bytes: size of the kernel's send buffer; a small one makes back-pressure reach the server
            sooner.
    """

    def __init__(
        self,
        *script: Script,
        on: Mapping[str, Script | Sequence[Script]] | None = None,
        cassette: str | PathLike[str] | None = None,
        speed: float | None = 1,
        host: str = "127.0.0.1",
        port: int = 0,
        send_buffer_bytes: int | None = None,
    ) -> None:
        self._log = ServerLog()
        super().__init__(self._log)
        #: the same waits for coroutines
        self.aio = AsyncWaits(self._log)
        self._scripts: dict[str, list[Script]] = {}
        self._blobs = Blobs()
        self._cassette = None if cassette is None else CassetteScript.of(as_path("cassette", cassette), speed)
        self._host = host
        self._port = port
        self._send_buffer_bytes = optional_whole("send_buffer_bytes", send_buffer_bytes, least=1)
        self._server: _ServerThread | None = None
        if script:
            self.play(*script)
        for path, replies in (on or {}).items():
            if isinstance(replies, Reply) or callable(replies):
                self.play(replies, path=path)
            else:
                self.play(*replies, path=path)

    @property
    def url(self) -> str:
        """The server's address, such as `http://127.0.0.1:40001`; after `close` it refuses connections."""
        if not self._port:
            raise RuntimeError("not started: use `with FakeOllama() as fake:`")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def exchanges(self) -> Sequence[ObservedExchange]:
        """Every exchange so far, in the order of the requests."""
        return tuple(self._log.exchanges)

    @property
    def requests(self) -> Sequence[Request]:
        """Every request so far, in order."""
        return tuple(exchange.request for exchange in self._log.exchanges)

    @property
    def blobs(self) -> Mapping[str, bytes]:
        """The blobs that were uploaded so far, by digest."""
        return dict(self._blobs.contents)

    @property
    def connections_open(self) -> int:
        """Number of connections that are open now."""
        return self._log.connections_open

    @property
    def connections_accepted(self) -> int:
        """Number of connections accepted so far."""
        return self._log.connections_accepted

    def forget(self) -> None:
        """Forget all exchanges so far; the waits count from here on. Keeps memory small in long tests."""
        self._log.exchanges.clear()

    def play(self, *script: Script, path: str | None = None) -> None:
        """Set the script for all further requests to generate and chat, or to another path."""
        if not script:
            raise wrong_value("script", "at least one reply", script)
        replies = list(script)
        for each in _STREAMING_PATHS if path is None else (path,):
            self._scripts[each] = replies

    def hang_up(self) -> None:
        """Close every open connection, idle ones too, as a server does when it restarts."""
        if self._server is not None:
            self._server.hang_up()

    def start(self) -> Self:
        """Start to listen; `with` does this."""
        if self._server is not None:
            raise RuntimeError("already started")
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.create_server((self._host, self._port), family=family, backlog=1024)
        # As Ollama does (Go's default): small writes are sent at once. Accepted sockets inherit the option.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._send_buffer_bytes is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
        self._port = listening.getsockname()[1]
        self._server = _ServerThread(listening, self._log, self._choose)
        return self

    def close(self) -> None:
        """Close every connection and end the thread; calling it again has no effect."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _choose(self, request: Request) -> Reply:
        if self._cassette is not None and request.path not in self._scripts:
            return self._cassette.reply(request)
        reply = self._choose_stream(request)
        return unstreamed(reply) if request.json.get("stream") is False else reply

    def _choose_stream(self, request: Request) -> Reply:
        blob = is_blob(request.path)
        replies = self._scripts.get(BLOBS if blob else request.path)
        if not replies:
            return self._blobs.reply(request) if blob else echo(request)
        script = replies.pop(0) if len(replies) > 1 else replies[0]
        return script if isinstance(script, Reply) else script(request)


class _ServerThread:
    """Serves a listening socket in a thread with its own event loop, from construction to `stop`."""

    def __init__(self, listening: socket.socket, log: ServerLog, choose: Callable[[Request], Reply]) -> None:
        self._listening = listening
        self._log = log
        self._choose = choose
        self._connections: set[ServerConnection] = set()
        self._stop = asyncio.Event()
        started: Future[asyncio.AbstractEventLoop] = Future()
        self._thread = threading.Thread(target=self._run, args=(started,), name="FakeOllama", daemon=True)
        self._thread.start()
        self._loop = started.result()

    def hang_up(self) -> None:
        """Close all open connections and wait until they are closed."""
        asyncio.run_coroutine_threadsafe(self._abort_all(), self._loop).result()

    def stop(self) -> None:
        """Close all connections and the listening socket, and wait until the thread has ended."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started: Future[asyncio.AbstractEventLoop]) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: ServerConnection(self._log, self._choose, self._connections), sock=self._listening
        )
        started.set_result(loop)
        await self._stop.wait()
        loop.remove_reader(self._listening)  # accept no more connections
        for _ in range(3):  # a connection just accepted becomes a task, a transport, a protocol
            await asyncio.sleep(0)
        server.close()  # not earlier: a closed server drops half-made connections without closing them
        await self._abort_all()

    async def _abort_all(self) -> None:
        await asyncio.gather(*(connection.abort() for connection in self._connections))
