"""The port of a cassette, and what Ctrl-C in a terminal does while a command uses it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.applications import Starlette

from ollama_rx.cli.cassettes import cassette_port
from ollama_rx.cli.cassettes.cassette_port import DEFAULT_PORT, listen_for_cassette
from ollama_rx.cli.serve.port_server import PortServer
from ollama_rx.testing import FakeOllama, Gate, answer
from ollama_rx.testing.cassettes.cassette_file import read_cassette
from tests.cli.cassettes.asking import asking
from tests.cli.pseudo_terminal import PseudoTerminal

# A shell starts each command in a group of processes that the terminal sends Ctrl-C to.
IN_A_TERMINAL = """
import fcntl, os, signal, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.default_int_handler)
from ollama_rx.cli import main
main()
"""
COUNTING = """
import signal, sys
count = 0
def interrupted(*_):
    global count
    count += 1
    print("interrupt", count, flush=True)
signal.signal(signal.SIGINT, interrupted)
print("ready", flush=True)
for line in sys.stdin:
    print("line", line, flush=True)
    if line == "end\\n":
        sys.exit(count)
"""


@pytest.mark.parametrize("command", ["record", "replay"])
def test_ctrl_c_in_a_terminal_reaches_the_command_once(
    command: str, fake: FakeOllama, cassette: Path
) -> None:
    if command == "replay":
        cassette.write_text('{"cassette":1}\n')
    given = ("--host", fake.url) if command == "record" else ()
    words = (command, str(cassette), *given, "--", sys.executable, "-c", COUNTING)
    with PseudoTerminal(*words, program=IN_A_TERMINAL) as terminal:
        terminal.read_until("ready")
        terminal.press("\x03")
        terminal.read_until("interrupt 1")
        terminal.press("more\r")
        terminal.read_until("line more")
        terminal.press("\x03")
        terminal.read_until("interrupt 2")
        terminal.press("end\r")
        assert terminal.finish() == 2
    assert "interrupt 3" not in terminal.written


def test_ctrl_c_in_mid_stream_leaves_a_readable_cassette(
    fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    fake.play(answer("Hel", Gate()))
    words = ("record", str(cassette), "--host", fake.url, "--", *asking(answer_file))
    with PseudoTerminal(*words, program=IN_A_TERMINAL) as terminal:
        fake.wait_for_lines(1, request=2, timeout=30)
        terminal.press("\x03")
        assert terminal.finish() == 130
    fake.wait_for_disconnect()
    (exchange,) = read_cassette(cassette).exchanges
    assert exchange.end == "left"


def test_a_signal_to_this_process_alone_is_passed_on(
    fake: FakeOllama, cassette: Path, answer_file: Path
) -> None:
    fake.play(answer("Hel", Gate()))
    words = ["record", str(cassette), "--host", fake.url, "--", *asking(answer_file)]
    program = IN_A_TERMINAL.replace("fcntl.ioctl(0, termios.TIOCSCTTY, 0)", "")
    process = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, *words],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    fake.wait_for_lines(1, request=2, timeout=30)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM


def test_a_signal_that_is_taken_does_not_end_a_server() -> None:
    taken: list[int] = []
    for is_taken in (True, False):

        def take_signal(number: int, *, is_taken: bool = is_taken) -> bool:
            taken.append(number)
            return is_taken

        server = PortServer(Starlette(), on_start=list, take_signal=take_signal)
        server.handle_exit(signal.SIGINT, None)
        assert server.should_exit is not is_taken
    assert taken == [signal.SIGINT] * 2


def test_the_port_is_11435_or_any_free_one_for_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def note(address: str, port: int) -> None:
        assert address == "127.0.0.1"
        asked.append(port)

    monkeypatch.setattr(cassette_port, "listen", note)
    for port, command in ((None, ()), (None, ("true",)), (7, ("true",))):
        listen_for_cassette(port, command)
    assert asked == [DEFAULT_PORT, 0, 7]
    assert DEFAULT_PORT == 11435
