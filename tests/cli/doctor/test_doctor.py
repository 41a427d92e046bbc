"""`ollama-rx doctor` prints what is there and what is missing, and fails if nothing can answer."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.cli.doctor import doctor as command
from ollama_rx.cli.doctor.examination import Examination
from ollama_rx.cli.doctor.find_checks import Check, find_checks
from ollama_rx.cli.doctor.finding import Finding, Target
from ollama_rx.testing import FakeOllama, silent_url
from tests.cli.pseudo_terminal import PseudoTerminal

CommandLine = Callable[..., Result]
ROOT = Path(__file__).parents[3]

# Gives servers on a busy machine time to answer.
PATIENT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT
from ollama_rx import Timeouts
from ollama_rx.cli import main
from ollama_rx.cli.doctor import check_ollama, doctor
check_ollama._LIMITS = Timeouts(connect=60, first_chunk=60)
doctor._SECONDS = 60
main()
"""

SERVER = Finding(name="server", status="ok", text="answers", can_answer=True, fields={"url": "http://h"})
EXTRA = Finding(name="tts", status="missing", text="needs\x1b hibari", command='pip install "ollama-rx[tts]"')


def checks(monkeypatch: pytest.MonkeyPatch, **found: Iterable[Finding] | Exception) -> list[Check]:
    """Let the doctor have these checks only; their names are their titles."""

    def run(result: Iterable[Finding] | Exception) -> Callable[[Target], Iterable[Finding]]:
        def check(_: Target) -> Iterable[Finding]:
            if isinstance(result, Exception):
                raise result
            return result

        return check

    these = [Check(title, position, run(result)) for position, (title, result) in enumerate(found.items())]
    monkeypatch.setattr("ollama_rx.cli.doctor.examination.find_checks", lambda: these)
    return these


def test_each_check_has_a_section_and_each_finding_a_line_with_a_mark(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks(monkeypatch, Ollama=[SERVER], Bus=[], Extras=[EXTRA])
    result = command_line("doctor")
    assert (result.stderr, result.exit_code) == ("", 0)
    assert result.stdout == (
        "Ollama\n"
        "ok       server: answers\n"
        "\n"
        "Extras\n"
        "missing  tts: needs\\x1b hibari\n"
        '         pip install "ollama-rx[tts]"\n'
        "\n"
    )


def test_if_nothing_can_answer_a_prompt_that_is_a_failure(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks(monkeypatch, Extras=[EXTRA])
    result = command_line("doctor")
    assert result.exit_code == 1
    assert result.stdout.endswith(
        "\nNothing can answer a prompt: there is no server with a model, and no embedded model.\n"
    )


@pytest.mark.parametrize(("found", "code"), [([SERVER], 0), ([], 1)])
def test_as_json_it_is_one_object(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, found: list[Finding], code: int
) -> None:
    checks(monkeypatch, Ollama=found, Extras=[EXTRA])
    result = command_line("doctor", "--json")
    assert (result.stderr, result.exit_code, result.stdout.count("\n")) == ("", code, 1)
    report = json.loads(result.stdout)
    assert report["can_answer"] is bool(found)
    server = {"check": "Ollama", "name": "server", "status": "ok", "text": "answers", "command": None}
    extra = {"check": "Extras", "name": "tts", "status": "missing", "text": EXTRA.text}
    assert report["checks"] == [
        *([{**server, "url": "http://h"}] if found else []),
        {**extra, "command": EXTRA.command},
    ]


def test_a_check_that_fails_does_not_keep_the_others(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks(monkeypatch, Voice=ValueError("a defect"), Bus=TimeoutError(), Ollama=[SERVER])
    lines = command_line("doctor").stdout.splitlines()
    assert lines[1] == "problem  check: failed: ValueError: a defect"
    assert lines[7] == "ok       server: answers"


def test_a_check_that_hangs_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = threading.Event()

    def wait(_: Target) -> Iterable[Finding]:
        hangs.wait(60)
        return []

    slow = Check("Slow", 1, wait)
    monkeypatch.setattr("ollama_rx.cli.doctor.examination.find_checks", lambda: [slow])
    (finding,) = Examination(Target(), 0.05).findings(slow)
    assert (finding.status, finding.text) == ("problem", "failed: no result within 0.05 s")
    hangs.set()


def test_a_thread_that_is_left_does_not_keep_the_process(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, ended_processes: list[int]
) -> None:
    hangs = threading.Event()

    def leave(_: Target) -> Iterable[Finding]:
        threading.Thread(target=hangs.wait, args=(60,)).start()
        return [SERVER]

    monkeypatch.setattr("ollama_rx.cli.doctor.examination.find_checks", lambda: [Check("Left", 1, leave)])
    assert command_line("doctor").exit_code == 0
    assert ended_processes == [0]
    hangs.set()


def test_the_process_is_ended_after_its_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    command._end_now(3)
    assert codes == [3]


def test_every_check_is_found_and_has_a_place() -> None:
    files = list((ROOT / "ollama_rx/cli/doctor").glob("check_*.py"))
    found = find_checks()
    assert len(found) == len(files) > 8
    assert len({check.position for check in found}) == len(found)
    assert found[0].title == "Ollama"


def test_an_address_that_cannot_be_read_is_a_usage_error(command_line: CommandLine) -> None:
    result = command_line("doctor", "--host", "http://a?b")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("ollama-rx: Invalid value for --host: expected no query")


def test_a_bus_can_be_named(command_line: CommandLine) -> None:
    result = command_line("doctor", "--host", "nats://127.0.0.1:1")
    assert result.exit_code == 1
    assert "\nOllama\n" not in f"\n{result.stdout}"
    assert "problem  server: cannot reach nats://127.0.0.1:1" in result.stdout


def test_a_terminal_has_colours_and_lines_that_fit(fake: FakeOllama) -> None:
    with PseudoTerminal("doctor", "--host", fake.url, columns=40, program=PATIENT) as terminal:
        assert terminal.finish() == 0
    assert "\x1b[1mOllama\x1b[0m\n\x1b[32mok\x1b[0m       server: " in terminal.written
    lines = [line for line in terminal.screen if not line.startswith("         ")]
    assert all(len(line) < 40 for line in lines)


def test_a_terminal_may_have_no_colours(fake: FakeOllama) -> None:
    environment = {"NO_COLOR": "1", "PYTHONIOENCODING": "latin-1"}
    with PseudoTerminal("doctor", "--host", fake.url, environment=environment, program=PATIENT) as terminal:
        assert terminal.finish() == 0
    assert terminal.screen[0] == "Ollama"
    assert any(line.startswith("problem  encoding: ") for line in terminal.screen)


def test_the_line_about_the_check_is_erased_even_if_a_check_silences_standard_error(fake: FakeOllama) -> None:
    silent = "import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n" + PATIENT
    with PseudoTerminal("doctor", "--host", fake.url, program=silent) as terminal:
        assert terminal.finish() == 0
    assert "checking: Ollama\r\x1b[K" in terminal.written


def test_on_a_terminal_json_is_alone(fake: FakeOllama) -> None:
    with PseudoTerminal("doctor", "--host", fake.url, "--json", program=PATIENT) as terminal:
        assert terminal.finish() == 0
    assert json.loads(terminal.written)["can_answer"]


def test_ctrl_c_ends_it() -> None:
    with silent_url() as url, PseudoTerminal("doctor", "--host", url, program=PATIENT) as terminal:
        terminal.read_until("checking: Ollama")
        terminal.interrupt()
        assert terminal.finish() == 130
    assert "Traceback" not in terminal.written


def test_a_machine_without_anything_gets_a_report() -> None:
    program = """
import sys
from importlib.abc import MetaPathFinder

EXTRAS = {"rich", "nats", "nkeys", "xllamacpp", "hibari", "piper", "sounddevice", "markdown_it", "pygments",
          "uvloop", "starlette", "uvicorn", "wyoming", "icu4py", "jsonschema_rs", "prompt_toolkit"}

class Bare(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError("not installed: " + name, name=name)

sys.meta_path.insert(0, Bare())
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name.partition(".")[0] in EXTRAS else real(name)
from ollama_rx.client import host
host.DEFAULT_PORT = 1
from ollama_rx.cli import main
main()
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, "doctor"],
        env={"PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert (
        'missing  engine: xllamacpp is not installed\n         pip install "ollama-rx[embedded]"'
        in done.stdout
    )
    assert "failed" not in done.stdout
    assert done.stdout.endswith("and no embedded model.\n")
