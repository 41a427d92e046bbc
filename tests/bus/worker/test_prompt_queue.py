"""Prompts come one by one, for all models, as many as there are free slots."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.errors import OutboundBufferLimitError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.streams import prepare_model, prepare_streams
from ollama_rx.bus.subjects import Subjects, word_of
from ollama_rx.bus.worker import prompt_queue
from ollama_rx.bus.worker.prompt_queue import PromptQueue, Release
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus

LIMIT = 10.0  # seconds


class Place:
    """A queue, and what it has taken."""

    def __init__(self, connection: BusConnection, subjects: Subjects, slots: int) -> None:
        self.connection = connection
        self.subjects = subjects
        self.queue = PromptQueue(connection, subjects, slots=slots, take=self.take)
        self.taken: list[tuple[Msg, Release]] = []
        self._changed = asyncio.Event()

    def take(self, message: Msg, release: Release) -> None:
        self.taken.append((message, release))
        self._changed.set()

    async def until_taken(self, count: int) -> None:
        async with asyncio.timeout(LIMIT):
            while len(self.taken) < count:
                self._changed.clear()
                await self._changed.wait()

    async def put(self, model: str, run: str) -> None:
        await self.connection.jetstream.publish(self.subjects.prompt(model, run), run.encode())

    async def finish(self, number: int) -> None:
        """Acknowledge a prompt that was taken, and give its slot back."""
        message, release = self.taken[number]
        await message.ack()
        release()
        release()

    @property
    def runs(self) -> list[str]:
        return [message.data.decode() for message, _ in self.taken]

    async def waiting_requests(self, model: str) -> int:
        info = await self.connection.jetstream.consumer_info(self.subjects.prompts_stream, word_of(model))
        return info.num_waiting or 0

    async def until_requested(self, *models: str) -> None:
        async with asyncio.timeout(LIMIT):
            for model in models:
                while await self.waiting_requests(model) != 1:
                    pass


@asynccontextmanager
async def taking(
    connection: BusConnection, namespace: str, *models: str, slots: int = 1
) -> AsyncGenerator[Place]:
    """Take prompts for models until the block is left."""
    subjects = Subjects(namespace)
    await prepare_streams(connection, subjects)
    for model in models:
        await prepare_model(connection, subjects, model)
    place = Place(connection, subjects, slots)
    place.queue.set_models(models)
    running = asyncio.create_task(place.queue.run())
    try:
        yield place
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def test_prompts_of_all_models_are_taken(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a", "b:1b", slots=9) as place:
            await place.put("a", "one")
            await place.put("b:1b", "two")
            await place.put("a", "three")
            await place.until_taken(3)
            assert sorted(place.runs) == ["one", "three", "two"]

    on_bus(nats_url, work)


def test_a_prompt_that_looks_like_a_message_of_the_server_is_taken(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a") as place:
            subject = place.subjects.prompt("a", "r")
            await connection.jetstream.publish(subject, b"one", headers={"Status": "408"})
            await place.until_taken(1)
            assert place.runs == ["one"]

    on_bus(nats_url, work)


def test_no_more_are_taken_than_there_are_slots(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a", slots=2) as place:
            for run in ("one", "two", "three"):
                await place.put("a", run)
            await place.until_taken(2)
            assert await place.waiting_requests("a") == 0
            await place.finish(0)
            await place.until_taken(3)
            assert place.runs == ["one", "two", "three"]

    on_bus(nats_url, work)


def test_a_prompt_that_comes_when_no_slot_is_free_is_given_back(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a", "b") as place:
            await place.until_requested("a", "b")
            await place.put("a", "one")
            await place.until_taken(1)
            await place.put("b", "two")
            async with taking(connection, namespace, "b") as other:
                await other.until_taken(1)
                assert (place.runs, other.runs) == (["one"], ["two"])

    on_bus(nats_url, work)


def test_the_model_that_was_served_last_is_asked_for_last(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a", "b", "c") as place:
            await place.until_requested("a", "b", "c")
            asked: list[str] = []
            publish = connection.nats.publish

            async def noted(subject: str, *args: Any, **kwargs: Any) -> None:
                if "MSG.NEXT" in subject:
                    asked.append(subject.rpartition(".")[2])
                await publish(subject, *args, **kwargs)

            monkeypatch.setattr(connection.nats, "publish", noted)
            for count, model in enumerate("abc"):
                await place.put(model, model)
                await place.until_taken(count + 1)
                await place.finish(count)
                await place.until_requested("a", "b", "c")
            assert asked == [word_of(model) for model in "abc"]
            assert list(place.queue._models) == asked

    on_bus(nats_url, work)


def test_models_come_and_go(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a", "b", slots=9) as place:
            await place.until_requested("a", "b")
            place.queue.set_models(["b", "B:latest"])
            await place.put("a", "one")
            await place.put("b", "two")
            await place.until_taken(1)
            place.queue.set_models(["a"])
            await place.until_taken(2)
            assert place.runs == ["two", "one"]

    on_bus(nats_url, work)


def test_prompts_come_again_after_the_server_was_killed(nats_process: NatsProcess, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        back = asyncio.Event()
        connection.on_reconnect(back.set)
        async with taking(connection, namespace, "a", slots=9) as place:
            await place.until_requested("a")
            nats_process.kill()
            await asyncio.to_thread(nats_process.start)
            await back.wait()
            await place.until_requested("a")
            await place.put("a", "one")
            await place.until_taken(1)

    on_bus(nats_process.url, work)


def test_a_request_that_has_expired_is_repeated(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_queue, "_REQUEST", b'{"batch":1,"expires":20000000}')
    expired = asyncio.Event()
    received = PromptQueue._received

    def noted(self: PromptQueue, message: Msg) -> None:
        if (message.headers or {}).get("Status") == "408":
            expired.set()
        received(self, message)

    monkeypatch.setattr(PromptQueue, "_received", noted)

    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a") as place:
            await expired.wait()
            await place.put("a", "one")
            await place.until_taken(1)

    on_bus(nats_url, work)


def test_a_request_without_an_answer_counts_as_lost_after_a_while(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_queue, "_LOST", 0.02)

    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a") as place:
            await place.until_requested("a")
            monkeypatch.undo()
            async with asyncio.timeout(LIMIT):
                while await place.waiting_requests("a") < 2:
                    pass

    on_bus(nats_url, work)


def test_a_request_that_cannot_be_sent_is_repeated(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = NatsClient.publish
    refused = asyncio.Event()

    async def refusing(self: NatsClient, subject: str, *args: Any, **kwargs: Any) -> None:
        if "MSG.NEXT" in subject and not refused.is_set():
            refused.set()
            raise OutboundBufferLimitError
        await publish(self, subject, *args, **kwargs)

    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a") as place:
            await place.until_requested("a")
            assert refused.is_set()

    monkeypatch.setattr(NatsClient, "publish", refusing)

    on_bus(nats_url, work)


def test_a_queue_that_was_removed_is_made_again(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a") as place:
            await place.until_requested("a")
            await connection.jetstream.delete_consumer(place.subjects.prompts_stream, word_of("a"))
            await place.put("a", "one")
            await place.until_taken(1)

    on_bus(nats_url, work)


def test_streams_that_were_removed_are_made_again(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a") as place:
            await place.until_requested("a")
            await connection.jetstream.delete_stream(place.subjects.prompts_stream)
            async with asyncio.timeout(LIMIT):
                while not place.taken:
                    with suppress(Exception):
                        await place.put("a", "one")
                    await connection.nats.flush()

    on_bus(nats_url, work)


def test_what_comes_at_the_end_is_given_back(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.bus.streams.ACK_WAIT", 100.0)  # it comes at once or not at all

    async def work(connection: BusConnection) -> None:
        async with taking(connection, namespace, "a") as place:
            await place.until_requested("a")
            await connection.nats.publish(place.subjects.prompt("a", "one"), b"one")
        async with taking(connection, namespace, "a") as other:
            await other.until_taken(1)
            assert (place.runs, other.runs) == ([], ["one"])

    on_bus(nats_url, work)
