"""How a client comes to a run, and leaves it, as the queue of prompts sees it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from nats.aio.msg import Msg
from nats.js.api import ConsumerInfo
from nats.js.errors import ServiceUnavailableError

from ollama_rx.bus.client import run_entry
from ollama_rx.bus.client.run_entry import NewRun
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.direct_get import stored_messages
from ollama_rx.bus.connection.store_message import Stored, store_message
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.streams import prepare_model, prepare_streams
from ollama_rx.bus.subjects import Subjects, word_of
from ollama_rx.errors import BusyError
from tests.bus.entries import register, worker_with
from tests.bus.on_bus import on_bus

MODEL = "any"


def new_run(subjects: Subjects, run: str) -> NewRun:
    prompt = Prompt(run=run, model=MODEL, path="/api/generate", body=b"{}")
    return NewRun(
        subjects, lambda connection: Registry(connection, subjects), prompt, is_shared=False, hold=False
    )


async def until_queued(connection: BusConnection, subjects: Subjects, *expected: str) -> None:
    """Wait until these prompts are in the queue: the server deletes a prompt after it was asked to."""
    found: list[str] | None = None
    while found != list(expected):
        messages = await stored_messages(connection, subjects.prompts_stream, subjects.all_prompts)
        found = [message.subject.rpartition(".")[2] for message in messages]


async def consumer_info(connection: BusConnection, subjects: Subjects) -> ConsumerInfo:
    found: ConsumerInfo = await connection.jetstream.consumer_info(subjects.prompts_stream, word_of(MODEL))
    return found


async def take(connection: BusConnection, subjects: Subjects) -> Msg:
    """Take a prompt as a worker does."""
    subject = f"$JS.API.CONSUMER.MSG.NEXT.{subjects.prompts_stream}.{word_of(MODEL)}"
    return await connection.nats.request(subject, orjson.dumps({"batch": 1}), timeout=5, old_style=True)


def test_a_prompt_that_is_withdrawn_leaves_the_queue_and_no_other_one_does(
    nats_url: str, namespace: str
) -> None:
    async def main(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        await prepare_model(connection, subjects, MODEL)
        runs = [new_run(subjects, run) for run in ("one", "two", "three")]
        for run in runs:
            await run.submit(connection)
        _, _, last = [await take(connection, subjects) for _ in runs]
        await runs[1].withdraw(connection, "not wanted")
        await last.ack()
        await until_queued(connection, subjects, "one")
        info = await consumer_info(connection, subjects)
        assert info.num_ack_pending == 1
        assert info.ack_floor is not None
        assert info.ack_floor.stream_seq == 0, "the server would not deliver the first one again"

    on_bus(nats_url, main)


def test_a_prompt_whose_acknowledgement_was_not_awaited_is_withdrawn_too(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        await prepare_model(connection, subjects, MODEL)
        run = new_run(subjects, "one")
        stored = asyncio.Event()

        async def never_answered(_: BusConnection, request: Callable[[], Awaitable[object]]) -> None:
            await request()
            stored.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(run_entry, "until_answered", never_answered)
        submitting = asyncio.create_task(run.submit(connection))
        await stored.wait()
        submitting.cancel()
        await asyncio.wait({submitting})
        await run.withdraw(connection, "not wanted")
        await until_queued(connection, subjects)

    on_bus(nats_url, main)


def test_a_prompt_is_stored_as_soon_as_the_streams_of_the_server_are_there(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [ServiceUnavailableError(code=503, err_code=10008, description="JetStream system is starting")]

    async def fail_at_first(*arguments: Any) -> Stored:
        if errors:
            raise errors.pop()
        return await store_message(*arguments)

    async def main(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        monkeypatch.setattr(run_entry, "store_message", fail_at_first)
        await prepare_model(connection, subjects, MODEL)
        assert await new_run(subjects, "one").submit(connection)
        await until_queued(connection, subjects, "one")

    on_bus(nats_url, main)


def test_a_prompt_waits_a_moment_for_a_host_that_is_away(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(connection: BusConnection) -> None:
        has_model = Registry.has_model
        looked = asyncio.Event()

        async def look(registry: Registry, model: str) -> bool:
            found = await has_model(registry, model)
            looked.set()
            return found

        monkeypatch.setattr(Registry, "has_model", look)
        subjects = Subjects(namespace)
        await register(connection, subjects, WorkerState(id="w", problem="its host restarts"))
        finding = asyncio.create_task(new_run(subjects, "one").find(connection))
        await looked.wait()
        await register(connection, subjects, worker_with("w", MODEL))
        assert not (await finding).is_over

    on_bus(nats_url, main)


def test_a_host_that_stays_away_is_told_as_an_error_that_may_pass(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_entry, "_LOOK_AGAIN", 0.0)

    async def main(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, WorkerState(id="w", problem="its host is down"))
        with pytest.raises(BusyError, match="no worker reaches its host") as failed:
            await new_run(subjects, "one").find(connection)
        assert failed.value.retryable

    on_bus(nats_url, main)
