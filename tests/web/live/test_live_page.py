"""`LivePage` as tabs of a browser see it, and when its delivery ends."""

import asyncio
import errno
import io
import json
import re
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Iterator
from queue import Queue
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
from reactivex import Subject, concat, from_iterable, never, of, throw
from reactivex import operators as rx

from ollama_rx import Client, SinkError, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Collector, Sink
from ollama_rx.testing import FakeOllama, Gate, answer, thinking, tool_call, tool_calls
from ollama_rx.web import LivePage, sse_response
from ollama_rx.web.live import live_page
from ollama_rx.web.live.loop_server import LoopServer

pytestmark = pytest.mark.usefixtures("no_thread_left")


class StandardError(io.StringIO):
    """Takes the place of standard error: `capsys` may lose what others write while it reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._flushed = threading.Condition()
        monkeypatch.setattr(sys, "stderr", self)

    def flush(self) -> None:
        with self._flushed:
            self._flushed.notify_all()

    def wait_for(self, text: str) -> None:
        """Wait until a text was printed and its line has ended."""
        with self._flushed:
            assert self._flushed.wait_for(lambda: re.search(f"{re.escape(text)}.*\n", self.getvalue()), 20)


class Event(NamedTuple):
    type: str
    data: dict[str, Any]


class Tab:
    """Reads the events of a page, as the script of a tab does."""

    def __init__(self, page: LivePage) -> None:
        self._url = f"{page.url}api/events"
        self._events: Queue[Event | None] = Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        try:
            with httpx.stream("GET", self._url, timeout=30, trust_env=False) as response:
                self._read_lines(response.iter_lines())
        except httpx.TransportError:  # the page was closed
            pass
        self._events.put(None)

    def _read_lines(self, lines: Iterator[str]) -> None:
        kind = ""
        for line in lines:
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                self._events.put(Event(kind, json.loads(value)))

    def wait_for(self, kind: str) -> dict[str, Any]:
        """Return the data of the next event of a kind."""
        while (event := self._events.get(timeout=30)) is not None:
            if event.type == kind:
                return event.data
        pytest.fail(f"the stream ended without {kind!r}")

    def all(self) -> list[Event]:
        """Return the events until the end."""
        self._thread.join()
        return list(iter(self._events.get, None))

    def text(self) -> dict[int, str]:
        """Return the last HTML of each block."""
        return {event.data["number"]: event.data["html"] for event in self.all() if event.type == "block"}


def is_free(page: LivePage) -> bool:
    address = urlsplit(page.url)
    try:
        socket.create_connection((address.hostname, address.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_tab_sees_text_as_markdown_and_thinking_and_figures_and_then_the_delivery_ends() -> None:
    page, joined = LivePage(0), Gate()
    fake = FakeOllama(answer(joined, thinking("Hm"), "# He", "llo\n\n", "you"))
    with fake, Client(fake.url, model="m") as client, deliver(client.generate("Hi"), page):
        tab = Tab(page)
        tab.wait_for("begin")
        joined.open()
    events = tab.all()
    kinds = [event.type for event in events]
    assert events[0] == Event("thinking", {"text": "Hm"})
    assert {"number": 0, "complete": True, "html": "<h1>Hello</h1>\n"} in [event.data for event in events]
    assert kinds[-2:] == ["block", "done"]
    assert next(event for event in events if event.type == "stats").data["model"] == "m"
    assert is_free(page)


def test_tabs_that_open_later_see_everything_of_each_block_the_last_state() -> None:
    page, half = LivePage(0), Gate()
    called = tool_calls(tool_call("look", {"at": "sky"}))
    fake = FakeOllama(answer(thinking("H"), thinking("m"), called, "# One\n\nT", "wo", half, " words"))
    with fake, Client(fake.url, model="m") as client, deliver(client.generate("Hi"), page):
        first = Tab(page)
        while "Two" not in first.wait_for("block")["html"]:
            pass
        second = Tab(page)
        second.wait_for("begin")
        half.open()
    events = second.all()
    assert events[0] == Event("thinking", {"text": "Hm"})
    assert (events[1].type, events[1].data["name"]) == ("tool_call", "look")
    assert events[2] == Event("block", {"number": 0, "complete": True, "html": "<h1>One</h1>\n"})
    assert [event.data["html"] for event in events if event.type == "block"][1] == "<p>Two</p>\n"
    assert events[-1] == Event("done", {"reason": "completed"})


def test_a_tab_that_opens_after_the_end_sees_everything_and_ends_the_delivery(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stderr = StandardError(monkeypatch)
    page, words = LivePage(0, wait=None), Collector[str]()
    delivery = deliver(of("Hel", "lo"), words, page)
    stderr.wait_for("complete")
    assert not delivery.done
    tab = Tab(page)
    delivery.wait()
    assert tab.text() == {0: "<p>Hello</p>\n"}
    assert stderr.getvalue().endswith(
        f"ollama-rx: the answer is complete; {page.url} waits until it is opened (Ctrl-C ends this)\n"
    )


def test_the_delivery_waits_no_longer_than_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    page = LivePage(0, wait=0.01)
    deliver(of("Hello"), page).wait()
    assert capsys.readouterr().err == (
        f"ollama-rx: the answer is shown at {page.url}\n"
        f"ollama-rx: the answer is complete; {page.url} waits until it is opened, at most 0.01 s "
        "(Ctrl-C ends this)\n"
    )


def test_without_waiting_nothing_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    page = LivePage(0, wait=0)
    deliver(of("Hello"), page).wait()
    assert capsys.readouterr().err == f"ollama-rx: the answer is shown at {page.url}\n"
    assert is_free(page)


def test_cancelling_ends_the_wait_for_a_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = StandardError(monkeypatch)
    delivery = deliver(of("Hello"), LivePage(0, wait=None))
    stderr.wait_for("complete")
    assert not delivery.done
    delivery.cancel()
    delivery.wait()


def test_a_delivery_that_is_cancelled_tells_its_tabs() -> None:
    page = LivePage(0)
    delivery = deliver(concat(of("Hello"), never()), page)
    tab = Tab(page)
    tab.wait_for("block")
    delivery.cancel()
    delivery.wait()
    assert tab.all()[-1] == Event("done", {"reason": "stopped"})
    assert is_free(page)


def test_after_an_error_tabs_see_the_last_words_and_the_error_and_nobody_waits() -> None:
    page, items = LivePage(0, wait=None), Queue[str]()

    def pull() -> Iterator[str]:
        yield "Hello"
        yield items.get()
        raise ConnectionError("secret")

    delivery = deliver(from_iterable(pull()), page)
    tab = Tab(page)
    tab.wait_for("block")
    items.put(" you")
    with pytest.raises(ConnectionError):
        delivery.wait()
    events = tab.all()
    assert [event.data["html"] for event in events if event.type == "block"][-1] == "<p>Hello you</p>\n"
    assert events[-1].type == "error"
    assert "secret" not in str(events)


def test_an_error_without_tabs_ends_the_delivery() -> None:
    with pytest.raises(ConnectionError):
        deliver(throw(ConnectionError()), LivePage(0, wait=None)).wait()


def test_a_tab_that_never_reads_delays_neither_other_sinks_nor_the_end() -> None:
    page, words = LivePage(0, wait=0), Collector[str]()
    paragraph, opened = "word " * 20_000 + "\n\n", Gate()
    address = urlsplit(page.url)
    with FakeOllama(answer(opened, *[paragraph] * 100)) as fake, Client(fake.url, model="m") as client:
        delivery = deliver(client.generate("Hi").pipe(op.text()), words, page)
        with socket.create_connection((address.hostname, address.port)) as blocked:
            blocked.sendall(f"GET /api/events HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
            blocked.recv(15)
            opened.open()
            delivery.wait()
    assert len(words.items) == 100
    assert is_free(page)


def test_a_port_in_use_is_an_error_before_anything_is_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"port {port} is in use; port 0, as in --to web:0, chooses a"):
            LivePage(port)


def test_a_port_that_may_not_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(live_page, "create_server", refuse)
    with pytest.raises(PermissionError, match=r"port 80 of 127\.0\.0\.1: Permission denied"):
        LivePage(80)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "example.com", ""])  # noqa: S104
def test_only_this_machine_can_be_served(host: str) -> None:
    with pytest.raises(ValueError, match=r"host: expected 127\.0\.0\.1, localhost or ::1; .* token"):
        LivePage(0, host=host)


@pytest.mark.parametrize(
    ("argument", "start", "end"),
    [
        ("0", "http://127.0.0.1:", "/"),
        ("localhost:0", "http://localhost:", "/"),
        ("127.0.0.2:0", "http://127.0.0.2:", "/"),
        ("[::1]:0", "http://[::1]:", "/"),
    ],
)
def test_the_command_line_names_the_port_and_the_host(argument: str, start: str, end: str) -> None:
    with LivePage.from_uri(argument) as page:
        assert page.url.startswith(start)
        assert page.url.endswith(end)
    assert is_free(page)


def test_the_default_port_is_8000(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []
    create_server = socket.create_server

    def create(address: tuple[str, int], **options: Any) -> socket.socket:
        asked.append(address)
        return create_server((address[0], 0), **options)

    monkeypatch.setattr(live_page, "create_server", create)
    with LivePage.from_uri(""):
        assert asked == [("127.0.0.1", 8000)]


@pytest.mark.parametrize("argument", ["page", "localhost", "8000:", "٣", "70000"])
def test_a_wrong_port_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match="port: expected a"):
        LivePage.from_uri(argument)


def test_the_browser_is_opened_if_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Queue[str] = Queue()
    monkeypatch.setattr(webbrowser, "open", opened.put)
    page = LivePage(0, wait=0, open=True)
    deliver(of("Hello"), page).wait()
    assert opened.get(timeout=30) == page.url


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match=r'LivePage needs uvicorn: pip install "ollama-rx\[web\]"'):
        LivePage(0)


def test_a_page_shows_one_stream() -> None:
    page = LivePage(0, wait=0)
    deliver(of("Hello"), page).wait()
    with pytest.raises(SinkError, match="use a new one for the next"):
        deliver(of("Hello"), page).wait()


@pytest.mark.parametrize("item", [b"bytes", object()])
def test_an_item_that_cannot_be_shown_fails_the_sink(item: object) -> None:
    with pytest.raises(SinkError, match="TypeError"):
        deliver(of("Hello", item), LivePage(0)).wait()


def test_other_values_are_shown_as_json() -> None:
    page = LivePage(0)
    with deliver(of({"name": "Ada"}), page):
        tab = Tab(page)
    assert Event("item", {"value": {"name": "Ada"}}) in tab.all()


@pytest.fixture
def served() -> Iterator[str]:
    """A page whose stream goes on."""
    page = LivePage(0)
    delivery = deliver(concat(of("Hello"), never()), page)
    yield page.url
    delivery.cancel()
    delivery.wait()


@pytest.mark.parametrize(
    ("path", "kind"), [("", "text/html"), ("live.js", "text/javascript"), ("live.css", "text/css")]
)
def test_the_files_are_served_with_a_strict_policy(served: str, path: str, kind: str) -> None:
    response = httpx.get(served + path, trust_env=False)
    assert response.headers["content-type"] == f"{kind}; charset=utf-8"
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert "style=" not in response.text
    assert "server" not in response.headers


def test_an_unknown_path_is_not_found(served: str) -> None:
    assert httpx.get(f"{served}live.html", trust_env=False).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_other_pages_cannot_read_the_answer(served: str, headers: dict[str, str]) -> None:
    assert httpx.get(f"{served}api/events", headers=headers, trust_env=False).status_code == 403


def test_a_tab_that_reconnects_receives_what_it_has_missed(served: str) -> None:
    with httpx.stream("GET", f"{served}api/events", trust_env=False) as first:
        last = next(line for line in first.iter_lines() if line.startswith("id: "))
    headers = {"Last-Event-ID": f"{last[4:].partition('-')[0]}-0"}
    with httpx.stream("GET", f"{served}api/events", headers=headers, trust_env=False) as again:
        lines = again.iter_lines()
        assert [next(lines) for _ in range(4)][2:] == [last, "event: block"]


def test_inside_an_event_loop_the_page_is_served_there_and_signals_are_left_alone() -> None:
    async def main() -> list[str]:
        page = LivePage(0)
        delivery = deliver(of("Hello"), page)
        async with httpx.AsyncClient(trust_env=False) as browser:
            response = await browser.get(f"{page.url}api/events")
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        await delivery
        assert is_free(page)
        return response.text.split("\n")

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert "event: done" in asyncio.run(main())
    finally:
        signal.signal(signal.SIGINT, before)


def test_the_end_of_a_page_ends_no_stream_of_an_application_on_the_same_event_loop() -> None:
    async def main() -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        goes_on = Subject[str]()
        application = LoopServer(sse_response(goes_on.pipe(rx.start_with("One"))), listening)
        async with httpx.AsyncClient(trust_env=False) as browser, browser.stream("GET", url) as response:
            lines = response.aiter_lines()
            await find(lines, '{"text":"One"}')
            await deliver(of("Hello"), LivePage(0, wait=0))
            goes_on.on_next("Two")
            await find(lines, '{"text":"Two"}')
        await application.close(1)

    async def find(lines: AsyncIterator[str], data: str) -> None:
        async for line in lines:
            if line == f"data: {data}":
                return
        pytest.fail(f"the stream ended without {data}")

    asyncio.run(main())


def test_a_page_that_is_not_used_closes_its_socket() -> None:
    with LivePage(0) as page:
        assert not is_free(page)
    assert is_free(page)


def test_without_deliver_nothing_is_shown() -> None:
    with LivePage(0) as page, pytest.raises(RuntimeError, match="deliver"):
        asyncio.run(page.on_next("Hello"))


def test_the_entry_point_is_a_sink() -> None:
    assert issubclass(LivePage, Sink)
