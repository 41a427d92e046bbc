"""A worker is registered with what its hosts have at this moment, and with nothing while they are down."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from nats.js.errors import APIError

from ollama_rx import Client, UnreachableError
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.registry.worker_request import ask_worker
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.streams import ENTRY_LIFETIME
from ollama_rx.bus.subjects import Subjects, word_of
from ollama_rx.bus.worker import registration as registration_module
from ollama_rx.bus.worker.registration import Registration
from ollama_rx.testing import FakeOllama, Gate, Reply, Request, error_status, json_reply
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus, until


@pytest.fixture(autouse=True)
def _short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration_module, "_INTERVAL", 0.02)


def listing(*names: str) -> Reply:
    return json_reply({"models": [{"name": name, "model": name} for name in names]})


class Registered:
    """A worker that is registered, and what has been told of it."""

    def __init__(self, client: Client, connection: BusConnection, namespace: str) -> None:
        self.subjects = Subjects(namespace)
        self.streams = 0
        self.told: list[frozenset[str]] = []
        self.registry = Registry(connection, self.subjects)
        self.registration = Registration(
            client,
            connection,
            self.subjects,
            name="left",
            parallel=2,
            streams=lambda: self.streams,
            on_models=self.told.append,
        )

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self.registration.run())
        registered = asyncio.create_task(self.registration.registered.wait())
        await asyncio.wait({task, registered}, return_when=asyncio.FIRST_COMPLETED)
        registered.cancel()
        if task.done():
            task.result()
        try:
            yield
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def entry(self) -> WorkerState | None:
        workers = await self.registry.workers()
        return workers[0] if workers else None

    async def until_entry(self, holds: Callable[[WorkerState], bool]) -> WorkerState:
        while True:
            entry = await self.entry()
            if entry is not None and holds(entry):
                return entry


@asynccontextmanager
async def registered(connection: BusConnection, namespace: str, host: str) -> AsyncGenerator[Registered]:
    async with Client(host) as client:
        worker = Registered(client, connection, namespace)
        async with worker.running():
            yield worker


def test_the_entry_says_what_the_host_has(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            entry = await worker.entry()
            assert entry is not None
            assert entry.id == worker.registration.state.id
            assert (entry.name, entry.version, entry.parallel, entry.problem) == ("left", "0.33.0", 2, "")
            assert [model["digest"] for model in entry.models] == ["e0" * 32]
            assert [model["context_length"] for model in entry.running] == [4096]
            assert worker.told == [{"echo:latest"}]

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_the_queue_of_a_model_is_there_before_the_model_is_registered(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            for name in ("a", "b:8b"):
                queue = await connection.jetstream.consumer_info(
                    worker.subjects.prompts_stream, word_of(name)
                )
                assert queue.config.filter_subject == worker.subjects.prompts_of(name)

    with FakeOllama(on={"/api/tags": listing("a:latest", "b:8b")}) as fake:
        on_bus(nats_url, work)


def test_a_model_that_comes_or_goes_is_seen_at_the_next_look(nats_url: str, namespace: str) -> None:
    assert registration_module._HOST_LIMIT + 3 < ENTRY_LIFETIME, (
        "an entry does not expire while a host is slow"
    )

    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            fake.play(listing("b", "a"), path="/api/tags")
            await worker.until_entry(lambda entry: entry.has_model("b"))
            fake.play(listing("b"), path="/api/tags")
            await worker.until_entry(lambda entry: not entry.has_model("a"))
            assert worker.told == [{"a"}, {"a", "b"}, {"b"}]

    with FakeOllama(on={"/api/tags": listing("a")}) as fake:
        on_bus(nats_url, work)


def test_the_entry_says_how_busy_the_worker_is(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            worker.streams = 2
            await worker.until_entry(lambda entry: entry.streams == 2)

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_a_worker_whose_host_is_down_has_no_models_until_it_is_back(
    nats_url: str, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ollama_rx.bus")

    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, url) as worker:
            assert worker.told == []
            entry = await worker.until_entry(lambda entry: bool(entry.problem))
            assert (entry.models, entry.running) == ((), ())
            assert f"cannot reach {url}" in entry.problem
            with FakeOllama(port=port):
                entry = await worker.until_entry(lambda entry: entry.has_model("echo"))
                assert entry.problem == ""
            await worker.until_entry(lambda entry: not entry.models)
            assert worker.told == [{"echo:latest"}, frozenset()]

    with FakeOllama() as fake:
        url = fake.url
        port = int(url.rpartition(":")[2])
    on_bus(nats_url, work)
    words = [message.partition(":")[0] for message in caplog.messages if message.startswith("worker")]
    down = "worker left has no models until its host answers"
    assert words == [down, "worker left has 1 model", down]


def test_a_host_that_has_just_failed_is_asked_at_once(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration_module, "_INTERVAL", 60.0)

    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            fake.close()
            await worker.registration.look_now()
            assert worker.told == [{"echo:latest"}, frozenset()]

    with FakeOllama() as fake:
        on_bus(nats_url, work)


@pytest.mark.parametrize("path", ["/api/tags", "/api/ps", "/api/version"])
def test_a_host_that_is_broken_or_silent_is_down(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    gate = Gate()

    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            fake.play(error_status(500, "broken"), path=path)
            await worker.until_entry(lambda entry: "broken" in entry.problem)
            fake.play(Reply(lambda _: [gate]), path=path)
            entry = await worker.until_entry(lambda entry: "no host has answered" in entry.problem)
            assert entry.models == ()

    monkeypatch.setattr(registration_module, "_HOST_LIMIT", 0.5)
    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_the_models_of_all_hosts_are_registered(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with Client(hosts=[one.url, two.url]) as client:
            worker = Registered(client, connection, namespace)
            async with worker.running():
                assert worker.told == [{"a", "b", "both"}]

    with (
        FakeOllama(on={"/api/tags": listing("a", "both")}) as one,
        FakeOllama(on={"/api/tags": listing("b", "both")}) as two,
    ):
        on_bus(nats_url, work)


def test_models_without_a_name_are_left_out(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            assert worker.told == [{"a"}]

    with FakeOllama(on={"/api/tags": listing("", "a")}) as fake:
        on_bus(nats_url, work)


def test_a_model_of_the_cloud_is_offered_once_a_host_has_shown_it(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            assert not await worker.registry.has_model("no-such:cloud")
            assert await worker.registry.has_model("GPT-oss:120b-cloud")
            entry = await worker.until_entry(lambda entry: entry.has_model("gpt-oss:120b-cloud"))
            assert [model["name"] for model in entry.models] == ["echo:latest"]
            assert worker.told == [{"echo:latest"}, {"echo:latest", "gpt-oss:120b-cloud"}]
            queue = word_of("gpt-oss:120b-cloud")
            await connection.jetstream.consumer_info(worker.subjects.prompts_stream, queue)

    def show(request: Request) -> Reply:
        known = "gpt" in str(request.json["model"]).lower()
        return json_reply({}) if known else error_status(404, "model not found")

    with FakeOllama(on={"/api/show": show}) as fake:
        on_bus(nats_url, work)


def test_the_entry_is_deleted_when_the_worker_ends(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            assert await worker.entry() is not None
        assert await worker.entry() is None
        answer = await ask_worker(connection, worker.subjects, worker.registration.state.id, "/api/show", b"")
        assert answer is None

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_a_worker_answers_requests_while_it_is_registered(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            answer = await ask_worker(
                connection, worker.subjects, worker.registration.state.id, "/api/show", b'{"model":"echo"}'
            )
            assert answer is not None
            assert answer.status == 200

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_two_workers_have_entries_of_their_own(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with (
            registered(connection, namespace, fake.url),
            registered(connection, namespace, fake.url) as worker,
        ):
            assert len(await worker.registry.workers()) == 2
        assert await worker.registry.workers() == ()

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_a_worker_registers_anew_after_the_server_was_killed(nats_process: NatsProcess) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, "here", fake.url) as worker:
            nats_process.kill()
            await until(lambda: not connection.is_connected)
            fake.play(listing("new"), path="/api/tags")
            await asyncio.to_thread(nats_process.start)
            await worker.until_entry(lambda entry: entry.has_model("new"))

    with FakeOllama() as fake:
        on_bus(nats_process.url, work)


def test_streams_that_are_lost_are_made_again(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            subjects = worker.subjects
            for stream in (subjects.prompts_stream, f"KV_{subjects.workers_bucket}"):
                await connection.jetstream.delete_stream(stream)
            await worker.until_entry(lambda entry: entry.has_model("echo"))
            await connection.jetstream.consumer_info(subjects.prompts_stream, word_of("echo"))

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_after_a_lost_connection_the_queues_are_made_sure_of(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            await connection.jetstream.delete_consumer(worker.subjects.prompts_stream, word_of("echo"))
            await connection._reconnected()
            await has_queue(connection, worker.subjects)

    with FakeOllama() as fake:
        on_bus(nats_url, work)


async def has_queue(connection: BusConnection, subjects: Subjects) -> None:
    while True:
        queues = await connection.jetstream.consumers_info(subjects.prompts_stream)
        if [queue.name for queue in queues] == [word_of("echo")]:
            return


def test_streams_that_cannot_be_made_are_an_error_at_first(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object) -> None:
        raise APIError(code=500, err_code=10047, description="insufficient storage resources available")

    monkeypatch.setattr(registration_module, "prepare_streams", refuse)

    async def work(connection: BusConnection) -> None:
        with pytest.raises(UnreachableError, match="insufficient storage resources"):
            async with registered(connection, namespace, fake.url):
                pytest.fail("it is not registered")

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_a_server_without_streams_is_an_error_at_first(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unanswered(*_: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("ollama_rx.bus.connection.until_answered._WAITS", (0.01, 0.01))
    monkeypatch.setattr(registration_module, "prepare_streams", unanswered)

    async def work(connection: BusConnection) -> None:
        with pytest.raises(UnreachableError, match="JetStream does not answer there"):
            async with registered(connection, namespace, fake.url):
                pytest.fail("it is not registered")

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_trouble_later_on_is_logged_and_passes(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(*_: object) -> None:
        raise APIError(code=500, err_code=10047, description="insufficient storage resources available")

    async def work(connection: BusConnection) -> None:
        async with registered(connection, namespace, fake.url) as worker:
            with monkeypatch.context() as trouble:
                trouble.setattr(registration_module, "prepare_model", refuse)
                fake.play(listing("a"), path="/api/tags")
                await until(lambda: any("cannot register" in message for message in caplog.messages))
                looks = len(fake.requests)
                await until(lambda: len(fake.requests) > looks + 6)  # two more looks
                assert len([text for text in caplog.messages if "cannot register" in text]) == 1
            assert not await worker.registry.has_model("a")
            await worker.until_entry(lambda entry: entry.has_model("a"))
            await until(lambda: any("is registered again" in message for message in caplog.messages))

    caplog.set_level(logging.INFO, "ollama_rx.bus")
    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_a_connection_that_has_ended_for_good_ends_the_registration(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with Client(fake.url) as client:
            worker = Registered(client, connection, namespace)
            running = asyncio.create_task(worker.registration.run())
            await worker.registration.registered.wait()
            await connection.close()
            with pytest.raises(UnreachableError, match="the connection was closed"):
                await running

    with FakeOllama() as fake:
        on_bus(nats_url, work)


def test_a_worker_that_ends_while_the_server_is_silent_ends_soon(
    nats_process: NatsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration_module, "_FAREWELL", 0.05)

    async def work(connection: BusConnection) -> None:
        async with registered(connection, "here", fake.url):
            nats_process.pause()
        nats_process.resume()

    with FakeOllama() as fake:
        on_bus(nats_process.url, work)


def test_a_worker_that_ends_while_the_server_is_gone_ends_at_once(nats_process: NatsProcess) -> None:
    async def work(connection: BusConnection) -> None:
        async with registered(connection, "here", fake.url):
            nats_process.kill()
            await until(lambda: not connection.is_connected)

    with FakeOllama() as fake:
        on_bus(nats_process.url, work)
