"""Server-sent events, as a browser's `EventSource` reads them, on real sockets."""

import asyncio
import json
from typing import Any, NamedTuple

import pytest
import reactivex
from reactivex.subject import Subject

from ollama_rx import Client
from ollama_rx.testing import FakeOllama, answer, cut, endless, midstream_error
from ollama_rx.web import Replay, sse_response
from tests.web.in_loop_server import GET_ONCE, RawClient, lines_of, serving

pytestmark = pytest.mark.usefixtures("no_thread_left")


class Event(NamedTuple):
    """What `EventSource` gives a page."""

    id: str
    type: str
    data: Any


class EventSource:
    """What a browser makes of a response: lines become fields, an empty line ends an event."""

    def __init__(self, response: bytes) -> None:
        self.lines = lines_of(response)
        self.events: list[Event] = []
        self.retry = ""
        self._last_id = ""
        fields: dict[str, str] = {}
        for line in self.lines[self.lines.index("") + 1 :]:
            name, colon, value = line.partition(": ")
            if name == "retry":
                self.retry = value
            elif colon:
                assert name not in fields
                fields[name] = value
            elif "data" in fields:
                self._last_id = fields.get("id", self._last_id)
                self.events.append(Event(self._last_id, fields["event"], json.loads(fields["data"])))
                fields = {}

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.events]


def get(last_id: str = "") -> bytes:
    header = f"Last-Event-ID: {last_id}\r\n" if last_id else ""
    return GET_ONCE.replace(b"\r\n\r\n", f"\r\n{header}\r\n".encode())


async def read(app: Any, last_id: str = "") -> EventSource:
    async with serving(app) as server:
        return EventSource(await (await server.connect(get(last_id))).rest())


def test_an_answer_arrives_as_typed_events_with_ids() -> None:
    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        fake.play(answer("Hi ", "there"))
        source = asyncio.run(read(sse_response(client.generate("Hello"))))

    assert source.lines[0] == "HTTP/1.1 200 OK"
    assert "content-type: text/event-stream; charset=utf-8" in source.lines
    assert "x-accel-buffering: no" in source.lines
    assert source.retry == "1000"
    assert source.types == ["text", "text", "stats", "done"]
    assert "".join(event.data["text"] for event in source.events[:2]) == "Hi there"
    run = source.events[0].id.removesuffix("-1")
    assert [event.id for event in source.events] == [f"{run}-{number}" for number in (1, 2, 3, 4)]
    assert source.events[-1].data == {"reason": "completed"}


@pytest.mark.parametrize(
    "text", ["a\n\nb", "\r", "\r\n", "id: 1\n\n", "\u2028", "\x00", "\ud83d", "🐳", "\x85"]
)
def test_any_text_arrives_as_it_is(text: str) -> None:
    source = asyncio.run(read(sse_response(reactivex.of(text))))

    assert source.events[0].data == {"text": text.replace("\ud83d", "\ufffd")}
    assert source.types == ["text", "done"]


@pytest.mark.parametrize(
    ("part", "name"), [(midstream_error("no memory"), "ServerError"), (cut(), "IncompleteStreamError")]
)
def test_an_error_of_the_model_is_the_last_event(part: Any, name: str) -> None:
    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        fake.play(answer("Hi", part))
        source = asyncio.run(read(sse_response(client.generate("Hello"))))

    assert source.types == ["text", "error"]
    assert source.events[-1].data["type"] == name


def test_an_error_of_the_program_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    source = asyncio.run(read(sse_response(reactivex.throw(ValueError("secret")))))

    assert source.types == ["error"]
    assert "secret" not in "".join(source.lines)
    assert "secret" in caplog.text


def test_a_reader_that_comes_back_goes_on_and_stops_at_the_end() -> None:
    async def main() -> None:
        subject, replay = Subject[object](), Replay()
        async with serving(sse_response(subject, replay=replay)) as server:
            first = await server.connect(get())
            await first.until(b"retry: 1000\n\n")
            subject.on_next("a")
            await first.until(b'"a"}\n\n')
            last_id = replay.last_id
            await first.close()
            subject.on_next("b")
            second = await server.connect(get(last_id))
            await second.until(b'"b"}\n\n')
            subject.on_completed()
            await second.rest()
            third = await (await server.connect(get(replay.last_id))).rest()
            assert third.startswith(b"HTTP/1.1 204 No Content\r\n")

    asyncio.run(main())


def test_a_reader_of_a_stream_without_replay_that_comes_back_is_told_to_stop() -> None:
    source = asyncio.run(read(sse_response(reactivex.of("a")), last_id="0123abcd-5"))

    assert source.lines[0] == "HTTP/1.1 204 No Content"


@pytest.mark.parametrize("replay", [None, Replay(grace=0)])
def test_a_reader_that_leaves_stops_the_model(replay: Replay | None) -> None:
    async def leave(client: Client, fake: FakeOllama) -> None:
        async with serving(sse_response(client.generate("Hello"), replay=replay)) as server:
            reader: RawClient = await server.connect()
            await reader.until(b"event: text")
            await reader.close()
            await asyncio.to_thread(fake.wait_for_disconnect)

    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        fake.play(answer(endless()))
        asyncio.run(leave(client, fake))


def test_a_server_that_shuts_down_stops_the_model() -> None:
    async def shut_down(client: Client) -> None:
        async with serving(sse_response(client.generate("Hello"))) as server:
            await (await server.connect()).until(b"event: text")
            await server.shut_down()

    with FakeOllama() as fake, Client(fake.url, model="m") as client:
        fake.play(answer(endless()))
        asyncio.run(shut_down(client))
        fake.wait_for_disconnect()


def test_neither_stream_nor_replay_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an Observable, or a replay that has started, got neither"):
        sse_response()
