"""Errors become one line and an exit code, Ctrl-C ends a command, and text fits a terminal."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import Result

from ollama_rx.cli.terminal import exit_on_error, interruptible
from ollama_rx.testing import FakeOllama, answer, cut, error_status, text_reply

STUBBORN = """
import signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore SIGINT

class Stubborn:
    def __enter__(self): return self
    def __exit__(self, *_):
        print("closing", flush=True)
        threading.Event().wait()

from ollama_rx.cli.terminal import exit_on_error
with exit_on_error(), Stubborn():
    print("working", flush=True)
    threading.Event().wait()
"""
CommandLine = Callable[..., Result]


def test_an_interrupt_exits_with_130_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, exit_on_error():
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr() == ("", "")


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), exit_on_error():
        raise ZeroDivisionError


@pytest.fixture
def default_sigint() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("default_sigint")
def test_the_first_ctrl_c_raises_and_the_second_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    with pytest.raises(KeyboardInterrupt), interruptible():  # noqa: PT012 - the second signal during the first exception
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            assert ended == []
            signal.raise_signal(signal.SIGINT)
    assert ended == [130]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("default_sigint")
def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interruptible():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.usefixtures("default_sigint")
def test_outside_the_main_thread_the_signal_handler_is_not_changed() -> None:
    seen: list[object] = []

    def work() -> None:
        with interruptible():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


@pytest.mark.usefixtures("default_sigint")
def test_a_cleanup_that_hangs_can_be_interrupted() -> None:
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", STUBBORN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        for printed in ("working\n", "closing\n"):
            assert process.stdout.readline() == printed
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")


def test_a_named_server_that_is_unreachable_is_an_error_with_advice(
    command_line: CommandLine, unused_url: str
) -> None:
    result = command_line("run", "Hi", "-m", "mine", "--host", unused_url, "--stats")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.splitlines()[-1].startswith(f"ollama-rx: cannot reach {unused_url} (")
    assert "is `ollama serve` running?" in result.stderr
    assert result.stderr.endswith(
        "? The embedded model answers only if neither a server nor a model is named.\n"
    )
    assert result.stderr.count("\n") == 1


def test_an_unreachable_server_named_by_the_environment_is_an_error(
    command_line: CommandLine, unused_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", unused_url)
    result = command_line("run", "Hi", "--model", "mine")
    assert (result.stdout, result.exit_code) == ("", 1)


def test_a_missing_model_is_an_error(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(error_status(404))
    result = command_line("run", "Hi", "--host", fake.url, "--model", "none")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert "`ollama pull`" in result.stderr


def test_an_answer_that_breaks_off_is_printed_and_followed_by_an_error(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("Hel", cut()))
    result = command_line("run", "Hi", "--host", fake.url)
    assert (result.stdout, result.exit_code) == ("Hel\n", 1)
    assert result.stderr.startswith("ollama-rx: ")


@pytest.mark.usefixtures("sinks")
def test_a_file_that_cannot_be_written_is_an_error(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    result = command_line("run", "Hi", "--host", fake.url, "--to", f"jsonl:{tmp_path}")
    assert result.exit_code == 1
    assert result.stderr == f"ollama-rx: {tmp_path}: Is a directory\n"
    assert fake.requests == ()


@pytest.mark.usefixtures("sinks")
def test_a_sink_that_fails_is_an_error(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line("run", "Hi", "--host", fake.url, "--to", "broken")
    assert result.exit_code == 1
    assert result.stderr == "ollama-rx: sink Broken failed: RuntimeError: out of paper\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["run"], "give a prompt: standard input is empty"),
        (["run", " "], "the prompt is empty"),
        (["run", "Hi", "--option", "temperature"], "KEY=VALUE"),
        (["run", "Hi", "--option", "=1"], "KEY=VALUE"),
        (["run", "Hi", "--model", "mine", "--option", "think=true"], "argument of its own"),
        (["run", "Hi", "--to", "nowhere"], "no sink is called 'nowhere'"),
        (["run", "Hi", "--stop", ""], "stop word"),
        (["run", "Hi", "--host", "ftp://x"], "expected http:// or https://, got 'ftp://'"),
        (["run", "Hi", "--colour"], "No such option"),
        (["walk"], "No such command"),
    ],
)
def test_a_usage_error_exits_with_2_and_sends_nothing(
    command_line: CommandLine,
    fake: FakeOllama,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    result = command_line(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.startswith("ollama-rx: ")
    assert result.stderr.count("\n") == 1
    assert fake.requests == ()


def test_an_invalid_host_in_the_environment_is_a_usage_error_that_names_the_variable(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "ftp://x")
    result = command_line("run", "Hi")
    assert result.exit_code == 2
    assert "Invalid value for OLLAMA_HOST" in result.stderr


@pytest.mark.parametrize("command", [["run", "Hi"], ["models"]])
@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("HTTP_PROXY", "http://user:secret@proxy:99999", "expected the URL of a proxy, such as"),
        (
            "ALL_PROXY",
            "socks5://user:secret@proxy",
            "expected http:// or https://, got socks5://; for that, pip",
        ),
        ("OLLAMA_API_KEY", "secret\nkey", "expected characters that HTTP allows, got others"),
    ],
)
@pytest.mark.parametrize("by", ["--host", "OLLAMA_HOST"])
def test_a_variable_that_cannot_be_used_is_a_usage_error_that_names_it_and_not_the_host(
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    *,
    command: list[str],
    variable: str,
    value: str,
    message: str,
    by: str,
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    host = "https://ollama.com" if variable == "OLLAMA_API_KEY" else "http://ollama.example"
    if by == "OLLAMA_HOST":
        monkeypatch.setenv(by, host)
    result = command_line(*command, *(["--host", host] if by == "--host" else []))
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"ollama-rx: Invalid value: {variable}: {message}" in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.usefixtures("sinks")
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def (:", "SyntaxError: invalid syntax (sink_with_defect.py, line 1)"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("", "AttributeError: module 'sink_with_defect' has no attribute 'Sink'"),
    ],
)
def test_a_sink_that_cannot_be_loaded_is_one_line_with_the_cause(
    command_line: CommandLine,
    fake: FakeOllama,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    source: str,
    reason: str,
) -> None:
    monkeypatch.delitem(sys.modules, "sink_with_defect", raising=False)
    (tmp_path / "site" / "sink_with_defect.py").write_text(source)
    result = command_line("run", "Hi", "--host", fake.url, "--to", "defect")
    assert result.exit_code == 2
    expected = f"sink 'defect' is registered as sink_with_defect:Sink, which can't be loaded ({reason})"
    assert result.stderr == f"ollama-rx: Invalid value for --to: {expected}\n"
    assert fake.requests == ()


def test_an_error_of_many_lines_is_printed_as_one(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(text_reply("<html>\n  <p>no Ollama</p>\n", status=502), path="/api/tags")
    result = command_line("run", "Hi", "--host", fake.url)
    assert result.stderr == "ollama-rx: HTTP 502: <html> <p>no Ollama</p>\n"
