"""A sink that shows the stream in the browser while it arrives."""

import asyncio
import errno
import os
import sys
import webbrowser
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from ipaddress import ip_address
from socket import AF_INET, AF_INET6, create_server, socket
from threading import Thread
from typing import Self

from ollama_rx.arguments import check_flag, check_seconds, check_text, check_whole, wrong_value
from ollama_rx.sinks import Sink
from ollama_rx.web.live.live_answer import LiveAnswer
from ollama_rx.web.live.live_app import LiveApp
from ollama_rx.web.live.loop_server import LoopServer
from ollama_rx.web.page.markdown_html import markdown_html

_CLOSING = 0.5  # seconds for tabs that still receive; Ctrl-C waits no longer than a second
_MOST = 65_535  # the highest port


class LivePage(Sink[object]):
    """Serves a page on this machine that shows the stream: text drawn as Markdown, thinking, tools, figures.

    ::

        deliver(client.generate("Tell me a story."), Console(), LivePage()).wait()

    Takes chunks, text, and whatever else `sse_response` takes. Any number of tabs may open the page at any
    time; each sees everything from the beginning, and a slow one delays neither the stream nor other sinks.
    The address is printed on standard error when the sink is built. The port is taken then, so that one that
    is in use is an error before the model is asked.

    When the stream has completed, the delivery ends as soon as one tab has received all of it: at once if one
    is open. If none is, the sink waits for one, at most ``wait`` seconds, and says so on standard error.
    It does not wait after an error or when the delivery is cancelled, as by Ctrl-C. Then the server is
    closed; a tab keeps what it shows, but cannot be loaded again. A page serves one delivery.

    Args:
        port: of the address; 0 chooses a free one. ``url`` has the address.
        host: "127.0.0.1", "localhost" or "::1": only this machine can read the page.
        wait: seconds after the completion; 0 does not wait for a tab, None waits until one comes.
        open: open the address in the user's browser.

    Raises:
        OSError: the port is in use, or may not be used.
        ImportError: the extra ``web`` is not installed; the message has the command.
    """

    url: str
    """The address of the page."""

    def __init__(
        self,
        port: int = 8000,
        *,
        host: str = "127.0.0.1",
        wait: float | None = 60.0,
        open: bool = False,  # noqa: A002 - what it does to the page
    ) -> None:
        check_whole("port", port, least=0, most=_MOST)
        check_text("host", host)
        if wait is not None:
            check_seconds("wait", wait, zero=True)
        check_flag("open", open)
        _load_extra()
        self._wait = wait
        self._opens_browser = open
        self._listening = _listen(_loopback(host), port)
        self._shown: _Shown | None = None
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self._listening.getsockname()[1]}/"
        _say(f"the answer is shown at {self.url}")

    @classmethod
    def from_uri(cls, argument: str) -> Self:
        """Return the sink for ``web``, ``web:8000``, ``web:localhost:8000``; port 0 chooses a free one."""
        host, colon, port = argument.rpartition(":")
        if not argument:
            return cls()
        if not port.isascii() or not port.isdigit():
            raise wrong_value("port", "a number, as in web:8000", port)
        return cls(int(port), host=host.strip("[]")) if colon else cls(int(port))

    async def open(self) -> None:
        """Start the server."""
        if self._shown is not None:
            raise RuntimeError("this LivePage has shown a stream; use a new one for the next")
        answer = LiveAnswer()
        app = LiveApp(answer)
        self._shown = _Shown(answer, app, LoopServer(app, self._listening))
        if self._opens_browser:  # which may take its time, or run in the terminal
            Thread(target=webbrowser.open, args=(self.url,), daemon=True).start()

    async def on_next(self, value: object) -> None:  # type: ignore[override]
        """Show an item."""
        await self._opened().answer.put(value)

    async def on_error(self, error: Exception) -> None:  # type: ignore[override]
        """Show the error in the tabs that are open."""
        await self._opened().answer.finish(error)

    async def on_completed(self) -> None:  # type: ignore[override]
        """Wait until a tab has received everything."""
        shown = self._opened()
        await shown.answer.finish()
        app = shown.app
        if not app.has_reader and not app.received.is_set() and self._wait != 0:
            limit = "" if self._wait is None else f", at most {self._wait:g} s"
            _say(f"the answer is complete; {self.url} waits until it is opened{limit} (Ctrl-C ends this)")
        with suppress(TimeoutError):
            await asyncio.wait_for(app.received.wait(), self._wait)

    async def close(self) -> None:
        """Close the server, when the tabs that are open have received everything, or after half a second."""
        if self._shown is None:
            self._listening.close()
            return
        await self._shown.answer.stop()
        await self._shown.server.close(_CLOSING)

    def _opened(self) -> "_Shown":
        if self._shown is None:
            raise RuntimeError("a LivePage shows what `deliver` gives it: deliver(stream, page)")
        return self._shown


@dataclass(frozen=True, slots=True)
class _Shown:
    """What there is from the beginning of the delivery."""

    answer: LiveAnswer
    app: LiveApp
    server: LoopServer


def _load_extra() -> None:
    """Import what is needed now, since it takes half a second.

    Raises:
        ImportError: something is missing; the message has the command.
    """
    try:
        import_module("uvicorn")
    except ImportError as error:
        raise ImportError('LivePage needs uvicorn: pip install "ollama-rx[web]"') from error
    markdown_html("")


def _loopback(host: str) -> str:
    """Return the address of a host, which must be this machine alone."""
    if host == "localhost":
        return "127.0.0.1"
    with suppress(ValueError):
        if ip_address(host).is_loopback:
            return host
    raise wrong_value(
        "host", "127.0.0.1, localhost or ::1; `ollama-rx serve` is for other machines, with a token", host
    )


def _listen(host: str, port: int) -> socket:
    """Open a socket that listens.

    Raises:
        OSError: the message says which port could not be used.
    """
    try:
        return create_server((host, port), family=AF_INET6 if ":" in host else AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            words = f"port {port} is in use; port 0, as in --to web:0, chooses a free one"
        else:
            words = f"port {port} of {host}: {os.strerror(error.errno or 0)}"
        raise OSError(error.errno, words) from error


def _say(text: str) -> None:
    print(f"ollama-rx: {text}", file=sys.stderr, flush=True)  # noqa: T201 - where else a user finds it
