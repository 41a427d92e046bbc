"""The run log: one writer at a time, and nothing stored is lost or stored twice."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import orjson
import pytest
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.js.errors import APIError

from ollama_rx import UnreachableError
from ollama_rx.bus.connection import until_answered
from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import NOTHING_STORED, RunLog, SupersededError
from ollama_rx.bus.streams import prepare_streams
from ollama_rx.bus.subjects import Subjects, new_run
from tests.bus.nats_process import NatsProcess

START = RunEvent("r", 1, 0, EventKind.START)


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[BusConnection]:
    connections = BusConnections(ConnectionOptions.of(url), name="test")
    async with connections.lease() as connection:
        yield connection
    await connections.aclose()


def run_with_log(url: str, namespace: str, main: Callable[[RunLog, BusConnection], Awaitable[None]]) -> None:
    async def prepared() -> None:
        async with opened(url) as connection:
            subjects = Subjects(namespace)
            await prepare_streams(connection, subjects)
            await main(RunLog(connection, subjects, "r"), connection)

    asyncio.run(prepared())


def fail_once(
    monkeypatch: pytest.MonkeyPatch, connection: BusConnection, error: Exception, *, is_stored: bool
) -> None:
    """Let the next request end with an error, before or after the server has stored its event."""
    request = connection.request

    async def failing(subject: str, payload: bytes, *, seconds: float, headers: Mapping[str, str]) -> Msg:
        monkeypatch.undo()
        if is_stored:
            await request(subject, payload, seconds=seconds, headers=headers)
        raise error

    monkeypatch.setattr(connection, "request", failing)


def test_events_are_stored_one_after_the_other(nats_url: str, namespace: str) -> None:
    async def main(log: RunLog, _: BusConnection) -> None:
        assert await log.last() is None
        first = await log.append(START, after=NOTHING_STORED)
        lines = START.then(EventKind.LINES, b"one\n")
        second = await log.append(lines, after=first)
        last = await log.last()
        assert last is not None
        assert (last.id, last.payload, last.position) == ("r:1:1", b"one\n", second)

    run_with_log(nats_url, namespace, main)


def test_a_writer_that_has_missed_an_event_is_superseded(nats_url: str, namespace: str) -> None:
    async def main(log: RunLog, _: BusConnection) -> None:
        position = await log.append(START, after=NOTHING_STORED)
        newer = RunEvent("r", 2, 0, EventKind.START)
        await log.append(newer, after=position)
        with pytest.raises(SupersededError) as refused:
            await log.append(START.then(EventKind.LINES, b"stale\n"), after=position)
        assert refused.value.last is not None
        assert refused.value.last.id == newer.id

    run_with_log(nats_url, namespace, main)


def test_of_two_that_start_at_the_same_time_one_is_superseded(nats_url: str, namespace: str) -> None:
    async def main(log: RunLog, _: BusConnection) -> None:
        starts = (RunEvent("r", attempt, 0, EventKind.START) for attempt in (1, 2))
        ends = await asyncio.gather(
            *(log.append(start, after=NOTHING_STORED) for start in starts), return_exceptions=True
        )
        assert sorted(type(end).__name__ for end in ends) == ["SupersededError", "int"]

    run_with_log(nats_url, namespace, main)


def test_of_two_that_start_the_same_attempt_neither_takes_the_other_for_itself(
    nats_url: str, namespace: str
) -> None:
    async def main(log: RunLog, _: BusConnection) -> None:
        mine, other = (RunEvent("r", 1, 0, EventKind.START, writer=writer) for writer in ("one", "two"))
        await log.append(mine, after=NOTHING_STORED)
        with pytest.raises(SupersededError):
            await log.append(other, after=NOTHING_STORED)

    run_with_log(nats_url, namespace, main)


@pytest.mark.parametrize("is_stored", [True, False])
@pytest.mark.parametrize("error", [TimeoutError(), NoRespondersError()])
def test_an_append_without_an_answer_is_repeated(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch, error: Exception, *, is_stored: bool
) -> None:
    async def main(log: RunLog, connection: BusConnection) -> None:
        position = await log.append(START, after=NOTHING_STORED)
        fail_once(monkeypatch, connection, error, is_stored=is_stored)
        lines = START.then(EventKind.LINES, b"once\n")
        assert await log.append(lines, after=position) == position + 1
        assert await log.append(lines.then(EventKind.END), after=position + 1) == position + 2

    run_with_log(nats_url, namespace, main)


def test_an_append_goes_on_when_a_killed_server_is_back(nats_process: NatsProcess, namespace: str) -> None:
    async def main(log: RunLog, connection: BusConnection) -> None:
        back = asyncio.Event()
        connection.on_reconnect(back.set)
        position = await log.append(START, after=NOTHING_STORED)
        nats_process.kill()
        appending = asyncio.create_task(log.append(START.then(EventKind.LINES, b"x\n"), after=position))
        looking_up = asyncio.create_task(log.last())
        await asyncio.to_thread(nats_process.start)
        assert await appending == position + 1
        assert (await looking_up) is not None
        await back.wait()

    run_with_log(nats_process.url, namespace, main)


def test_a_cancellation_ends_every_attempt(nats_url: str, namespace: str) -> None:
    async def main(log: RunLog, connection: BusConnection) -> None:
        position = await log.append(START, after=NOTHING_STORED)
        hints = await connection.nats.subscribe(Subjects(namespace).control("r"))
        await log.cancel("nobody reads it")
        await log.cancel("again")
        hint = await hints.next_msg()
        assert orjson.loads(hint.data)["seq"] == position + 1, "workers are told when it is stored"
        with pytest.raises(SupersededError) as refused:
            await log.append(START.then(EventKind.LINES, b"x\n"), after=position)
        last = refused.value.last
        assert last is not None
        assert (last.kind, last.payload) == (EventKind.CANCELLED, b'{"reason":"nobody reads it"}')
        assert last.is_final

    run_with_log(nats_url, namespace, main)


def test_a_cancellation_on_a_closed_connection_does_nothing(nats_url: str, namespace: str) -> None:
    async def main(log: RunLog, connection: BusConnection) -> None:
        await connection.close()
        await log.cancel("too late")
        with pytest.raises(UnreachableError, match="the connection was closed"):
            await log.last()

    run_with_log(nats_url, namespace, main)


def test_a_server_whose_streams_do_not_answer_is_given_up(
    nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(until_answered, "_WAITS", (0.01, 0.01))

    async def main() -> None:
        async with opened(nats_url) as connection:
            log = RunLog(connection, Subjects(new_run()), "r")
            with pytest.raises(UnreachableError, match="JetStream does not answer"):
                await log.append(START, after=NOTHING_STORED)

    asyncio.run(main())


def test_an_error_of_the_server_that_is_not_about_the_position_is_raised(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(log: RunLog, connection: BusConnection) -> None:
        async def refuse(*_: object, **__: object) -> Msg:
            refusal = b'{"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum"}}'
            return Msg(connection.nats, data=refusal)

        monkeypatch.setattr(connection, "request", refuse)
        with pytest.raises(APIError, match="message size exceeds maximum"):
            await log.append(START, after=NOTHING_STORED)

    run_with_log(nats_url, namespace, main)
