"""`ollama-rx worker --with-server` as a process: everything on one machine with one command."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from reactivex import operators as ops

from ollama_rx import Client
from ollama_rx import operators as op
from ollama_rx.bus import jetstream
from ollama_rx.testing import FakeOllama
from tests.bus.nats_process import free_port, listens, nats_server_program
from tests.contracts.conftest import eventually

MAIN = "from ollama_rx.cli import main; main()"
Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture
def bus() -> str:
    nats_server_program()
    return f"nats://127.0.0.1:{free_port()}"


@pytest.fixture
def start(bus: str, fake: FakeOllama, tmp_path: Path) -> Iterator[Start]:
    """Yield what starts the command and waits until it is ready."""
    processes: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-c", MAIN, "worker", "--host", fake.url, "--bus", bus, "--with-server"],
            env={**os.environ, "OLLAMA_RX_DATA": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        processes.append(process)
        assert process.stdout is not None
        assert bus in process.stdout.readline()
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def answer_of(bus: str, prompt: str) -> str:
    with Client(transport=jetstream(bus), model="echo") as client:
        return "".join(client.generate(prompt).pipe(op.text(), ops.to_list()).run())


def test_ctrl_c_ends_the_worker_and_its_server(start: Start, bus: str, tmp_path: Path) -> None:
    worker = start()
    assert answer_of(bus, "one") == "one"
    os.killpg(worker.pid, signal.SIGINT)  # as from a terminal
    assert worker.wait(20) == 0
    assert "Server Exiting" in (tmp_path / "nats" / "nats.log").read_text()


def test_a_worker_that_was_killed_can_be_started_again(start: Start, bus: str) -> None:
    worker = start()
    assert answer_of(bus, "one") == "one"
    worker.kill()
    start()
    assert answer_of(bus, "two") == "two"


def test_a_server_that_was_killed_is_started_again(start: Start, bus: str, tmp_path: Path) -> None:
    start()
    assert answer_of(bus, "one") == "one"
    pid = tmp_path / "nats" / "nats.pid"
    killed = int(pid.read_text())
    os.kill(killed, signal.SIGKILL)
    assert eventually(lambda: pid.read_text() not in {"", str(killed)} and listens(bus), 20)
    assert answer_of(bus, "two") == "two"
