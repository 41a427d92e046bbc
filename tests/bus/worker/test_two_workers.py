"""Two workers in processes of their own: one dies or sleeps in mid-answer, the other one takes over."""

import sys

import pytest

from ollama_rx.bus.runs.run_event import EventKind
from ollama_rx.testing import FakeOllama, Gate, answer
from tests.bus.worker.asker import Asker, with_asker
from tests.bus.worker.worker_process import WorkerProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are paused by signals of POSIX")


def test_a_worker_that_is_killed_in_mid_answer_is_replaced(nats_url: str, namespace: str) -> None:
    first, second = FakeOllama(answer("Hel", Gate())), FakeOllama(answer("Hello"))

    async def work(asker: Asker) -> None:
        with WorkerProcess(first.url, nats_url, namespace) as one:
            async with asker.ask() as asked:
                await asked.until_kind(EventKind.LINES)
                with WorkerProcess(second.url, nats_url, namespace):
                    one.kill()
                    await asked.until_over()
                    await asker.until_queue_is_empty()
                    assert asked.texts(attempt=1) == ["Hel"]
                    assert asked.texts(attempt=2) == ["Hello", ""]

    with first, second:
        with_asker(nats_url, namespace, work)


def test_a_worker_that_wakes_up_after_it_was_replaced_adds_nothing(nats_url: str, namespace: str) -> None:
    asleep, done = Gate(), Gate()
    first, second = FakeOllama(answer("Hel", asleep, "lo", Gate())), FakeOllama(answer("Hello", done, "!"))

    async def work(asker: Asker) -> None:
        with WorkerProcess(first.url, nats_url, namespace) as one:
            async with asker.ask() as asked:
                await asked.until_kind(EventKind.LINES)
                with WorkerProcess(second.url, nats_url, namespace):
                    one.pause()
                    await asked.until_kind(EventKind.LINES, 2)
                    asleep.open()
                    await first.aio.wait_for_lines(2)
                    one.resume()
                    await first.aio.wait_for_disconnect()
                    done.open()
                    await asked.until_over()
                    await asker.until_queue_is_empty()
                    assert asked.texts(attempt=1) == ["Hel"]
                    assert asked.texts(attempt=2) == ["Hello", "!", ""]
                    assert [event.attempt for event in asked.events] == sorted(
                        event.attempt for event in asked.events
                    )

    with first, second:
        with_asker(nats_url, namespace, work)


def test_a_worker_that_sleeps_while_its_model_is_silent_stops_it_when_it_wakes_up(
    nats_url: str, namespace: str
) -> None:
    first, second = FakeOllama(answer(Gate(), "a")), FakeOllama(answer("Hello"))

    async def work(asker: Asker) -> None:
        with WorkerProcess(first.url, nats_url, namespace) as one:
            async with asker.ask() as asked:
                await first.aio.wait_for_request(path="/api/generate")
                with WorkerProcess(second.url, nats_url, namespace):
                    one.pause()
                    await asked.until_over()
                    one.resume()
                    await first.aio.wait_for_disconnect()
                    assert asked.texts(attempt=2) == ["Hello", ""]

    with first, second:
        with_asker(nats_url, namespace, work)


def test_a_prompt_that_a_sleeping_worker_was_given_is_answered_by_another_one_once(
    nats_url: str, namespace: str
) -> None:
    done = Gate()
    first, second = FakeOllama(answer("first")), FakeOllama(answer("Hello", done))

    async def work(asker: Asker) -> None:
        with WorkerProcess(first.url, nats_url, namespace) as one:
            one.pause()
            async with asker.ask() as asked:
                with WorkerProcess(second.url, nats_url, namespace):
                    await asked.until_kind(EventKind.LINES)
                    one.resume()
                    async with asker.ask() as other:  # the first worker answers this one, after the stale one
                        await other.until_over()
                    done.open()
                    await asked.until_over()
                    assert {event.attempt for event in asked.events} == {1}
                    assert asked.texts() == ["Hello", ""]

    with first, second:
        with_asker(nats_url, namespace, work)
