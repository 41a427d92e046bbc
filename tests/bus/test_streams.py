"""Streams and buckets are made by whoever comes first, and those of an operator are left as they are."""

import asyncio
from pathlib import Path

import pytest
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig
from nats.js.errors import BadRequestError, ServerError

from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.streams import prepare_model, prepare_streams
from ollama_rx.bus.subjects import Subjects
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_several_may_make_them_at_the_same_time(nats_url: str, namespace: str) -> None:
    async def main() -> None:
        connections = BusConnections(ConnectionOptions.of(nats_url), name="test")
        subjects = Subjects(namespace)
        async with connections.lease() as connection:
            await asyncio.gather(*(prepare_streams(connection, subjects) for _ in range(3)))
            names = {await prepare_model(connection, subjects, name) for name in ("m", "M:latest")}
            assert len(names) == 1
            info = await connection.jetstream.consumer_info(subjects.prompts_stream, names.pop())
            assert info.config.filter_subject == subjects.prompts_of("m")
            await connection.jetstream.key_value(subjects.workers_bucket)
            await connection.jetstream.object_store(subjects.large_bucket)
        await connections.aclose()

    asyncio.run(main())


def test_more_than_a_thousand_answers_can_be_read_at_once(nats_url: str, namespace: str) -> None:
    """Each reader has a consumer, of which nats-server allows a thousand unless the stream says more."""

    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await prepare_streams(connection, subjects)
        config = ConsumerConfig(filter_subject=subjects.events("r"), ack_policy=AckPolicy.NONE)
        config.mem_storage = True
        for number in range(1001):
            await connection.jetstream.add_consumer(  # pyright: ignore[reportUnknownMemberType]
                subjects.events_stream, config, name=f"reader{number}"
            )
        for stream in (subjects.events_stream, subjects.prompts_stream):
            assert (await connection.jetstream.stream_info(stream)).config.max_consumers == 100_000

    on_bus(nats_url, work)


def test_a_stream_that_an_operator_has_made_stays_as_it_is(nats_url: str, namespace: str) -> None:
    async def main() -> None:
        connections = BusConnections(ConnectionOptions.of(nats_url), name="test")
        subjects = Subjects(namespace)
        async with connections.lease() as connection:
            for bucket in (f"KV_{subjects.workers_bucket}", f"OBJ_{subjects.large_bucket}"):
                prefix = bucket.replace("KV_", "$KV.").replace("OBJ_", "$O.")
                await connection.jetstream.add_stream(  # pyright: ignore[reportUnknownMemberType]
                    StreamConfig(name=bucket, subjects=[f"{prefix}.>"], max_age=60)
                )
            theirs = StreamConfig(name=subjects.events_stream, subjects=[subjects.all_events], max_age=60)
            await connection.jetstream.add_stream(theirs)  # pyright: ignore[reportUnknownMemberType]
            await prepare_streams(connection, subjects)
            info = await connection.jetstream.stream_info(subjects.events_stream)
            assert info.config.max_age == 60
        await connections.aclose()

    asyncio.run(main())


def test_a_stream_whose_subjects_belong_to_another_one_is_an_error(nats_url: str, namespace: str) -> None:
    async def main() -> None:
        connections = BusConnections(ConnectionOptions.of(nats_url), name="test")
        subjects = Subjects(namespace)
        async with connections.lease() as connection:
            other = StreamConfig(name=f"{namespace}_other", subjects=[f"{namespace}.>"])
            await connection.jetstream.add_stream(other)  # pyright: ignore[reportUnknownMemberType]
            with pytest.raises(BadRequestError, match="overlap"):
                await prepare_streams(connection, subjects)
        await connections.aclose()

    asyncio.run(main())


@pytest.mark.parametrize(("space", "kept"), [("1GB", 1024**3), ("300MB", 1024**3 // 10), ("1", None)])
def test_a_server_with_little_space_keeps_shorter_logs(
    tmp_path: Path, namespace: str, space: str, kept: int | None
) -> None:
    server = NatsProcess(tmp_path, space=space)

    async def main() -> None:
        connections = BusConnections(ConnectionOptions.of(server.url), name="test")
        subjects = Subjects(namespace)
        async with connections.lease() as connection:
            if kept:
                await prepare_streams(connection, subjects)
                await prepare_streams(connection, subjects)  # again, as after a lost connection
                info = await connection.jetstream.stream_info(subjects.events_stream)
                assert info.config.max_bytes == kept
            else:
                with pytest.raises(ServerError, match="insufficient storage"):
                    await prepare_streams(connection, subjects)
        await connections.aclose()

    server.start()
    try:
        asyncio.run(main())
    finally:
        server.kill()
