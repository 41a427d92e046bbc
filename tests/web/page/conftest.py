"""The page on a real socket, with a scripted server of models behind it."""

import json
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from ollama_rx import Client
from ollama_rx.testing import FakeOllama
from ollama_rx.web import app


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


@contextmanager
def served(page: Starlette) -> Generator[str]:
    """Serve an application on a free port of this machine."""
    listens = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            listens.set()

    server = Server(uvicorn.Config(page, port=0, log_level="critical", ws="websockets-sansio"))
    thread = threading.Thread(target=server.run)
    thread.start()
    assert listens.wait(10)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@dataclass
class Event:
    """One event of a stream."""

    id: str
    type: str
    data: Any


@dataclass
class Browser:
    """What the page does, and what it reads."""

    http: httpx.Client
    store: Path

    def begin(self, text: str = "Hi", **more: object) -> str:
        """Send the first prompt of a new conversation; return its id."""
        id_ = str(self.http.post("/api/conversations", json={"model": "llama"}).json()["id"])
        assert self.ask(id_, text, 0, **more).status_code == 202
        return id_

    def ask(self, id_: str, text: str, position: int, **more: object) -> httpx.Response:
        body: dict[str, object] = {
            "text": text,
            "images": [],
            "model": "llama",
            "think": False,
            "position": position,
            **more,
        }
        return self.http.post(f"/api/conversations/{id_}/answers", json=body)

    def chat(self, *prompts: str) -> str:
        """Have a conversation; return its id when the last answer has ended."""
        id_ = self.begin(prompts[0])
        self.wait(id_)
        for number, prompt in enumerate(prompts[1:], 1):
            assert self.ask(id_, prompt, 2 * number).status_code == 202
            self.wait(id_)
        return id_

    def wait(self, id_: str) -> None:
        """Wait until the answer has ended and is saved."""
        list(self.events(id_))
        self.read(id_)

    @contextmanager
    def reading(self, id_: str, after: str = "") -> Generator[Iterator[Event]]:
        """Read the events of the answer that is being written."""
        headers = {"last-event-id": after} if after else {}
        with self.http.stream("GET", f"/api/conversations/{id_}/events", headers=headers) as response:
            assert response.status_code in {200, 204}
            yield _events(response.iter_lines())

    def events(self, id_: str, after: str = "") -> list[Event]:
        """Read the events to their end."""
        with self.reading(id_, after) as events:
            return list(events)

    def read(self, id_: str) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get(f"/api/conversations/{id_}").json()
        return found

    def texts(self, id_: str) -> list[str]:
        return [message["text"] for message in self.read(id_)["messages"]]

    def last(self, id_: str) -> dict[str, Any]:
        found: dict[str, Any] = self.read(id_)["messages"][-1]
        return found


def _events(lines: Iterator[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        else:
            if "data" in fields:
                yield Event(fields.get("id", ""), fields["event"], json.loads(fields["data"]))
            fields = {}


OpenPage = Callable[..., Browser]


@pytest.fixture
def open_page(fake: FakeOllama, tmp_path: Path) -> Iterator[OpenPage]:
    """Serve the page with some options; the fixture is a function that returns what uses it."""
    with ExitStack() as stack:

        def start(**options: Any) -> Browser:
            store = tmp_path / "conversations.sqlite3"
            client = stack.enter_context(Client(options.pop("url", fake.url)))
            url = stack.enter_context(served(app(client, store=options.pop("store", store), **options)))
            http = httpx.Client(base_url=url, trust_env=False, timeout=20)
            return Browser(stack.enter_context(http), store)

        yield start


@pytest.fixture
def page(open_page: OpenPage) -> Browser:
    return open_page()
