"""Whoever stops reading stops the computation, wherever it is, and the next request is answered."""

import asyncio
import gc
import threading
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

from ollama_rx.embedded import answering
from ollama_rx.embedded.engine import SLOTS, Event
from ollama_rx.embedded.replies import Reply
from ollama_rx.embedded.residence import Residence
from ollama_rx.embedded.transport import EmbeddedTransport
from tests.embedded.asking import URL, Model

pytestmark = pytest.mark.embedded
DEADLINE_SECONDS = 2.0  # the contract is 0.3 s; the machine of a test may be busy
COUNTING: dict[str, object] = {"temperature": 0, "repeat_penalty": 1}  # goes on until the context is full
ENDLESS: dict[str, object] = {"prompt": "1, 2, 3, 4,", "raw": True, "options": COUNTING}
LONG: dict[str, object] = {"prompt": "word " * 1500, "raw": True, "options": {"num_predict": 1}}


class Client(httpx.AsyncClient):
    """A client that can tell how many answers are still computed."""

    def __init__(self, model: Model) -> None:
        self.embedded = EmbeddedTransport(model.weights, any_name=True, show_progress=False)
        super().__init__(transport=self.embedded, base_url=URL, timeout=None)

    async def begin(self, body: dict[str, object]) -> httpx.Response:
        return await self.send(self.build_request("POST", "/api/generate", json=body), stream=True)

    async def must_be_idle_soon(self) -> None:
        """Wait until nothing is computed any more, and see that a new request is answered."""
        began = time.perf_counter()
        for job in list(self.embedded.jobs):
            await asyncio.to_thread(job.join)
        assert time.perf_counter() - began < DEADLINE_SECONDS
        body = {"prompt": "Hi", "stream": False, "options": {"num_predict": 1}}
        assert (await self.post("/api/generate", json=body)).status_code == 200


def run(model: Model, scene: Callable[[Client], Awaitable[None]]) -> None:
    async def play() -> None:
        async with Client(model) as client:
            await scene(client)

    asyncio.run(play())


@pytest.fixture
def reading_a_prompt(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Tell when the model is in the middle of a prompt."""
    seen = threading.Event()

    class Watched(Reply):
        def feed(self, event: Event) -> bytes | None:
            if "prompt_progress" in event:
                seen.set()
            return super().feed(event)

    monkeypatch.setattr(answering, "Reply", Watched)
    return seen


def test_closing_the_body_stops_the_generation(model: Model) -> None:
    async def scene(client: Client) -> None:
        reply = await client.begin(ENDLESS)
        async for _ in reply.aiter_bytes():
            break
        await reply.aclose()
        await client.must_be_idle_soon()

    run(model, scene)


def test_dropping_the_reply_stops_the_generation(model: Model) -> None:
    async def scene(client: Client) -> None:
        reply = await client.begin(ENDLESS)
        del reply
        gc.collect()
        await client.must_be_idle_soon()

    run(model, scene)


def test_cancelling_the_task_stops_the_reading_of_the_prompt(
    model: Model, reading_a_prompt: threading.Event
) -> None:
    async def scene(client: Client) -> None:
        task = asyncio.create_task(client.begin(LONG))
        assert await asyncio.to_thread(reading_a_prompt.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.must_be_idle_soon()

    run(model, scene)


def test_cancelling_an_answer_that_is_not_streamed_stops_it(
    model: Model, reading_a_prompt: threading.Event
) -> None:
    async def scene(client: Client) -> None:
        task = asyncio.create_task(client.begin(ENDLESS | {"stream": False}))
        assert await asyncio.to_thread(reading_a_prompt.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await client.must_be_idle_soon()

    run(model, scene)


def test_a_request_that_waits_in_line_can_be_cancelled(model: Model, residence: Residence) -> None:
    async def scene(client: Client) -> None:
        computing = [await client.begin(ENDLESS) for _ in range(SLOTS)]
        waiting = asyncio.create_task(client.begin(ENDLESS))
        while not residence.waiting:
            await asyncio.to_thread(threading.Event().wait, 0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        while residence.waiting:
            await asyncio.to_thread(threading.Event().wait, 0.001)
        for reply in computing:
            await reply.aclose()
        await client.must_be_idle_soon()

    run(model, scene)


def test_readers_that_do_not_read_hold_nobody_up(model: Model) -> None:
    async def scene(client: Client) -> None:
        long = ENDLESS | {"options": COUNTING | {"num_predict": 100}}
        sleeping = [await client.begin(long) for _ in range(SLOTS)]
        body = {"prompt": "Hi", "stream": False, "options": {"num_predict": 1}}
        assert (await client.post("/api/generate", json=body)).status_code == 200
        for reply in sleeping:
            lines = [line async for line in reply.aiter_lines()]
            assert len(lines) == 101

    run(model, scene)


def test_closing_the_transport_ends_its_streams_and_leaves_nothing(model: Model) -> None:
    before = set(threading.enumerate())

    async def scene(client: Client) -> None:
        reply = await client.begin(ENDLESS)
        lines = reply.aiter_lines()
        await anext(lines)
        await client.embedded.aclose()
        assert not client.embedded.jobs
        rest = [line async for line in lines]
        assert not any('"done":true' in line for line in rest)
        await reply.aclose()
        await client.must_be_idle_soon()  # and it can be used again

    run(model, scene)
    assert set(threading.enumerate()) == before


def test_closing_the_transport_refuses_who_still_waits(
    model: Model, reading_a_prompt: threading.Event
) -> None:
    async def scene(client: Client) -> None:
        task = asyncio.create_task(client.begin(LONG))
        assert await asyncio.to_thread(reading_a_prompt.wait, 10)
        await client.embedded.aclose()
        reply = await task
        await reply.aread()
        assert (reply.status_code, reply.json()) == (503, {"error": "the embedded model was closed"})

    run(model, scene)
