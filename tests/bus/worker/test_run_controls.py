"""Workers tell each other which runs they have."""

import asyncio

import pytest
from nats.aio.msg import Msg

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.subjects import Subjects
from ollama_rx.bus.worker import run_controls
from ollama_rx.bus.worker.run_controls import RunControls
from tests.bus.on_bus import on_bus


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less long for those that do not answer."""
    monkeypatch.setattr(run_controls, "_ANSWER", 0.05)


def test_a_worker_that_has_a_run_says_so(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        mine, others = (RunControls(connection, Subjects(namespace)) for _ in range(2))
        async with mine.listening(), others.listening():
            with others.hold("r", lambda: None):
                assert await mine.is_held_elsewhere("r")
                assert not await mine.is_held_elsewhere("another")
            assert not await mine.is_held_elsewhere("r")

    on_bus(nats_url, work)


def test_a_worker_hears_of_hints_about_its_runs_only(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        controls = RunControls(connection, Subjects(namespace))
        hints: list[str] = []
        async with controls.listening():
            with (
                controls.hold("one", lambda: hints.append("one")),
                controls.hold("two", lambda: hints.append("two")),
            ):
                for run in ("two", "three", "one"):
                    await controls.hint(run)
                assert await controls.is_held_elsewhere("one")  # it answers after the hints
        assert hints == ["two", "one"]

    on_bus(nats_url, work)


def test_a_hint_on_a_closed_connection_does_nothing(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        await connection.close()
        await RunControls(connection, Subjects(namespace)).hint("r")

    on_bus(nats_url, work)


def test_of_two_messages_about_a_run_only_the_first_is_dealt_with(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        controls = RunControls(connection, Subjects(namespace))
        with controls.picked_up("r") as is_first:
            assert is_first
            for _ in range(2):
                with controls.picked_up("r") as is_again_first:
                    assert not is_again_first
        with controls.picked_up("r") as is_first:
            assert is_first

    on_bus(nats_url, work)


def test_a_question_that_is_not_answered_yet_is_dropped_at_the_end(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        controls = RunControls(connection, Subjects(namespace))
        async with controls.listening():
            with controls.hold("r", lambda: None):
                question = Msg(connection.nats, subject=Subjects(namespace).control("r"), reply="reply")
                controls._received(question)
                [answer] = controls._answers
        await asyncio.wait({answer})
        assert answer.cancelled()

    on_bus(nats_url, work)
