"""Whether a run has a reader is known from the subject to which its readers subscribe."""

import asyncio

import pytest
from nats.aio.msg import Msg

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.worker import reader_watch
from ollama_rx.bus.worker.reader_watch import ReaderWatch
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus


async def here(probe: Msg) -> None:
    await probe.respond(b"")


async def busy(_: Msg) -> None:
    """Do not answer."""


def test_without_a_subscriber_there_is_no_reader(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        assert not await ReaderWatch(connection, namespace, grace=1.0).is_read()

    on_bus(nats_url, work)


def test_a_subscriber_is_a_reader(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await connection.nats.subscribe(namespace, cb=here)
        assert await ReaderWatch(connection, namespace, grace=1.0).is_read()

    on_bus(nats_url, work)


def test_a_reader_that_is_too_busy_to_answer_is_still_there(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_watch, "_ANSWER", 0.01)

    async def work(connection: BusConnection) -> None:
        await connection.nats.subscribe(namespace, cb=busy)
        assert await ReaderWatch(connection, namespace, grace=1.0).is_read()

    on_bus(nats_url, work)


def test_while_the_bus_is_lost_nobody_counts_as_gone(nats_process: NatsProcess, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        nats_process.kill()
        async with asyncio.timeout(10):
            while connection.is_connected:
                await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=0.01)
        assert await ReaderWatch(connection, namespace, grace=1.0).is_read()

    on_bus(nats_process.url, work)


def test_a_reader_that_comes_within_the_grace_is_waited_for(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_watch, "PROBE_EVERY", 0.01)

    async def work(connection: BusConnection) -> None:
        waiting = asyncio.create_task(ReaderWatch(connection, namespace, grace=30.0).read_again())
        await connection.nats.flush()
        await connection.nats.subscribe(namespace, cb=here)
        assert await waiting

    on_bus(nats_url, work)


@pytest.mark.parametrize("grace", [0.0, 0.05, float("nan")])
def test_a_reader_that_does_not_come_within_the_grace_is_gone(
    nats_url: str, namespace: str, grace: float
) -> None:
    async def work(connection: BusConnection) -> None:
        assert not await ReaderWatch(connection, namespace, grace=grace).read_again()

    on_bus(nats_url, work)
