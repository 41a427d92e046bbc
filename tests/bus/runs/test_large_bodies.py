"""Bodies above the largest message go through the object store, and are whole or an error."""

import asyncio
from pathlib import Path

import orjson
import pytest
from nats.aio.msg import Msg
from nats.js.api import ObjectStoreConfig
from nats.js.errors import APIError

from ollama_rx import StatusError, UnreachableError
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.runs import large_bodies
from ollama_rx.bus.runs.large_bodies import delete_body, get_body, put_body
from ollama_rx.bus.streams import prepare_streams
from ollama_rx.bus.subjects import Subjects
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus, until

BODY = b"".join(b"%07d\n" % number for number in range(400_000))  # 3.2 MB; a message has 1 MiB at most


def stream_of(subjects: Subjects) -> str:
    return f"OBJ_{subjects.large_bucket}"


async def bytes_in(connection: BusConnection, subjects: Subjects) -> int | None:
    info = await connection.jetstream.stream_info(stream_of(subjects))
    return info.state.bytes


def test_a_body_comes_out_as_it_went_in(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        await put_body(connection, subjects, "one", BODY)
        await put_body(connection, subjects, "two", b"other")
        assert await get_body(connection, subjects, "one") == BODY
        assert await get_body(connection, subjects, "two") == b"other"

    on_bus(nats_url, work)


def test_a_body_that_is_put_again_replaces_the_first(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        await put_body(connection, subjects, "one", BODY)
        await put_body(connection, subjects, "one", BODY[::-1])
        assert await get_body(connection, subjects, "one") == BODY[::-1]

    on_bus(nats_url, work)


def test_other_programs_can_read_the_object_store(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        await put_body(connection, subjects, "one", BODY)
        store = await connection.jetstream.object_store(subjects.large_bucket)
        found = await store.get("one")
        assert found.data == BODY
        await store.put("two", BODY)
        assert [info.name for info in await store.list()] == ["one", "two"]

    on_bus(nats_url, work)


def test_a_server_with_small_messages_gets_small_pieces(tmp_path: Path) -> None:
    server = NatsProcess(tmp_path, settings="max_payload: 16KB").start()

    async def work(connection: BusConnection) -> None:
        subjects = Subjects("small")
        await prepare_streams(connection, subjects)
        await put_body(connection, subjects, "one", BODY)
        assert await get_body(connection, subjects, "one") == BODY

    try:
        on_bus(server.url, work)
    finally:
        server.kill()


def test_nothing_is_left_of_a_body_whose_client_gives_up_meanwhile(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        putting = asyncio.create_task(put_body(connection, subjects, "one", BODY * 15))
        while not await bytes_in(connection, subjects):
            pass
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert await bytes_in(connection, subjects) == 0

    on_bus(nats_url, work)


def test_a_deleted_body_takes_no_room_and_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        await put_body(connection, subjects, "one", BODY)
        await delete_body(connection, subjects, "one")
        await delete_body(connection, subjects, "one")
        assert await bytes_in(connection, subjects) == 0
        with pytest.raises(StatusError, match="no longer in the object store") as caught:
            await get_body(connection, subjects, "one")
        assert caught.value.status == 410

    on_bus(nats_url, work)


def test_a_body_of_which_a_part_is_lost_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        await put_body(connection, subjects, "one", BODY)
        await connection.jetstream.delete_msg(stream_of(subjects), 1)
        with pytest.raises(StatusError, match="no longer in the object store"):
            await get_body(connection, subjects, "one")

    on_bus(nats_url, work)


def test_a_body_above_the_limit_is_refused(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_bodies, "MOST_BODY_BYTES", 10)

    async def work(connection: BusConnection) -> None:
        with pytest.raises(StatusError, match="has 11 bytes; over the bus it can have 10 at most") as caught:
            await put_body(connection, Subjects(namespace), "one", b"12345678901")
        assert caught.value.status == 413

    on_bus(nats_url, work)


def test_without_an_object_store_a_large_body_is_refused(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        with pytest.raises(StatusError, match=f"no object store {namespace}_large") as caught:
            await put_body(connection, subjects, "one", BODY)
        assert caught.value.status == 413
        await delete_body(connection, subjects, "one")

    on_bus(nats_url, work)


def test_a_full_object_store_is_busy(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        small = ObjectStoreConfig(max_bytes=300_000)
        await connection.jetstream.create_object_store(subjects.large_bucket, small)
        with pytest.raises(StatusError, match="no room for a large request on the bus") as caught:
            await put_body(connection, subjects, "one", BODY)
        assert caught.value.status == 503
        assert caught.value.retryable
        assert await bytes_in(connection, subjects) == 0

    on_bus(nats_url, work)


def test_another_error_of_the_server_is_raised(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(connection: BusConnection) -> None:
        async def refuse(*_: object, **__: object) -> Msg:
            error = {"code": 400, "err_code": 10003, "description": "bad request"}
            return Msg(connection.nats, data=orjson.dumps({"error": error}))

        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        monkeypatch.setattr(connection, "request", refuse)
        with pytest.raises(APIError):
            await put_body(connection, subjects, "one", BODY)

    on_bus(nats_url, work)


def test_a_server_that_is_killed_meanwhile_is_waited_for(nats_process: NatsProcess) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects("large")
        await prepare_streams(connection, subjects)
        nats_process.kill()
        await until(lambda: not connection.is_connected)
        putting = asyncio.create_task(put_body(connection, subjects, "one", BODY))
        await asyncio.to_thread(nats_process.start)
        await putting
        nats_process.kill()
        await until(lambda: not connection.is_connected)
        getting = asyncio.create_task(get_body(connection, subjects, "one"))
        await asyncio.to_thread(nats_process.start)
        assert await getting == BODY

    on_bus(nats_process.url, work)


def test_a_closed_connection_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await connection.close()
        with pytest.raises(UnreachableError):
            await get_body(connection, Subjects(namespace), "one")

    on_bus(nats_url, work)
