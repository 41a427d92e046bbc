"""`FakeOllama`: a scripted Ollama on a real loopback socket, in a thread of its own."""

import socket
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from ollama_rx.testing import echo
from ollama_rx.testing.record import Exchange, Record, Request
from ollama_rx.testing.reply import Reply
from ollama_rx.testing.serving import Serving
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
        if send_buffer_bytes is not None and send_buffer_bytes < 1:
            raise ValueError(f"send_buffer_bytes must be at least 1, got {send_buffer_bytes}")
        self._record = Record()
        super().__init__(self._record)
        #: the waits for coroutines
        self.aio = AsyncWaits(self._record)
        self._scripts: dict[str, list[Script]] = {}
        self._host = host
        self._port = port
        self._send_buffer_bytes = send_buffer_bytes
        self._serving: Serving | None = None
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

    def hang_up(self) -> None:
        """Close every connection that is open now, idle ones too, as a server does that restarts."""
        if self._serving is not None:
            self._serving.hang_up()

    def start(self) -> Self:
        """Listen; `with` does this."""
        if self._serving is not None:
            raise RuntimeError("already started")
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.create_server((self._host, self._port), family=family, backlog=1024)
        # As Ollama does (Go's default): small writes go out at once. Accepted sockets inherit it.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._send_buffer_bytes is not None:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
        self._port = listening.getsockname()[1]
        self._serving = Serving(listening, self._record, self._choose)
        return self

    def close(self) -> None:
        """Close every connection and end the thread; does nothing the second time."""
        if self._serving is not None:
            self._serving.stop()
            self._serving = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _choose(self, request: Request) -> Reply:
        replies = self._scripts.get(request.path)
        if not replies:
            return echo.reply_to(request)
        script = replies.pop(0) if len(replies) > 1 else replies[0]
        return script if isinstance(script, Reply) else script(request)
