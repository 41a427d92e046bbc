"""The registry: which workers are there at this moment, whatever its entries contain."""

import asyncio

import pytest

from ollama_rx import UnreachableError
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.registry import worker_registry as registry_module
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.streams import ENTRY_LIFETIME, prepare_streams
from ollama_rx.bus.subjects import Subjects
from tests.bus.entries import delete_entry, put_entry, register, worker_with
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus, until


async def ids(registry: Registry) -> list[str]:
    return sorted(worker.id for worker in await registry.workers())


def test_a_server_that_has_never_seen_a_worker_has_no_models(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        registry = Registry(connection, Subjects(namespace))
        assert await registry.workers() == ()
        assert not await registry.has_model("a")

    on_bus(nats_url, work)


def test_a_bucket_without_entries_has_no_models(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await prepare_streams(connection, Subjects(namespace))
        registry = Registry(connection, Subjects(namespace))
        assert await registry.workers() == ()
        assert not await registry.has_model("a")

    on_bus(nats_url, work)


def test_models_are_found_by_any_of_their_names(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(
            connection, subjects, worker_with("w1", "a:latest"), worker_with("w2", "b:8b", "a:latest")
        )
        registry = Registry(connection, subjects)
        for name in ("a", "A:latest", "b:8B"):
            assert await registry.has_model(name)
        assert not await registry.has_model("b")
        assert [worker.id for worker in await registry.workers_with("a")] == ["w1", "w2"]
        assert [worker.id for worker in await registry.workers_with("b:8b")] == ["w2"]
        assert await registry.workers_with("c") == ()

    on_bus(nats_url, work)


def test_two_namespaces_know_nothing_of_each_other(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await register(connection, Subjects(f"{namespace}_1"), worker_with("w1", "a"))
        await register(connection, Subjects(f"{namespace}_2"), worker_with("w2", "b"))
        first, second = (
            Registry(connection, Subjects(f"{namespace}_1")),
            Registry(connection, Subjects(f"{namespace}_2")),
        )
        assert (await ids(first), await ids(second)) == (["w1"], ["w2"])
        assert not await first.has_model("b")
        assert not await second.has_model("a")

    on_bus(nats_url, work)


def test_hundreds_of_workers_with_hundreds_of_models_are_read(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        models = [f"model-{number}" for number in range(300)]
        await register(
            connection,
            subjects,
            *(worker_with(f"w{number}", *models, f"only-{number}") for number in range(300)),
        )
        registry = Registry(connection, subjects)
        assert len(await registry.workers()) == 300
        assert await registry.has_model("only-299")
        assert len(await registry.workers_with("model-7")) == 300

    on_bus(nats_url, work)


def test_a_worker_that_has_ended_or_changed_is_seen_at_the_next_look(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"), worker_with("w2", "b"))
        registry = Registry(connection, subjects)
        assert await ids(registry) == ["w1", "w2"]
        await delete_entry(connection, subjects, "w1")
        await register(connection, subjects, worker_with("w2", "c"))
        assert [worker.model_names for worker in await registry.workers()] == [{"c:latest"}]
        await register(connection, subjects, worker_with("w1", "a"))
        assert await ids(registry) == ["w1", "w2"]

    on_bus(nats_url, work)


def test_an_entry_that_is_not_written_again_expires(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ENTRY_LIFETIME > 4 * 3, "three heartbeats may be lost"
    monkeypatch.setattr("ollama_rx.bus.streams.ENTRY_LIFETIME", 0.2)

    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        assert await ids(registry) == ["w1"]
        while await ids(registry):
            pass

    on_bus(nats_url, work)


@pytest.mark.parametrize("garbage", [b"", b"hello", b"[]", b"x\x9cbroken", b'{"models": 7}'])
def test_garbage_in_the_bucket_hides_nobody(nats_url: str, namespace: str, garbage: bytes) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        await put_entry(connection, subjects, "stranger", garbage)
        await put_entry(connection, subjects, "not.an.id", garbage)
        registry = Registry(connection, subjects)
        assert "w1" in await ids(registry)
        assert await registry.has_model("a")

    on_bus(nats_url, work)


def test_a_model_that_was_found_counts_as_found_for_a_moment(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        assert await registry.has_model("a")
        await delete_entry(connection, subjects, "w1")
        assert await registry.has_model("a")
        assert await registry.workers() == ()
        assert not await registry.has_model("a")

    monkeypatch.setattr(registry_module, "_FRESH", 60.0)
    on_bus(nats_url, work)


def test_after_that_moment_it_is_asked_again(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        assert await registry.has_model("a")
        await delete_entry(connection, subjects, "w1")
        assert not await registry.has_model("a")

    monkeypatch.setattr(registry_module, "_FRESH", 0.0)
    on_bus(nats_url, work)


def test_a_missing_model_is_found_as_soon_as_a_worker_has_it(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        assert not await registry.has_model("b")
        await register(connection, subjects, worker_with("w2", "b"))
        assert await registry.has_model("b")

    on_bus(nats_url, work)


def test_a_model_of_the_cloud_is_missing_if_no_worker_can_show_it(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        down = WorkerState(id="w2", problem="its host is down")
        await register(connection, subjects, worker_with("w1", "a"), down)
        registry = Registry(connection, subjects)
        assert not await registry.has_model("b:cloud")
        assert [worker.id for worker in await registry.workers_with("b:cloud")] == ["w1"]

    on_bus(nats_url, work)


def test_what_is_missing_is_told_with_its_reason(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        registry = Registry(connection, subjects)
        for workers, reason in (
            ((), ": no worker is running"),
            ((WorkerState(id="w1", problem="its host is down"),), ": no worker reaches its host"),
            ((worker_with("w2", "a"),), ""),
        ):
            await register(connection, subjects, *workers)
            assert not await registry.has_model("B")
            assert registry.reason_for_missing("B") == f"model 'B' not found{reason}"

    on_bus(nats_url, work)


def count_requests(monkeypatch: pytest.MonkeyPatch, connection: BusConnection) -> list[str]:
    sent: list[str] = []
    publish = connection.nats.publish

    async def counted(subject: str, payload: bytes = b"", reply: str = "") -> None:
        sent.append(subject)
        await publish(subject, payload, reply)

    monkeypatch.setattr(connection.nats, "publish", counted)
    return sent


def test_streams_that_begin_at_the_same_time_share_a_request(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        sent = count_requests(monkeypatch, connection)
        assert all(await asyncio.gather(*(registry.has_model("a") for _ in range(100))))
        assert not any(await asyncio.gather(*(registry.has_model("b") for _ in range(100))))
        assert len(sent) == 2

    on_bus(nats_url, work)


def test_a_stream_that_is_given_up_takes_nothing_from_the_others(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        tasks = [asyncio.create_task(registry.has_model("a")) for _ in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        assert await asyncio.gather(*tasks[1:]) == [True, True]
        assert tasks[0].cancelled()

    on_bus(nats_url, work)


def test_the_request_of_streams_that_are_all_given_up_is_given_up(nats_process: NatsProcess) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects("here")
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        nats_process.pause()
        tasks = [asyncio.create_task(registry.has_model("a")) for _ in range(3)]
        await until(lambda: registry._look_up is not None)
        look_up = registry._look_up
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        again = asyncio.create_task(registry.has_model("a"))
        nats_process.resume()
        assert await again
        assert look_up is not None
        assert look_up.cancelled()

    on_bus(nats_process.url, work)


def test_a_reader_sees_each_worker_while_entries_change(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        workers = [worker_with(f"w{number}", "a") for number in range(20)]
        await register(connection, subjects, *workers)
        registry = Registry(connection, subjects)

        async def keep_writing() -> None:
            while True:
                for worker in workers:
                    await put_entry(connection, subjects, worker.id, worker.encode(1000))

        writing = asyncio.create_task(keep_writing())
        for _ in range(200):
            found = await registry.workers()
            assert sorted(worker.id for worker in found) == sorted(worker.id for worker in workers)
        writing.cancel()

    on_bus(nats_url, work)


def test_a_server_that_restarts_is_waited_for(nats_process: NatsProcess) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects("here")
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        nats_process.kill()
        await until(lambda: not connection.is_connected)
        looking = asyncio.create_task(registry.has_model("a"))
        await asyncio.to_thread(nats_process.start)
        assert await looking

    on_bus(nats_process.url, work)


def test_a_closed_connection_is_an_error_for_all_that_wait(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        registry = Registry(connection, Subjects(namespace))
        await connection.close()
        for error in await asyncio.gather(
            registry.workers(), registry.has_model("a"), return_exceptions=True
        ):
            assert isinstance(error, UnreachableError)

    on_bus(nats_url, work)


def test_an_entry_that_has_not_changed_is_read_once(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await register(connection, subjects, worker_with("w1", "a"))
        registry = Registry(connection, subjects)
        first, second = await registry.workers(), await registry.workers()
        assert first[0] is second[0]
        assert first == (WorkerState.decode("w1", worker_with("w1", "a").encode(1000)),)

    on_bus(nats_url, work)
