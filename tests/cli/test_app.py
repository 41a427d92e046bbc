"""The entry point, the options before a command, and the command line as a process."""

import errno
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx.cli import main
from ollama_rx.testing import FakeOllama, answer, endless, pause, thinking

CommandLine = Callable[..., Result]
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT
from ollama_rx.cli import main
main()
"""
# The entry point of an installed package; the package under test may not be installed.
_WITH_JSON_LINES = """
from importlib.metadata import EntryPoint, EntryPoints
from ollama_rx.sinks import uri
entry = EntryPoint("jsonl", "ollama_rx.sinks:JsonLines", uri.GROUP)
uri.entry_points = lambda **which: EntryPoints([entry])
"""


def test_the_entry_point_runs_the_command_and_ends_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["ollama-rx", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("Usage: ollama-rx ")


def test_without_typer_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "ollama_rx.cli.app", raising=False)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit, match=r'pip install "ollama-rx\[cli\]"'):
        main()


def test_without_the_extra_for_serving_the_message_says_what_to_install(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("serve", "port_server"):
        monkeypatch.delitem(sys.modules, f"ollama_rx.cli.serve.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = command_line("serve")
    assert result.exit_code == 1
    assert result.output.startswith('ollama-rx: serving needs an extra: pip install "ollama-rx[web]" (')


def test_any_other_missing_module_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ollama_rx.cli.app", None)
    with pytest.raises(ModuleNotFoundError):
        main()


def test_the_version_is_that_of_the_package(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", {"ollama-rx": "9.8.7"}.__getitem__)
    result = command_line("--version")
    assert (result.stdout, result.exit_code) == ("ollama-rx 9.8.7\n", 0)


def test_without_an_installed_package_no_version_is_shown(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", unknown)
    assert command_line("--version").stdout == "ollama-rx, not installed as a package\n"


def test_closed_standard_streams_are_replaced_by_the_null_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["ollama-rx", "--help"])
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    for file in (sys.stdin, sys.stdout, sys.stderr):
        assert file.name == os.devnull
        file.close()


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
def endless_fake() -> Iterator[FakeOllama]:
    with FakeOllama(answer("One", " two", endless(" and", every=0.01))) as server:
        yield server


def test_ctrl_c_during_an_answer_closes_the_request_and_ends_the_line(endless_fake: FakeOllama) -> None:
    with _start("run", "Count", "--host", endless_fake.url, "--stats") as process:
        endless_fake.wait_for_lines(20, timeout=30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out.startswith("One two and")
    assert out.endswith("\n")
    assert "end         interrupted" in err
    assert "Traceback" not in err
    endless_fake.wait_for_disconnect()


def test_ctrl_c_before_the_first_token_closes_the_request(endless_fake: FakeOllama) -> None:
    endless_fake.play(answer(pause(60), "never"))
    with _start("run", "Count", "--host", endless_fake.url) as process:
        endless_fake.wait_for_request(path="/api/generate", timeout=30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")
    endless_fake.wait_for_disconnect()


def test_a_closed_pipe_ends_the_request_quietly(endless_fake: FakeOllama) -> None:
    with _start("run", "Count", "--host", endless_fake.url) as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == "One"
        process.stdout.close()
        endless_fake.wait_for_disconnect(timeout=30)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_a_closed_pipe_of_json_lines_ends_the_request_quietly(endless_fake: FakeOllama) -> None:
    program = MAIN.replace("\nmain()", "\n" + _WITH_JSON_LINES + "main()")
    with _start("run", "Count", "--host", endless_fake.url, "--to", "jsonl:-", program=program) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == '"One"\n'
        process.stdout.close()
        endless_fake.wait_for_disconnect(timeout=30)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


def test_the_command_runs_with_closed_standard_streams(endless_fake: FakeOllama) -> None:
    endless_fake.play(answer("Hello"))
    program = "import os; [os.close(number) for number in (0, 1, 2)]; os.execvp(*COMMAND)"
    command = [sys.executable, "-c", MAIN, "run", "Hi", "--host", endless_fake.url, "--stats"]
    with _start(program=program.replace("COMMAND", repr((sys.executable, command)))) as process:
        assert process.wait(30) == 0
    assert endless_fake.requests[-1].json["prompt"] == "Hi"


def test_help_is_fast_because_the_client_is_not_loaded() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with _start("--help") as process:
        out, err = process.communicate(timeout=30)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (process.returncode, err) == (0, "")
    assert "Ask a model" in out
    assert (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime) < 0.6


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["a\udcffb"], "'PROMPT'"),
        (["Hi", "--system", "a\udcffb"], "'--system'"),
        (["Hi", "--model", "a\udcffb"], "'--model' / '-m'"),
        (["Hi", "--stop", "a", "--stop", "a\udcffb"], "'--stop'"),
        (["Hi", "-o", "a=a\udcffb"], "'--option' / '-o'"),
        (["Hi", "-o", "a\udcffb=1"], "'--option' / '-o'"),
    ],
)
def test_text_that_is_not_utf_8_is_a_usage_error_that_names_the_option(
    command_line: CommandLine, words: list[str], option: str
) -> None:
    result = command_line("run", *words)  # such bytes reach Python as lone surrogates
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"Invalid value for {option}: expected text in UTF-8, got other bytes: 'a" in result.stderr


def test_bytes_of_the_command_line_that_are_not_utf_8_are_a_usage_error() -> None:
    with _start("run", "a\udcffb") as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert err.endswith("Invalid value for 'PROMPT': expected text in UTF-8, got other bytes: 'a\\udcffb'\n")


def test_a_path_need_not_be_utf_8(endless_fake: FakeOllama, tmp_path: Path) -> None:
    endless_fake.play(answer("Hello"))
    program = MAIN.replace("\nmain()", "\n" + _WITH_JSON_LINES + "main()")
    path = tmp_path / "a\udcffb"
    with _start("run", "Hi", "--host", endless_fake.url, "--to", f"jsonl:{path}", program=program) as process:
        assert process.wait(30) == 0
    assert path.read_text(encoding="utf-8") == '"Hello"\n'


def test_help_that_cannot_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(_: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "argv", ["ollama-rx", "--help"])
    monkeypatch.setattr(sys.stdout, "write", full)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == "ollama-rx: No space left on device"
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("in_a_class", [False, True])
def test_ctrl_c_while_modules_are_loaded_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, in_a_class: bool
) -> None:
    def interrupted() -> None:
        if in_a_class:
            raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()
        raise KeyboardInterrupt

    monkeypatch.setattr("ollama_rx.cli._run", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "")


def test_an_error_of_a_module_is_not_taken_for_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("ollama_rx.cli._run", broken)
    with pytest.raises(RuntimeError, match="a defect"):
        main()


def test_an_answer_is_a_success_even_if_standard_error_cannot_be_written(endless_fake: FakeOllama) -> None:
    endless_fake.play(answer(thinking("Hm"), "Hello"))
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [
                *(sys.executable, "-c", MAIN, "run", "Hi", "--host", endless_fake.url),
                *("--thinking", "--stats", "-o", "unknown=1"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
    assert (done.stdout, done.returncode) == ("Hello\n", 0)


def test_an_answer_that_finds_a_full_disk_is_one_line(endless_fake: FakeOllama) -> None:
    endless_fake.play(answer("Hello"))
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", MAIN, "run", "Hi", "--host", endless_fake.url],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
    assert done.returncode == 1
    assert done.stderr == "ollama-rx: sink Console failed: No space left on device\n"


def test_a_missing_extra_is_one_line() -> None:
    program = "import sys; sys.modules['typer'] = None; from ollama_rx.cli import main; main()"
    with _start("--help", program=program) as process:
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert err == 'ollama-rx: typer is missing; pip install "ollama-rx[cli]"\n'
