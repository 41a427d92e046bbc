"""``ollama-rx run --to web``, as a process: the address, the end, Ctrl-C, a port in use."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from ollama_rx.testing import FakeOllama, answer, endless

# The entry point of an installed package; the package under test may not be installed.
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT
from importlib.metadata import EntryPoint, EntryPoints
from ollama_rx.sinks import uri
entry = EntryPoint("web", "ollama_rx.web:LivePage", uri.GROUP)
uri._entry_points = lambda: EntryPoints([entry])
from ollama_rx.cli import main
main()
"""

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run(fake: FakeOllama) -> Iterator[Run]:
    """Start ``ollama-rx run``."""
    processes: list[subprocess.Popen[str]] = []

    def start(*words: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", MAIN, "run", "Hi", "-m", "m", "--host", fake.url, *words]
        processes.append(
            subprocess.Popen(  # noqa: S603 - our own interpreter
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama() as server:
        yield server


def line_of(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    return process.stderr.readline()


def address_in(line: str) -> str:
    assert line.startswith("ollama-rx: the answer is shown at http://127.0.0.1:")
    return line.rsplit(maxsplit=1)[-1]


def test_the_page_is_at_the_address_that_is_printed_and_the_command_ends_when_it_was_read(
    fake: FakeOllama, run: Run
) -> None:
    fake.play(answer("Hello ", "**you**."))
    process = run("--to", "console", "--to", "web:0")
    url = address_in(line_of(process))
    assert httpx.get(url, timeout=60, trust_env=False).status_code == 200
    events = httpx.get(f"{url}api/events", timeout=60, trust_env=False).text
    assert "<p>Hello <strong>you</strong>.</p>" in events
    output, _ = process.communicate()
    assert (output, process.returncode) == ("Hello **you**.\n", 0)


def test_ctrl_c_ends_the_wait_for_a_browser(fake: FakeOllama, run: Run) -> None:
    fake.play(answer("Hello."))
    process = run("--to", "web:0")
    url = address_in(line_of(process))
    waiting = f"ollama-rx: the answer is complete; {url} waits until it is opened, at most 60 s"
    assert line_of(process) == f"{waiting} (Ctrl-C ends this)\n"
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130


def test_ctrl_c_stops_the_model_and_tells_the_browser(fake: FakeOllama, run: Run) -> None:
    fake.play(answer(endless("and on ", every=0.01)))
    process = run("--to", "web:0")
    url = address_in(line_of(process))
    with httpx.stream("GET", f"{url}api/events", timeout=60, trust_env=False) as response:
        lines = response.iter_lines()
        assert "event: block" in lines
        process.send_signal(signal.SIGINT)
        assert 'data: {"reason":"stopped"}' in lines
    fake.wait_for_disconnect()
    process.communicate()
    assert process.returncode == 130


def test_a_port_in_use_is_an_error_in_one_line_and_the_model_is_not_asked(fake: FakeOllama, run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = run("--to", f"web:{port}")
        _, errors = process.communicate()
    expected = f"ollama-rx: port {port} is in use; port 0, as in --to web:0, chooses a free one\n"
    assert (errors, process.returncode) == (expected, 1)
    assert not fake.requests


def test_an_error_of_the_model_is_not_held_up_by_the_page(fake: FakeOllama, run: Run) -> None:
    fake.close()
    process = run("--to", "web:0")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert len(errors.splitlines()) == 2
