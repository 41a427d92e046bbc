"""What becomes of a message of the queue, before and after a model is asked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import orjson
import pytest
from nats.aio.msg import Msg

from ollama_rx import Client, StatusError, UnreachableError
from ollama_rx.bus.runs.large_bodies import get_body, put_body
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.bus.worker import bus_worker, prompt_handler
from ollama_rx.bus.worker.attempt import Attempt, Workplace
from ollama_rx.bus.worker.bus_worker import Worker
from ollama_rx.bus.worker.prompt_handler import handle
from ollama_rx.testing import FakeOllama, Gate, answer
from tests.bus.worker.asker import LIMIT, MODEL, Asker, with_asker

START, LINES, END = EventKind.START, EventKind.LINES, EventKind.END
FAILED, CANCELLED = EventKind.FAILED, EventKind.CANCELLED

Work = Callable[[Asker, FakeOllama, Worker], Awaitable[None]]


def with_later_worker(url: str, namespace: str, fake: FakeOllama, work: Work, *, parallel: int = 1) -> None:
    """Run a test with a worker that it starts itself."""

    async def main(asker: Asker) -> None:
        async with Client(fake.url) as client:
            await work(asker, fake, Worker(client, url, namespace=namespace, parallel=parallel))

    with fake:
        with_asker(url, namespace, main)


def asked_of(fake: FakeOllama) -> int:
    """Return how many prompts the model has got."""
    return sum(request.path == "/api/generate" for request in fake.requests)


@pytest.mark.parametrize("kind", [END, FAILED, CANCELLED])
def test_a_run_that_is_over_is_only_acknowledged(nats_url: str, namespace: str, kind: EventKind) -> None:
    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        async with asker.ask() as asked:
            await asker.append(asked.run, RunEvent(asked.run, 0, 0, kind))
            async with worker:
                await asker.until_queue_is_empty()
            assert asked.kinds == [kind]
            assert asked_of(fake) == 0

    with_later_worker(nats_url, namespace, FakeOllama(), work)


def test_a_run_whose_worker_has_died_is_begun_anew(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, _: FakeOllama, worker: Worker) -> None:
        async with asker.ask() as asked:
            start = RunEvent(asked.run, 1, 0, START, writer="dead")
            position = await asker.append(asked.run, start)
            await asker.append(asked.run, start.then(LINES, b"half"), after=position)
            async with worker:
                await asked.until_over()
            assert asked.texts(attempt=2) == ["Hello", ""]

    with_later_worker(nats_url, namespace, FakeOllama(answer("Hello")), work)


def test_a_prompt_that_is_delivered_twice_to_a_worker_is_answered_once(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle_twice(place: Workplace, message: Msg, leave_slot: Callable[[], object]) -> None:
        await asyncio.gather(*(handle(place, message, leave_slot) for _ in range(2)))

    monkeypatch.setattr(bus_worker, "handle", handle_twice)

    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        async with worker, asker.ask() as asked:
            await asked.until_over()
            await asker.until_queue_is_empty()
            assert asked.texts(attempt=1) == ["Hello", ""]
            assert asked_of(fake) == 1
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]

    with_later_worker(nats_url, namespace, FakeOllama(answer("Hello")), work)


def test_a_prompt_that_kills_every_worker_fails_and_leaves_the_queue(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        async with asker.ask() as asked:
            position = 0
            for attempt in (1, 2, 3):
                start = RunEvent(asked.run, attempt, 0, START, writer=f"dead {attempt}")
                position = await asker.append(asked.run, start, after=position)
            async with worker:
                failed = await asked.until_over()
                await asker.until_queue_is_empty()
            assert (failed.kind, failed.attempt) == (FAILED, 0)
            assert orjson.loads(failed.payload)["reason"].startswith("3 workers have died")
            assert asked_of(fake) == 0

    with_later_worker(nats_url, namespace, FakeOllama(), work)


def test_a_run_that_another_worker_still_has_is_left_to_it(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        async with asker.ask() as asked:
            await asker.append(asked.run, RunEvent(asked.run, 1, 0, START, writer="other"))
            questions = 0

            async def have_it(question: Msg) -> None:
                nonlocal questions
                questions += 1
                await question.respond(b"")

            await asker.connection.nats.subscribe(asker.subjects.control(asked.run), cb=have_it)
            async with worker, asker.ask() as next_one:
                await next_one.until_over()
                assert questions == 1
                assert asked.kinds == [START]
                assert await asker.left_in_queue() >= 1
            assert asked_of(fake) == 1

    with_later_worker(nats_url, namespace, FakeOllama(), work)


def garbage(run: str) -> dict[str, dict[str, str]]:
    proper = {"Nats-Msg-Id": run, "Ollama-Rx-Path": "/api/chat", "Ollama-Rx-Model": MODEL}
    proper["Ollama-Rx-Grace"] = "10"
    return {
        "no headers": {},
        "another run": {**proper, "Nats-Msg-Id": "another"},
        "a path that changes a host": {**proper, "Ollama-Rx-Path": "/api/delete"},
        "a grace that is not a number": {**proper, "Ollama-Rx-Grace": "long"},
    }


@pytest.mark.parametrize("kind", list(garbage("r")))
def test_what_is_not_a_prompt_fails_and_leaves_the_queue(
    nats_url: str, namespace: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        subject = asker.subjects.prompt(MODEL, "r")
        headers = garbage("r")[kind]
        await asker.connection.jetstream.publish(subject, b"{}", headers=headers)
        async with worker:
            await asker.until_queue_is_empty()
        failed = await asker.last("r")
        assert (failed.kind, orjson.loads(failed.payload)["status"]) == (FAILED, 400)
        assert "r is not a prompt that this worker can answer" in caplog.text
        assert len(fake.requests) == sum(request.method == "GET" for request in fake.requests)

    with_later_worker(nats_url, namespace, FakeOllama(), work)


@pytest.mark.parametrize("run", ["*", "\x1b[31m", "\N{SNOWMAN}", "r" * 65])
def test_a_prompt_with_an_impossible_id_is_thrown_away(
    nats_url: str, namespace: str, run: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(asker: Asker, _: FakeOllama, worker: Worker) -> None:
        await asker.connection.jetstream.publish(asker.subjects.prompt(MODEL, run), b"{}")
        async with worker:
            await asker.until_queue_is_empty()
        assert await RunLog(asker.connection, asker.subjects, "*").last() is None

    with_later_worker(nats_url, namespace, FakeOllama(), work)
    assert "is thrown away" in caplog.text
    assert "\x1b" not in caplog.text


def test_a_run_whose_log_has_something_else_fails_and_leaves_the_queue(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        async with asker.ask() as asked:
            await asker.connection.jetstream.publish(asker.subjects.events(asked.run), b"hello")
            async with worker:
                await asker.until_queue_is_empty()
            assert (await asked.until_over()).kind is FAILED
            assert asked_of(fake) == 0

    with_later_worker(nats_url, namespace, FakeOllama(), work)


def test_a_prompt_that_nobody_reads_does_not_hold_back_others(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        async with asker.ask(is_read=False, grace=30.0) as unread, worker, asker.ask() as other:
            await other.until_over()
            await asker.hint(unread.run)
            assert unread.events == []
            async with asker.reading(unread.run):
                await unread.until_over()
            assert unread.kinds[0] is START
        assert asked_of(fake) == 2

    with_later_worker(nats_url, namespace, FakeOllama(), work)


def test_a_prompt_that_nobody_reads_is_cancelled_after_its_grace(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        async with asker.ask(is_read=False, grace=0.05) as unread, worker:
            await unread.until_over()
            await asker.until_queue_is_empty()
            assert unread.kinds == [CANCELLED]
        assert asked_of(fake) == 0

    with_later_worker(nats_url, namespace, FakeOllama(), work)


def test_a_body_that_is_too_large_for_a_message_is_fetched_and_then_deleted(
    nats_url: str, namespace: str
) -> None:
    body = orjson.dumps({"model": MODEL, "prompt": "x" * 2_000_000})

    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        prompt = Prompt(run="r", model=MODEL, path="/api/generate", body=b"", detached=True, body_name="b")
        await put_body(asker.connection, asker.subjects, "b", body)
        async with worker:
            await asker.publish(prompt)
            await asker.until_queue_is_empty()
        assert (await asker.last("r")).kind is END
        assert [request.body for request in fake.requests if request.path == prompt.path] == [body]
        with pytest.raises(StatusError):
            await get_body(asker.connection, asker.subjects, "b")

    with_later_worker(nats_url, namespace, FakeOllama(answer("a")), work)


def test_a_body_that_is_not_there_is_a_failure(nats_url: str, namespace: str) -> None:
    async def work(asker: Asker, _: FakeOllama, worker: Worker) -> None:
        prompt = Prompt(run="r", model=MODEL, path="/api/generate", body=b"", detached=True, body_name="b")
        async with worker:
            await asker.publish(prompt)
            await asker.until_queue_is_empty()
        failed = await asker.last("r")
        assert (failed.kind, orjson.loads(failed.payload)["status"]) == (FAILED, 410)

    with_later_worker(nats_url, namespace, FakeOllama(), work)


def test_a_prompt_that_comes_again_while_it_is_being_answered_is_ignored(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.bus.streams.ACK_WAIT", 0.1)
    monkeypatch.setattr(prompt_handler, "_SIGN_OF_LIFE", 100.0)
    gate = Gate()

    async def work(asker: Asker, fake: FakeOllama, worker: Worker) -> None:
        async with worker, asker.ask() as asked:
            async with asyncio.timeout(LIMIT):
                while await asker.redelivered() == 0:
                    await asker.connection.nats.flush()
            gate.open()
            await asked.until_over()
            await asker.until_queue_is_empty()
            assert asked.texts() == ["a", ""]
        assert asked_of(fake) == 1

    with_later_worker(nats_url, namespace, FakeOllama(answer(gate, "a")), work, parallel=2)


def test_a_prompt_is_left_to_others_if_its_log_cannot_be_read(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ollama_rx.bus.streams.ACK_WAIT", 0.1)
    last = RunLog.last

    async def unreachable(_: RunLog) -> None:
        monkeypatch.setattr(RunLog, "last", last)
        raise UnreachableError("nats://bus.example", "its streams do not answer")

    async def work(asker: Asker, _: FakeOllama, worker: Worker) -> None:
        monkeypatch.setattr(RunLog, "last", unreachable)
        async with asker.ask() as asked, worker:
            await asked.until_over()
            assert asked.texts() == ["a", ""]
        assert f"run {asked.run} is left to another worker: cannot reach nats://bus.example" in caplog.text

    with_later_worker(nats_url, namespace, FakeOllama(answer("a")), work)


def test_a_prompt_is_left_to_others_if_nothing_can_be_told(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ollama_rx.bus.streams.ACK_WAIT", 0.1)
    append = RunLog.append
    refusals = 2  # that of the start, and that of the failure

    async def refused(self: RunLog, event: RunEvent, *, after: int) -> int:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise StatusError.of(403, "a permission is missing")
        return await append(self, event, after=after)

    async def work(asker: Asker, _: FakeOllama, worker: Worker) -> None:
        monkeypatch.setattr(RunLog, "append", refused)
        async with asker.ask() as asked, worker:
            await asked.until_over()
            assert asked.texts() == ["a", ""]
        assert f"run {asked.run} is left to another worker: HTTP 403: a permission is missing" in caplog.text

    with_later_worker(nats_url, namespace, FakeOllama(answer("a")), work)


def test_a_fault_after_the_run_is_over_changes_nothing(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(asker: Asker, _: FakeOllama, worker: Worker) -> None:
        async def faulty(_: Attempt, __: bytes, *, after: int) -> None:
            await asker.append(asked.run, RunEvent(asked.run, 0, 0, CANCELLED), after=after)
            raise RuntimeError

        monkeypatch.setattr(Attempt, "run", faulty)
        async with asker.ask() as asked, worker:
            await asker.until_queue_is_empty()
            assert asked.kinds == [CANCELLED]

    with_later_worker(nats_url, namespace, FakeOllama(), work)


def test_a_prompt_stays_with_its_worker_as_long_as_the_model_thinks(
    nats_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.bus.streams.ACK_WAIT", 0.3)
    monkeypatch.setattr(prompt_handler, "_SIGN_OF_LIFE", 0.05)
    gate = Gate()
    signs = 0
    in_progress = Msg.in_progress

    async def counted(message: Msg) -> None:
        nonlocal signs
        signs += 1
        if signs == 10:  # longer than the server waits
            gate.open()
        await in_progress(message)

    async def work(asker: Asker, _: FakeOllama, worker: Worker) -> None:
        async with worker, asker.ask() as asked:
            await asked.until_over()
            assert await asker.redelivered() == 0

    monkeypatch.setattr(Msg, "in_progress", counted)
    with_later_worker(nats_url, namespace, FakeOllama(answer(gate, "a")), work)
