"""`FakeOllama`: a scripted Ollama on a real loopback socket, in a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from ollama_rx.testing import echo
from ollama_rx.testing.connection import Connection
from ollama_rx.testing.record import Exchange, Record, Request
from ollama_rx.testing.reply import Reply
from ollama_rx.testing.waits import AsyncWaits, Waits

Script = Reply | Callable[[Request], Reply]

_STREAMS = ("/api/generate", "/api/chat")


class FakeOllama(Waits):
    """A server for tests: it says what the script says and remembers what clients did.

    The script answers generate and chat: the first request gets the first reply, and so on; the last reply
    is repeated. A function of the request may stand for a reply. `on` scripts other paths the same way. What
    is not scripted is answered by a model that repeats the prompt.

    The server has its own thread and loop, so a test that blocks its own is no obstacle. Leaving the `with`
    block closes every connection; nothing is left.

    >>> import httpx
    >>> with FakeOllama() as fake:
    ...     reply = httpx.post(f"{fake.url}/api/generate", json={"model": "echo", "prompt": "Hi you"})
    ...     exchange = fake.wait_for_answer()
    >>> exchange.request.json["prompt"], exchange.lines_written
    ('Hi you', 3)

    Args:
        *script: replies for generate and chat, in order.
        on: replies by path, such as `{"/api/tags": error_status(500)}`.
        host: the address to listen on.
        port: 0 takes a free one.
        send_buffer_bytes: a small buffer in the kernel makes back-pressure reach the server sooner.
    """

    def __init__(
        self,
        *script: Script,
        on: Mapping[str, Script | Sequence[Script]] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        send_buffer_bytes: int | None = None,
    ) -> None:
        self._record = Record()
        super().__init__(self._record)
        #: the waits for coroutines
        self.aio = AsyncWaits(self._record)
        self._scripts: dict[str, list[Script]] = {}
        self._host = host
        self._port = port
        self._send_buffer_bytes = send_buffer_bytes
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] | None = None
        if script:
            self.play(*script)
        for path, replies in (on or {}).items():
            if isinstance(replies, Reply) or callable(replies):
                self.play(replies, path=path)
            else:
                self.play(*replies, path=path)

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:40001`; after the end nothing listens there."""
        if not self._port:
            raise RuntimeError("not started: use `with FakeOllama() as fake:`")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """Everything that was asked and answered so far, in order."""
        return tuple(self._record.exchanges)

    @property
    def requests(self) -> Sequence[Request]:
        """Every request so far, in order."""
        return tuple(exchange.request for exchange in self._record.exchanges)

    @property
    def connections_open(self) -> int:
        """How many connections are open now."""
        return self._record.connections_open

    @property
    def connections_accepted(self) -> int:
        """How many connections there have been."""
        return self._record.connections_accepted

    def forget(self) -> None:
        """Forget all exchanges so far, so that the waits count from here on and memory does not grow."""
        self._record.exchanges.clear()

    def play(self, *script: Script, path: str | None = None) -> None:
        """Set the script for what comes from now on, for generate and chat or for another path."""
        if not script:
            raise ValueError("script must hold at least one reply")
        replies = list(script)
        for each in _STREAMS if path is None else (path,):
            self._scripts[each] = replies

    def start(self) -> Self:
        """Listen; `with` does this."""
        if self._thread is not None:
            raise RuntimeError("already started")
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="FakeOllama", daemon=True)
        self._thread.start()
        ready.result()
        return self

    def close(self) -> None:
        """Close every connection and end the thread; does nothing the second time."""
        if self._stop is not None and self._thread is not None:
            self._stop()
            self._thread.join()
            self._stop = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, ready: Future[None]) -> None:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._serve(ready))

    async def _serve(self, ready: Future[None]) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        connections: set[Connection] = set()

        try:
            server = await loop.create_server(
                lambda: Connection(self._record, self._choose, connections), sock=self._listen()
            )
        except OSError as error:
            ready.set_exception(error)
            return
        self._stop = lambda: loop.call_soon_threadsafe(stop.set)
        ready.set_result(None)
        await stop.wait()
        server.close()
        await asyncio.gather(*(connection.shut() for connection in connections))

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.create_server((self._host, self._port), family=family, backlog=1024)
        if self._send_buffer_bytes is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
        self._port = listening.getsockname()[1]
        return listening

    def _choose(self, request: Request) -> Reply:
        replies = self._scripts.get(request.path)
        if not replies:
            return echo.reply_to(request)
        script = replies.pop(0) if len(replies) > 1 else replies[0]
        return script if isinstance(script, Reply) else script(request)
