"""Workers tell each other which runs they have."""

from contextlib import ExitStack

import pytest

from ollama_rx.bus.bus_connection import BusConnection
from ollama_rx.bus.subjects import Subjects
from ollama_rx.bus.worker import run_controls
from ollama_rx.bus.worker.run_controls import RunControls
from tests.bus.on_bus import on_bus


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less long for those that do not answer."""
    monkeypatch.setattr(run_controls, "_ANSWER", 0.05)


async def opened(connection: BusConnection, namespace: str) -> RunControls:
    controls = RunControls(connection, Subjects(namespace))
    await controls.open()
    return controls


def test_a_worker_that_has_a_run_says_so(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        mine = await opened(connection, namespace)
        others = await opened(connection, namespace)
        with others.hold("r", lambda: None):
            assert await mine.is_held_elsewhere("r")
            assert not await mine.is_held_elsewhere("another")
        assert not await mine.is_held_elsewhere("r")

    on_bus(nats_url, work)


def test_a_worker_hears_of_hints_about_its_runs_only(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        controls = await opened(connection, namespace)
        hints: list[str] = []
        with ExitStack() as held:
            held.enter_context(controls.hold("one", lambda: hints.append("one")))
            held.enter_context(controls.hold("two", lambda: hints.append("two")))
            for run in ("two", "three", "one"):
                await controls.hint(run)
            assert await controls.is_held_elsewhere("one")  # it answers after the hints
        assert hints == ["two", "one"]

    on_bus(nats_url, work)


def test_a_run_is_in_the_hands_of_a_worker_until_it_lets_go(nats_url: str, namespace: str) -> None:
    async def work(connection: BusConnection) -> None:
        controls = await opened(connection, namespace)
        with controls.hold("r", lambda: None):
            assert "r" in controls
        assert "r" not in controls

    on_bus(nats_url, work)
