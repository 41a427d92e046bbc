"""`ui_message_response` as an ASGI application; tests/web/ai_sdk/npm reads it with the AI SDK itself."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from reactivex import Observable, defer, of, throw
from reactivex.subject import Subject
from starlette.responses import Response
from starlette.types import Message, Scope

from ollama_rx import Chunk, ClientClosedError
from ollama_rx.web import Replay, ui_message_response

DONE = "[DONE]"
SCOPE: Scope = {"type": "http", "method": "GET", "headers": []}


async def fetch(response: Response, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(response)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as browser:
        return await browser.get("/", headers=headers)


def reading_by(response: Response, sent: asyncio.Queue[Any]) -> asyncio.Task[None]:
    """Let a client that never leaves read a response; what it is sent is in the queue."""

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    return asyncio.create_task(response(SCOPE, receive, sent.put))


class PushedAnswer:
    """A stream whose items the test sends."""

    def __init__(self) -> None:
        self.subject = Subject[Any]()
        self.is_read = asyncio.Event()
        self.stream = defer(self._begin)

    def _begin(self, _: object) -> Observable[Any]:
        self.is_read.set()
        return self.subject

    async def push(self, replay: Replay, item: object) -> None:
        """Send an item, and return when the readers have been told about it."""
        await self.is_read.wait()
        async with replay.join(replay.last_id) as reader:
            self.subject.on_next(item)
            await reader.read()


def frames(response: httpx.Response) -> list[Any]:
    """Return the parts that were sent, and "[DONE]"."""
    *sent, rest = response.text.split("\n\n")
    assert rest == ""
    data = [frame.removeprefix("data: ") for frame in sent if frame.startswith("data: ")]
    return [one if one == DONE else json.loads(one) for one in data]


def parts_of(stream: Observable[Any], **options: Any) -> list[Any]:
    return frames(asyncio.run(fetch(ui_message_response(stream, **options))))


def test_an_answer_is_sent_as_the_sdk_expects_it() -> None:
    answer = of(Chunk({"response": "Hi"}), Chunk({"response": "", "done": True, "eval_count": 2}))
    response = asyncio.run(fetch(ui_message_response(answer, message_id="m")))

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert response.headers["x-accel-buffering"] == "no"
    *before, figures, text_end, finish_step, finish, done = frames(response)
    assert before == [
        {"type": "start", "messageId": "m"},
        {"type": "start-step"},
        {"type": "text-start", "id": "text-1"},
        {"type": "text-delta", "id": "text-1", "delta": "Hi"},
    ]
    assert figures["type"] == "message-metadata"
    assert figures["messageMetadata"]["stats"]["tokens"] == 2
    assert text_end == {"type": "text-end", "id": "text-1"}
    assert [finish_step, finish, done] == [{"type": "finish-step"}, {"type": "finish"}, DONE]


def test_the_message_begins_before_the_model_has_said_anything() -> None:
    async def first_bytes() -> bytes:
        sent: asyncio.Queue[Any] = asyncio.Queue()
        reading = reading_by(ui_message_response(Subject[str](), message_id="m"), sent)
        await sent.get()  # the head
        body: bytes = (await sent.get())["body"]
        reading.cancel()
        return body

    assert asyncio.run(first_bytes()) == (
        b'data: {"type":"start","messageId":"m"}\n\ndata: {"type":"start-step"}\n\n'
    )


def test_a_failed_stream_ends_with_an_error_and_the_mark() -> None:
    *_, error, done = parts_of(throw(ClientClosedError()))
    assert error == {"type": "error", "errorText": str(ClientClosedError())}
    assert done == DONE


def test_a_reader_that_cannot_go_on_is_sent_away_while_the_stream_goes_on() -> None:
    async def read() -> bool:
        replay, answer = Replay(max_events=1), Subject[str]()
        replay.start(answer)
        for word in ("It", " is"):
            answer.on_next(word)
        sent: asyncio.Queue[Any] = asyncio.Queue()
        reading = reading_by(ui_message_response(replay=replay), sent)
        while not (await sent.get()).get("body", b"").endswith(b"data: [DONE]\n\n"):
            pass
        answer.on_next(" blue")
        await reading
        return replay.is_over

    assert not asyncio.run(read())


def test_each_answer_has_an_id_of_its_own() -> None:
    first, second = (parts_of(of("a"))[0]["messageId"] for _ in range(2))
    assert first.startswith("msg-")
    assert first != second


def test_a_reader_that_resumes_gets_the_same_message_from_its_beginning() -> None:
    async def two_readers() -> list[list[Any]]:
        replay, answer = Replay(), PushedAnswer()
        first = asyncio.create_task(fetch(ui_message_response(answer.stream, replay=replay)))
        await answer.push(replay, "It is")
        resumed = ui_message_response(replay=replay)
        second = asyncio.create_task(fetch(resumed, **{"Last-Event-ID": replay.last_id}))
        await answer.push(replay, " blue")
        answer.subject.on_completed()
        return [frames(await one) for one in (first, second)]

    first, second = asyncio.run(two_readers())
    assert first == second
    assert [part["delta"] for part in first[:-1] if "delta" in part] == ["It is", " blue"]


def test_to_resume_an_answer_that_is_over_or_never_was_has_no_content() -> None:
    async def statuses() -> list[int]:
        replay = Replay()
        whole = await fetch(ui_message_response(of("a"), replay=replay))
        assert frames(whole)[-1] == DONE
        return [
            (await fetch(ui_message_response(replay=replay))).status_code,
            (await fetch(ui_message_response())).status_code,
        ]

    assert asyncio.run(statuses()) == [204, 204]


def test_a_response_as_an_application_asks_anew_for_each_request() -> None:
    async def twice() -> list[list[Any]]:
        app = ui_message_response(of("a"))
        return [frames(await fetch(app)) for _ in range(2)]

    first, second = asyncio.run(twice())
    assert first[0]["messageId"] != second[0]["messageId"]
    assert first[1:] == second[1:]


def test_half_a_character_becomes_the_replacement_character() -> None:
    assert {"type": "text-delta", "id": "text-1", "delta": "a�"} in parts_of(of("a\ud83d"))


async def read_late(*, reset_steps: bool) -> list[str]:
    """Return the types of the parts for a reader that comes when the beginning is no longer kept."""
    replay, answer = Replay(max_events=2), Subject[str]()
    replay.start(answer)
    for word in ("It", " is", " blue"):
        answer.on_next(word)
    answer.on_completed()
    response = ui_message_response(answer, replay=replay, reset_steps=reset_steps)
    return [part["type"] for part in frames(await fetch(response))[:-1]]


def test_without_its_beginning_an_answer_is_an_error() -> None:
    parts = asyncio.run(read_late(reset_steps=False))
    assert parts == ["start", "start-step", "finish-step", "error"]


def test_without_its_beginning_an_answer_has_its_step_reset_if_asked_for() -> None:
    parts = asyncio.run(read_late(reset_steps=True))
    assert parts[:5] == ["start", "start-step", "reset-step", "text-start", "text-delta"]


def test_a_question_that_is_sent_twice_is_asked_once() -> None:
    async def twice() -> list[list[Any]]:
        replay = Replay()
        return [frames(await fetch(ui_message_response(of(word), replay=replay))) for word in "ab"]

    first, second = asyncio.run(twice())
    assert first == second


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stream": "text"}, "stream: expected an Observable"),
        ({"replay": "text"}, "replay: expected"),
        ({"stream": of("a"), "message_id": 7}, "message_id: expected text, got int"),
        ({"stream": of("a"), "reset_steps": 1}, "reset_steps: expected True or False, got int"),
        ({"stream": of("a"), "heartbeat": "1"}, "heartbeat: expected"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        ui_message_response(**arguments)


def test_a_replay_that_has_not_started_needs_a_stream() -> None:
    with pytest.raises(ValueError, match="stream: expected an Observable"):
        ui_message_response(replay=Replay())
