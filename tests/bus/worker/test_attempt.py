"""Each way in which an attempt to answer a prompt can end, on a real server with a scripted Ollama."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from nats.aio.msg import Msg

from ollama_rx import Client
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.bus.worker import attempt, prompt_handler, reader_watch
from ollama_rx.bus.worker.bus_worker import Worker
from ollama_rx.bus.worker.reader_watch import ReaderWatch
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    answer,
    cut,
    error_status,
    json_reply,
    midstream_error,
    pause,
    text_reply,
)
from tests.bus.nats_process import NatsProcess
from tests.bus.worker.asker import LIMIT, AskedRun, Asker, with_asker

START, LINES, END = EventKind.START, EventKind.LINES, EventKind.END
CUT, FAILED, CANCELLED = EventKind.CUT, EventKind.FAILED, EventKind.CANCELLED


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for readers more often than in life."""
    monkeypatch.setattr(attempt, "PROBE_EVERY", 0.02)
    monkeypatch.setattr(reader_watch, "PROBE_EVERY", 0.02)


Work = Callable[[Asker, FakeOllama], Awaitable[None]]


def with_worker(url: str, namespace: str, fake: FakeOllama, work: Work, *, max_attempts: int = 3) -> None:
    """Run a test with a worker beside a scripted Ollama."""

    async def main(asker: Asker) -> None:
        async with (
            Client(fake.url) as client,
            Worker(client, url, namespace=namespace, max_attempts=max_attempts),
        ):
            await work(asker, fake)

    with fake:
        with_asker(url, namespace, main)


def told(asked: AskedRun) -> dict[str, Any]:
    """Return what the last event tells."""
    found: dict[str, Any] = orjson.loads(asked.events[-1].payload)
    return found


# the end of the host


def test_the_lines_of_an_answer_are_stored_as_they_are(nats_url: str, namespace: str) -> None:
    body = b'{"response":"a","done":false, "new":1}\n\nno json\n{"response":"","done":true}\nrest'

    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_over()
            assert asked.answer() == body

    with_worker(nats_url, namespace, FakeOllama(text_reply(body)), work)


def test_an_error_inside_the_answer_is_passed_on(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            assert (await asked.until_over()).kind is END
            assert b"no memory" in asked.answer()

    with_worker(nats_url, namespace, FakeOllama(answer("a", midstream_error("no memory"))), work)


def test_embeddings_larger_than_a_message_arrive_whole(nats_url: str, namespace: str) -> None:
    vectors = {"model": "echo", "embeddings": [[0.25] * 1000] * 600}

    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask(path="/api/embed") as asked:
            await asked.until_over()
            assert orjson.loads(asked.answer()) == vectors
            assert asked.kinds.count(LINES) > 1

    with_worker(nats_url, namespace, FakeOllama(on={"/api/embed": json_reply(vectors)}), work)


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (error_status(400, "bad format"), (400, "bad format", None)),
        (
            error_status(401, "sign in", signin_url="https://ollama.example"),
            (401, "sign in", "https://ollama.example"),
        ),
        (error_status(500, "no memory"), (500, "no memory", None)),
    ],
)
def test_a_refusal_is_told_at_once(
    nats_url: str, namespace: str, refusal: Any, expected: tuple[int, str, str | None]
) -> None:
    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_over()
            await asker.until_queue_is_empty()
            assert asked.kinds == [START, FAILED]
            assert tuple(told(asked)[key] for key in ("status", "reason", "signin_url")) == expected

    with_worker(nats_url, namespace, FakeOllama(refusal), work)


def test_a_host_that_is_busy_is_asked_again(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_over()
            await asker.until_queue_is_empty()
            assert asked.kinds[:3] == [START, CUT, START]
            assert asked.texts(attempt=2) == ["Hi", ""]

    with_worker(nats_url, namespace, FakeOllama(error_status(503, "busy"), answer("Hi")), work)


def test_an_answer_that_breaks_off_is_begun_anew(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_over()
            assert asked.kinds[:4] == [START, LINES, CUT, START]
            assert asked.texts(attempt=1) == ["Hel"]
            assert asked.texts(attempt=2) == ["Hello", ""]

    with_worker(nats_url, namespace, FakeOllama(answer("Hel", cut()), answer("Hello")), work)


def test_a_host_that_never_answers_in_order_is_a_failure_in_the_end(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_over()
            await asker.until_queue_is_empty()
            assert asked.kinds == [START, LINES, CUT, START, LINES, FAILED]
            assert told(asked)["status"] == 502

    with_worker(nats_url, namespace, FakeOllama(answer("Hel", cut())), work, max_attempts=2)


def test_a_host_that_is_gone_is_a_failure_at_once_if_nobody_else_has_the_model(
    nats_url: str, namespace: str
) -> None:
    async def work(asker: Asker, fake: FakeOllama) -> None:
        fake.close()
        async with asker.ask() as asked:
            await asked.until_over()
            await asker.until_queue_is_empty()
            assert asked.kinds == [START, CUT, FAILED]
            assert told(asked)["status"] == 502
            assert "cannot reach" in told(asked)["reason"]

    with_worker(nats_url, namespace, FakeOllama(), work)


def test_a_fault_of_the_worker_is_told(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    async def work(asker: Asker, _: FakeOllama) -> None:
        monkeypatch.setattr(Client, "forward", faulty)
        async with asker.ask() as asked:
            await asked.until_over()
            await asker.until_queue_is_empty()
            assert asked.kinds == [START, FAILED]
            assert (told(asked)["status"], told(asked)["reason"]) == (500, "a fault")

    with_worker(nats_url, namespace, FakeOllama(), work)


# the end of the reader


def test_a_cancelled_run_stops_its_model(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, fake: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(LINES)
            await asker.cancel(asked.run)
            await fake.aio.wait_for_disconnect()
            await asker.until_queue_is_empty()
            assert asked.kinds[-1] is CANCELLED

    with_worker(nats_url, namespace, FakeOllama(answer("a", Gate())), work)


def test_a_cancelled_run_stops_a_model_that_has_not_begun_to_answer(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, fake: FakeOllama) -> None:
        async with asker.ask() as asked:
            await fake.aio.wait_for_request(path="/api/generate")
            await asker.cancel(asked.run)
            await fake.aio.wait_for_disconnect()
            await asker.until_queue_is_empty()
            assert asked.kinds == [START, CANCELLED]

    with_worker(nats_url, namespace, FakeOllama(answer(pause(60), "a")), work)


def test_a_run_that_is_cancelled_while_its_start_is_stored_stops_its_model(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "PROBE_EVERY", 60.0)
    append = RunLog.append

    async def work(asker: Asker, _: FakeOllama) -> None:
        async def cancelled_meanwhile(log: RunLog, event: RunEvent, *, after: int) -> int:
            position = await append(log, event, after=after)
            if event.kind is START:
                await asker.cancel(event.run)
                await asker.connection.request(asker.subjects.control(event.run), b"", seconds=LIMIT)
            return position

        monkeypatch.setattr(RunLog, "append", cancelled_meanwhile)
        async with asker.ask() as asked:
            await asker.until_queue_is_empty()
            assert asked.kinds == [START, CANCELLED]

    with_worker(nats_url, namespace, FakeOllama(answer(pause(60), "a")), work)


def test_a_cancellation_is_noticed_without_a_hint_when_the_next_token_comes(
    nats_url: str, namespace: str
) -> None:
    gate = Gate()

    async def work(asker: Asker, fake: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(LINES)
            last = asked.events[-1]
            cancelled = RunEvent(asked.run, 0, 0, CANCELLED, b'{"reason":"x"}')
            await asker.append(asked.run, cancelled, after=last.position)
            gate.open()
            await fake.aio.wait_for_disconnect()
            await asker.until_queue_is_empty()

    with_worker(nats_url, namespace, FakeOllama(answer("a", gate, "b", Gate())), work)


def test_a_cancellation_is_noticed_without_a_hint_when_its_reader_is_gone(
    nats_url: str, namespace: str
) -> None:
    async def work(asker: Asker, fake: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(LINES)
            last = asked.events[-1]
            cancelled = RunEvent(asked.run, 0, 0, CANCELLED, b'{"reason":"x"}')
            await asker.append(asked.run, cancelled, after=last.position)
        await fake.aio.wait_for_disconnect()
        await asker.until_queue_is_empty()

    with_worker(nats_url, namespace, FakeOllama(answer("a", Gate())), work)


def test_an_answer_that_nobody_reads_any_more_is_given_up(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, fake: FakeOllama) -> None:
        async with asker.ask(grace=0.1) as asked:
            await asked.until_kind(LINES)
        await fake.aio.wait_for_disconnect()
        await asker.until_queue_is_empty()
        last = await asker.last(asked.run)
        assert (last.kind, last.payload) == (CANCELLED, b'{"reason":"nobody reads the answer"}')

    with_worker(nats_url, namespace, FakeOllama(answer("a", Gate())), work)


def test_an_answer_that_is_wanted_in_any_case_needs_no_reader(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask(grace=0.0, detached=True, is_read=False) as asked:
            assert (await asked.until_over()).kind is END

    with_worker(nats_url, namespace, FakeOllama(answer("a", pause(0.1), "b")), work)


def test_a_reader_that_comes_back_in_time_keeps_its_answer(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    missed, found_again = asyncio.Event(), asyncio.Event()
    is_read = ReaderWatch.is_read

    async def watched(self: ReaderWatch) -> bool:
        found = await is_read(self)
        if not found:
            missed.set()
        elif missed.is_set():
            found_again.set()
        return found

    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask(is_read=False, grace=30.0) as asked:
            async with asker.reading(asked.run):
                await asked.until_kind(LINES)
                monkeypatch.setattr(ReaderWatch, "is_read", watched)
            await missed.wait()
            async with asker.reading(asked.run):
                await found_again.wait()
                gate.open()
                assert (await asked.until_over()).kind is END

    with_worker(nats_url, namespace, FakeOllama(answer("a", gate, "b")), work)


# the end of the worker


def test_a_worker_that_was_superseded_stops_its_model_and_leaves_the_prompt(
    nats_url: str, namespace: str
) -> None:
    gate = Gate()

    async def work(asker: Asker, fake: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(LINES)
            other = RunEvent(asked.run, 2, 0, START, writer="other")
            await asker.append(asked.run, other, after=asked.events[-1].position)
            gate.open()
            await fake.aio.wait_for_disconnect()
            async with asker.ask(grace=0.0) as next_one:  # the worker is free again
                await next_one.until_kind(LINES)
                assert asked.kinds == [START, LINES, START]
                assert await asker.left_in_queue() == 2

    with_worker(nats_url, namespace, FakeOllama(answer("a", gate, "b", Gate())), work)


def test_a_worker_that_was_superseded_hears_of_it_while_its_model_is_silent(
    nats_url: str, namespace: str
) -> None:
    async def work(asker: Asker, fake: FakeOllama) -> None:
        async with asker.ask() as asked:
            await fake.aio.wait_for_request(path="/api/generate")
            await asked.until_kind(START)
            other = RunEvent(asked.run, 2, 0, START, writer="other")
            await asker.append(asked.run, other, after=asked.events[-1].position)
            await asker.hint(asked.run)
            await fake.aio.wait_for_disconnect()

    with_worker(nats_url, namespace, FakeOllama(answer(pause(60))), work)


def test_a_hint_without_a_reason_changes_nothing(nats_url: str, namespace: str) -> None:
    gate = Gate()

    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(LINES)
            await asker.hint(asked.run)
            await asker.hint("another")
            gate.open()
            await asked.until_over()
            assert asked.texts() == ["a", "b", ""]

    with_worker(nats_url, namespace, FakeOllama(answer("a", gate, "b")), work)


# the bus


def test_acknowledgements_that_are_lost_neither_lose_nor_repeat_a_line(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = BusConnection.request
    count = 0

    async def forgetful(self: BusConnection, subject: str, *args: Any, **kwargs: Any) -> Msg:
        nonlocal count
        reply = await request(self, subject, *args, **kwargs)
        if subject.startswith(f"{namespace}.events."):
            count += 1
            if count % 2:
                raise TimeoutError
        return reply

    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_over()
            assert "".join(asked.texts()) == "abcdefgh"
            assert asked.kinds.count(START) == 1

    monkeypatch.setattr(BusConnection, "request", forgetful)
    with_worker(nats_url, namespace, FakeOllama(answer(*"abcdefgh", every=0.01)), work)
    assert count > 2


@pytest.mark.parametrize("several_hosts", [False, True])
def test_a_host_has_to_wait_while_the_bus_is_silent(
    nats_process: NatsProcess, namespace: str, *, several_hosts: bool
) -> None:
    line = "x" * 100_000
    gate = Gate()

    async def main(asker: Asker) -> None:
        hosts = [fake.url, other.url] if several_hosts else [fake.url]
        async with (
            Client(hosts=hosts) as client,
            Worker(client, nats_process.url, namespace=namespace),
            asker.ask() as asked,
        ):
            await asked.until_kind(LINES)
            nats_process.pause()
            gate.open()
            await fake.aio.wait_for_pause()
            nats_process.resume()
            await asked.until_over()
            assert asked.texts() == ["a", *[line] * 100, ""]

    reply = answer("a", gate, *[line] * 100)
    other_model = json_reply({"models": []})
    with (
        FakeOllama(reply, send_buffer_bytes=65_536) as fake,
        FakeOllama(on={"/api/tags": other_model}) as other,
    ):
        with_asker(nats_process.url, namespace, main)


def test_an_attempt_goes_on_when_a_killed_server_is_back(
    nats_process: NatsProcess, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prompt_handler, "_SIGN_OF_LIFE", 0.01)
    gate = Gate()

    async def work(asker: Asker, _: FakeOllama) -> None:
        async with asker.ask() as asked:
            await asked.until_kind(LINES)
            nats_process.kill()
            gate.open()
            await asyncio.to_thread(nats_process.start)
            await asked.until_over()
            await asker.until_queue_is_empty()
            assert asked.texts() == ["a", "b", "c", ""]
            assert asked.kinds.count(START) == 1

    with_worker(nats_process.url, namespace, FakeOllama(answer("a", gate, "b", "c")), work)
