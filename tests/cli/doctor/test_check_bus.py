"""The doctor asks the workers on the bus, if one is named."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ollama_rx import Client
from ollama_rx.bus import Worker
from ollama_rx.cli.doctor.check_bus import check
from ollama_rx.cli.doctor.finding import Target
from ollama_rx.testing import FakeOllama
from tests.bus.nats_process import NatsProcess, free_port


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsProcess]:
    started = NatsProcess(tmp_path / "nats").start()
    try:
        yield started
    finally:
        started.kill()


def test_without_a_name_there_is_no_bus() -> None:
    (bus,) = check(Target())
    assert (bus.status, bus.text) == (
        "ok",
        "not used: neither --host nor OLLAMA_HOST nor NATS_URL names one",
    )


def test_a_bus_with_a_worker_can_answer(server: NatsProcess) -> None:
    with FakeOllama() as fake, Client(fake.url) as host, Worker(host, server.url):
        bus, models = check(Target(host=server.url, named=server.url))
    assert (bus.status, bus.text) == ("ok", f"{server.url} answers")
    assert (models.text, models.can_answer) == ("1: echo:latest", True)


def test_a_bus_without_workers_cannot_answer(server: NatsProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", server.url)
    bus, models = check(Target())
    assert (bus.status, models.status, models.can_answer) == ("ok", "missing", False)
    assert models.command == f"ollama-rx worker --bus {server.url}"


def test_a_bus_that_cannot_be_reached_is_a_problem_without_its_password() -> None:
    url = f"nats://ada:secret@127.0.0.1:{free_port()}"
    (bus,) = check(Target(host=url, named=url))
    assert bus.status == "problem"
    assert bus.text.startswith("cannot reach nats://127.0.0.1:")
    assert "secret" not in repr(bus)


def test_an_address_that_cannot_be_read_is_a_problem() -> None:
    (bus,) = check(Target(named="nats://a:port"))
    assert bus.status == "problem"
    assert "expected nats://host:port" in bus.text


def test_without_the_extra_the_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ollama_rx.bus", None)
    (bus,) = check(Target(named="nats://127.0.0.1"))
    assert (bus.status, bus.command) == ("problem", 'pip install "ollama-rx[bus]"')
