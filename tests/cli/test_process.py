"""The command line as a process: signals, pipes, time, and what is missing."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ollama_rx.testing import FakeOllama, answer, endless, pause

MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the tests run in the background
from ollama_rx.cli import main
main()
"""


def _start(*words: str, program: str = MAIN) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with FakeOllama(answer("One", " two", endless(" and", every=0.01))) as server:
        yield server


def test_ctrl_c_in_the_middle_of_an_answer_closes_the_request_and_ends_the_line(fake: FakeOllama) -> None:
    with _start("run", "Count", "--host", fake.url, "--stats") as process:
        fake.wait_for_lines(20, timeout=30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.startswith("One two and")
    assert out.endswith("\n")
    assert "ended by    disposed" in err
    assert "Traceback" not in err
    fake.wait_for_disconnect()


def test_ctrl_c_before_the_first_word_closes_the_request(fake: FakeOllama) -> None:
    fake.play(answer(pause(60), "never"))
    with _start("run", "Count", "--host", fake.url) as process:
        fake.wait_for_request(path="/api/generate", timeout=30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")
    fake.wait_for_disconnect()


def test_a_reader_that_leaves_ends_the_request_quietly(fake: FakeOllama) -> None:
    with _start("run", "Count", "--host", fake.url) as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == "One"
        process.stdout.close()
        fake.wait_for_disconnect(timeout=30)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_a_reader_of_json_lines_that_leaves_is_no_error_either(fake: FakeOllama) -> None:
    program = MAIN.replace("\nmain()", "\n" + _WITH_JSON_LINES + "main()")
    with _start("run", "Count", "--host", fake.url, "--to", "jsonl:-", program=program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == '"One"\n'
        process.stdout.close()
        fake.wait_for_disconnect(timeout=30)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_closed_streams_are_as_good_as_streams_that_nobody_reads(fake: FakeOllama) -> None:
    fake.play(answer("Hello"))
    program = "import os; [os.close(number) for number in (0, 1, 2)]; os.execvp(*COMMAND)"
    command = [sys.executable, "-c", MAIN, "run", "Hi", "--host", fake.url, "--stats"]
    with _start(program=program.replace("COMMAND", repr((sys.executable, command)))) as process:
        assert process.wait(30) == 0
    assert fake.requests[-1].json["prompt"] == "Hi"


def test_help_answers_at_once_without_loading_the_client() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with _start("--help") as process:
        out, err = process.communicate(timeout=30)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (process.returncode, err) == (0, "")
    assert "Ask a model" in out
    assert (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime) < 0.6


def test_a_missing_extra_is_one_clear_line() -> None:
    program = "import sys; sys.modules['typer'] = None; from ollama_rx.cli import main; main()"
    with _start("--help", program=program) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert err == 'ollama-rx: typer is missing; pip install "ollama-rx[cli]"\n'


# the entry point as an installed package has it; here the sources may not be installed
_WITH_JSON_LINES = """
from importlib.metadata import EntryPoint, EntryPoints
from ollama_rx.sinks import uri
entry = EntryPoint("jsonl", "ollama_rx.sinks:JsonLines", uri.GROUP)
uri.entry_points = lambda **which: EntryPoints([entry])
"""
