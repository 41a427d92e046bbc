"""A run log is read whole and in order, whatever happens to the connection, the consumer or the server."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from nats.aio.msg import Msg
from nats.js.api import StreamConfig

from ollama_rx.bus.client import run_reader
from ollama_rx.bus.client.run_reader import RunReader, _Consumer
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.bus.streams import prepare_streams
from ollama_rx.bus.subjects import Subjects, new_run
from ollama_rx.errors import IncompleteStreamError, UnreachableError
from tests.bus.nats_process import NatsProcess
from tests.bus.on_bus import on_bus

LIMIT = 10.0  # seconds


@dataclass
class Log:
    """A run log that grows, and what a reader of it has received."""

    connection: BusConnection
    subjects: Subjects
    run: str = field(default_factory=new_run)
    received: list[bytes] = field(default_factory=list[bytes])
    errors: list[Exception] = field(default_factory=list[Exception])
    position: int = 0
    seq: int = 0

    def __post_init__(self) -> None:
        self.changed = asyncio.Event()

    async def append(self, *payloads: bytes) -> None:
        log = RunLog(self.connection, self.subjects, self.run)
        for payload in payloads:
            event = RunEvent(self.run, 1, self.seq, EventKind.LINES, payload)
            self.position = await log.append(event, after=self.position)
            self.seq += 1

    def receive(self, event: RunEvent) -> None:
        self.received.append(event.payload)
        self.changed.set()

    def fail(self, error: Exception) -> None:
        self.errors.append(error)
        self.changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    async def until_received(self, *payloads: bytes) -> None:
        await self.until(lambda: len(self.received) >= len(payloads))
        assert self.received == list(payloads)

    def reader(self) -> RunReader:
        return RunReader(self.connection, self.subjects, self.run, receive=self.receive, fail=self.fail)

    async def consumers(self) -> int:
        info = await self.connection.jetstream.stream_info(self.subjects.events_stream)
        return info.state.consumer_count

    async def until_consumers(self, count: int) -> None:
        async with asyncio.timeout(LIMIT):
            while await self.consumers() != count:
                pass


@asynccontextmanager
async def new_log(connection: BusConnection, namespace: str) -> AsyncGenerator[Log]:
    subjects = Subjects(namespace)
    await prepare_streams(connection, subjects)
    yield Log(connection, subjects)


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def test_events_come_in_order_those_before_the_reader_too(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log:
            await log.append(b"a", b"b")
            async with log.reader():
                await log.until_received(b"a", b"b")
                await log.append(b"c")
                await log.until_received(b"a", b"b", b"c")

    on_bus(nats_url, work)


def test_a_reader_may_come_before_the_log(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader():
            await log.until_consumers(1)
            await log.append(b"a")
            await log.until_received(b"a")

    on_bus(nats_url, work)


def test_more_events_than_a_batch_has_come_all(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_reader, "_BATCH", 3)

    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log:
            await log.append(*numbered(20))
            async with log.reader():
                await log.until_received(*numbered(20))

    on_bus(nats_url, work)


def test_more_bytes_than_a_batch_has_come_all(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log:
            payloads = [letter.encode() * 900_000 for letter in "abcdefg"]
            await log.append(*payloads)
            async with log.reader():
                await log.until_received(*payloads)

    on_bus(nats_url, work)


def test_a_request_that_has_expired_is_made_again(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_reader, "_SECOND", 20_000_000)  # 50 times as fast

    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader() as reader:
            asked: list[object] = []
            ask = reader._ask_for_more

            async def counted(consumer: _Consumer) -> None:
                asked.append(consumer)
                log.changed.set()
                await ask(consumer)

            monkeypatch.setattr(reader, "_ask_for_more", counted)
            await log.until(lambda: len(asked) >= 3)
            assert len({id(consumer) for consumer in asked}) == 1
            await log.append(b"a")
            await log.until_received(b"a")

    on_bus(nats_url, work)


def test_a_paused_reader_asks_for_no_more(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_reader, "_BATCH", 4)

    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader() as reader:
            await log.append(b"0")
            await log.until_received(b"0")
            reader.pause()
            await log.append(*numbered(20)[1:])
            await connection.nats.flush()
            assert log.received == numbered(4)
            reader.resume()
            reader.resume()
            await log.until_received(*numbered(20))

    on_bus(nats_url, work)


def test_nothing_is_left_on_the_server_after_the_reader(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log:
            tasks = asyncio.all_tasks()
            async with log.reader():
                await log.until_consumers(1)
            await log.until_consumers(0)
            assert asyncio.all_tasks() == tasks

    on_bus(nats_url, work)


def test_nothing_is_left_on_the_server_after_a_reader_that_leaves_while_its_consumer_is_made(
    nats_url: str, namespace: str
) -> None:
    async def work(connection: BusConnection) -> None:
        request = connection.request
        made = asyncio.Event()

        async def without_answer(
            subject: str, payload: bytes, *, seconds: float, headers: Mapping[str, str] | None = None
        ) -> Msg:
            await request(subject, payload, seconds=seconds, headers=headers)
            made.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with new_log(connection, namespace) as log:
            connection.request = without_answer  # type: ignore[method-assign]
            async with log.reader():
                await made.wait()
            connection.request = request  # type: ignore[method-assign]
            await log.until_consumers(0)

    on_bus(nats_url, work)


def test_a_message_that_is_no_event_is_received_as_a_failure(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader():
            await log.append(b"a")
            await connection.jetstream.publish(log.subjects.events(log.run), b"?")
            await log.until(lambda: len(log.received) > 1)
            assert b"not an event" in log.received[1]

    on_bus(nats_url, work)


def test_a_consumer_that_was_removed_is_replaced(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader():
            await log.append(b"a")
            await log.until_received(b"a")
            for info in await connection.jetstream.consumers_info(log.subjects.events_stream):
                await connection.jetstream.delete_consumer(log.subjects.events_stream, info.name)
            await log.append(b"b")
            await log.until_received(b"a", b"b")

    on_bus(nats_url, work)


def test_a_consumer_that_is_silent_is_replaced(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_reader, "_SILENCE", 0.05)

    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader() as reader:
            await log.append(b"a")
            await log.until_received(b"a")
            first = reader._consumer
            assert first is not None
            monkeypatch.setattr(first, "_take", print)
            await log.append(b"b")
            await log.until_received(b"a", b"b")
            assert reader._consumer is not first

    on_bus(nats_url, work)


def test_an_event_that_was_lost_is_read_again(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader() as reader:
            await log.append(b"a")
            await log.until_received(b"a")
            first = reader._consumer
            assert first is not None
            first.number -= 1  # as if one were missing
            await log.append(b"b", b"c")
            await log.until_received(b"a", b"b", b"c")
            assert reader._consumer is not first

    on_bus(nats_url, work)


def test_an_event_that_comes_twice_is_received_once(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader() as reader:
            await log.until_consumers(1)
            consumer = reader._consumer
            assert consumer is not None
            take = consumer._take

            def twice(consumer: _Consumer, message: Msg) -> None:
                take(consumer, message)
                consumer.number -= 1
                take(consumer, message)

            monkeypatch.setattr(consumer, "_take", twice)
            await log.append(b"a", b"b")
            await log.until_received(b"a", b"b")

    on_bus(nats_url, work)


def test_what_an_earlier_consumer_still_sends_is_ignored(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader() as reader:
            await log.until_consumers(1)
            first = reader._consumer
            assert first is not None
            reader._replace()
            await log.append(b"a")
            await log.until_received(b"a")
            place = f"$JS.ACK.{log.subjects.events_stream}.{first.name}.1.{log.position + 1}.1.0.0"
            first.set_result(Msg(connection.nats, reply=place, data=b"b", headers={"Nats-Msg-Id": "r:1:1"}))
            reader._replace_if(first)
            assert not reader._is_stale
            assert log.received == [b"a"]

    on_bus(nats_url, work)


def test_the_silence_of_a_paused_reader_is_no_silence(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_reader, "_BATCH", 1)

    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader() as reader:
            reader.pause()
            await log.append(b"a", b"b")
            await log.until_consumers(1)
            reader._last_sign = 0.0
            reader._look()
            assert not reader._is_stale
            assert log.received == []
            reader.resume()
            await log.until_received(b"a", b"b")

    on_bus(nats_url, work)


@pytest.mark.parametrize("is_between", [True, False])
def test_a_server_that_is_killed_and_started_again_is_bridged(
    nats_process: NatsProcess, namespace: str, *, is_between: bool
) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader():
            await log.append(b"a", b"b")
            if is_between:
                await log.until_received(b"a", b"b")
            nats_process.kill()
            await asyncio.to_thread(nats_process.start)
            await log.append(b"c", b"d")
            await log.until_received(b"a", b"b", b"c", b"d")

    on_bus(nats_process.url, work)


def test_a_connection_that_is_lost_is_bridged(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader():
            for number in range(5):
                await log.append(b"%d" % number)
                await connection.nats.force_reconnect()
            await log.until_received(*numbered(5))

    on_bus(nats_url, work)


def test_a_connection_that_has_ended_is_an_error(nats_process: NatsProcess, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader():
            await log.append(b"a")
            await log.until_received(b"a")
            await connection.nats.close()
            await log.until(lambda: bool(log.errors))
            assert isinstance(log.errors[0], UnreachableError)

    on_bus(nats_process.url, work)


def test_a_reader_can_be_left_while_the_server_is_away(nats_process: NatsProcess, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        async with new_log(connection, namespace) as log, log.reader():
            await log.until_consumers(1)
            nats_process.kill()
            async with asyncio.timeout(LIMIT):
                while connection.is_connected:  # noqa: ASYNC110 - there is no event for its loss
                    await asyncio.sleep(0)

    on_bus(nats_process.url, work)


def test_a_log_that_must_not_be_read_is_an_error(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        subjects = Subjects(namespace)
        await connection.jetstream.add_stream(
            StreamConfig(name=subjects.events_stream, subjects=["other." + namespace], max_consumers=1)
        )
        await connection.jetstream.pull_subscribe("other." + namespace, durable="other")
        log = Log(connection, subjects)
        async with log.reader():
            await log.until(lambda: bool(log.errors))
        assert isinstance(log.errors[0], IncompleteStreamError)
        assert "maximum consumers" in str(log.errors[0])

    on_bus(nats_url, work)
