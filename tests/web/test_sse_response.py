"""`sse_response` on real sockets."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, answer
from ollama_rx.web import Replay, sse_response


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], str]]:
    """Serve applications; the fixture is a function that returns an address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: ASGIApp) -> str:
        listening = threading.Event()

        class Server(uvicorn.Server):
            async def startup(self, sockets: object = None) -> None:  # noqa: ARG002
                await super().startup()
                listening.set()

        server = Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        running.append((server, thread))
        listening.wait()
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()


def test_the_items_arrive_as_typed_events_with_ids(serve: Callable[[ASGIApp], str]) -> None:
    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        fake.play(answer("Hi"))
        replay = Replay()
        url = serve(sse_response(client.generate("Hello"), replay=replay))

        response = httpx.get(url)

    events = [frame.split("\n") for frame in response.text.split("\n\n")]
    run = replay.last_id.partition("-")[0]
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert events[1] == [f"id: {run}-1", "event: text", 'data: {"text":"Hi"}']
    assert events[2][:2] == [f"id: {run}-2", "event: stats"]
    assert events[3] == [f"id: {run}-3", "event: done", 'data: {"reason":"completed"}']


def test_a_reader_that_has_all_events_gets_no_content(serve: Callable[[ASGIApp], str]) -> None:
    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        fake.play(answer("Hi"))
        replay = Replay()
        url = serve(sse_response(client.generate("Hello"), replay=replay))
        httpx.get(url)

        assert httpx.get(url, headers={"Last-Event-ID": replay.last_id}).status_code == 204
