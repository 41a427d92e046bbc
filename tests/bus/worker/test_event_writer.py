"""Lines become events: one is stored at a time, and what arrives meanwhile is the next one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog, SupersededError
from ollama_rx.bus.worker.event_writer import MAX_WAITING, EventWriter
from ollama_rx.errors import IncompleteStreamError

START = RunEvent("r", 1, 0, EventKind.START, writer="w")
MOST = 100  # bytes of one event


class SlowLog:
    """A log that stores an event only when it is told to."""

    def __init__(self) -> None:
        self.stored: list[RunEvent] = []
        self.after: list[int] = []
        self.refusal: Exception | None = None
        self.allowed = asyncio.Semaphore(0)
        self.asked = asyncio.Event()

    async def append(self, event: RunEvent, *, after: int) -> int:
        self.asked.set()
        await self.allowed.acquire()
        if self.refusal is not None:
            raise self.refusal
        self.stored.append(event)
        self.after.append(after)
        return 10 * len(self.stored) + 7

    def allow(self, count: int = 1000) -> None:
        for _ in range(count):
            self.allowed.release()

    async def until_asked(self) -> None:
        await self.asked.wait()
        self.asked.clear()

    @property
    def payloads(self) -> list[bytes]:
        return [event.payload for event in self.stored]


def run_with_writer(
    main: Callable[[EventWriter, SlowLog], Awaitable[None]], *, max_payload: int = 2 * MOST
) -> None:
    async def run() -> None:
        log = SlowLog()
        await main(EventWriter(cast("RunLog", log), START, 7, max_payload=max_payload), log)

    asyncio.run(run())


def test_what_arrives_while_an_event_is_stored_is_the_next_event() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        writing = asyncio.create_task(writer.write())
        writer.put(b"a\n")
        await log.until_asked()
        writer.put(b"b\n")
        writer.put(b"c\n")
        log.allow(1)
        await log.until_asked()
        writer.put(b"d\n")
        writer.end()
        log.allow()
        assert await writing == b"d\n"  # for the event at the end
        assert log.payloads == [b"a\n", b"b\nc\n"]

    run_with_writer(main)


def test_each_event_is_stored_right_after_the_one_before_it() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        log.allow()
        writing = asyncio.create_task(writer.write())
        writer.put(b"a\n")
        await log.until_asked()
        writer.end()
        rest = await writing
        await writer.store(EventKind.END, rest)
        assert [event.id for event in log.stored] == ["r:1:1:w", "r:1:2:w"]
        assert log.after == [7, 17]

    run_with_writer(main)


def test_an_answer_that_is_too_long_for_one_event_is_cut_between_lines() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        log.allow()
        lines = [b"%d" % number * 30 + b"\n" for number in range(7)]
        writer.put(b"".join(lines))
        writer.end()
        rest = await writer.write()
        assert log.payloads == [b"".join(lines[:3]), b"".join(lines[3:6])]
        assert rest == lines[6]

    run_with_writer(main)


def test_a_line_that_is_too_long_for_one_event_is_spread_over_several() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        log.allow()
        writer.put(b"a\n" + b"x" * (2 * MOST) + b"\n")
        writer.end()
        rest = await writer.write()
        assert log.payloads == [b"a\n", b"x" * MOST, b"x" * MOST]
        assert rest == b"\n"

    run_with_writer(main)


def test_an_answer_that_breaks_off_is_stored_up_to_there() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        log.allow()
        error = IncompleteStreamError("cut")
        writer.put(b"a\n")
        writer.end(error)
        assert await writer.write() == b""
        assert log.payloads == [b"a\n"]
        assert writer.error is error

    run_with_writer(main)


def test_an_answer_without_a_byte_has_an_end() -> None:
    async def main(writer: EventWriter, _: SlowLog) -> None:
        writer.end()
        assert await writer.write() == b""

    run_with_writer(main)


class Source:
    """A host that can be made to wait."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")


def test_a_host_has_to_wait_while_the_bus_is_slower() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        source = Source()
        writer.scheduler.attach(source)
        block = b"x" * (MAX_WAITING // 4 - 1) + b"\n"
        writing = asyncio.create_task(writer.write())
        writer.put(block)
        await log.until_asked()
        writer.put(block * 4)
        assert source.calls == []
        writer.put(block)
        writer.put(block)
        assert source.calls == ["pause"]
        log.allow()
        writer.end()
        rest = await writing
        assert source.calls == ["pause", "resume"]
        assert b"".join(log.payloads) + rest == block * 7

    run_with_writer(main, max_payload=MAX_WAITING)


def test_a_server_that_takes_small_messages_only_gets_small_events() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        log.allow()
        writer.put(b"x" * 1000)
        writer.end()
        assert len(await writer.write()) + sum(map(len, log.payloads)) == 1000
        assert {len(payload) for payload in log.payloads} == {256}

    run_with_writer(main, max_payload=512)


def test_a_writer_that_is_stopped_finishes_its_event_and_drops_the_rest() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        writing = asyncio.create_task(writer.write())
        writer.put(b"a\n")
        await log.until_asked()
        writer.put(b"b\n")
        writer.stop()
        log.allow()
        assert await writing == b""
        await writer.store(EventKind.CANCELLED, b"{}")
        assert log.payloads == [b"a\n", b"{}"]
        assert log.after == [7, 17]

    run_with_writer(main)


def test_a_writer_that_waits_for_the_host_can_be_stopped() -> None:
    async def main(writer: EventWriter, _: SlowLog) -> None:
        writing = asyncio.create_task(writer.write())
        await asyncio.sleep(0)
        writer.stop()
        assert await writing == b""

    run_with_writer(main)


def test_a_writer_that_was_superseded_stops() -> None:
    async def main(writer: EventWriter, log: SlowLog) -> None:
        log.refusal = SupersededError(None)
        log.allow()
        writer.put(b"a\n")
        with pytest.raises(SupersededError):
            await writer.write()

    run_with_writer(main)
