"""The Tab key completes commands, options and names of models, in the shells themselves."""

import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import cast

import pytest
import rich
import typer
from typer.testing import Result

from ollama_rx import Client
from ollama_rx.cli import main
from ollama_rx.cli.completion import complete_model, complete_shell
from ollama_rx.testing import FakeOllama, json_reply, silent_url
from tests.cli.pseudo_terminal import PseudoTerminal

CommandLine = Callable[..., Result]
ROOT = Path(__file__).parents[2]
NAMES = ["llama3.2:latest", "llama3.2:1b", "hf.co/bartowski/Qwen-GGUF:Q4_K_M", "evil$(rm -rf ~)", "a b", ""]


@pytest.fixture
def environment(tmp_path: Path, fake: FakeOllama) -> dict[str, str]:
    """Return an environment in which `ollama-rx` is a program, and a server has models."""
    fake.play(json_reply({"models": [{"name": name} for name in NAMES]}), path="/api/tags")
    program = tmp_path / "ollama-rx"
    patient = "from ollama_rx.cli import completion, main; completion._SECONDS = 60; main()"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{patient}" "$@"\n')
    program.chmod(0o755)
    return os.environ | {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "OLLAMA_HOST": fake.url,
        "HOME": str(tmp_path),
        "TERM": "xterm",
    }


def run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(  # noqa: S603 - shells, with our own words
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
    return done.stdout


def completed_by_bash(environment: dict[str, str], line: str) -> list[str]:
    """Return what bash would offer at the end of a line."""
    words = '; COMP_POINT=${#COMP_LINE}; _ollama_rx_completion ollama-rx; printf "%s\\n" "${COMPREPLY[@]}"'
    script = 'set -u; eval "$(ollama-rx completion bash)"; COMP_WORDBREAKS=$\' \\t\\n"=:\'' + words
    return run(environment | {"COMP_LINE": line}, "bash", "--norc", "-c", script).split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ollama-rx sh", ["show"]),
        ("ollama-rx show --f", ["--full"]),
        ("ollama-rx completion ", ["bash", "zsh", "fish", "powershell"]),
        ("ollama-rx run -m ll", ["llama3.2:latest", "llama3.2:1b"]),
        ("ollama-rx run --model=llama3.2:l", ["latest"]),
        ("ollama-rx show llama3.2:", ["latest", "1b"]),
        ("ollama-rx pull hf.co/bart", ["hf.co/bartowski/Qwen-GGUF:Q4_K_M"]),
        ("ollama-rx serve -m ", ["llama3.2:latest", "llama3.2:1b", "hf.co/bartowski/Qwen-GGUF:Q4_K_M"]),
        ("ollama-rx show evil", []),
        ("ollama-rx show --host 127.0.0.1:1 ll", []),
        ("ollama-rx run --image ", []),
    ],
)
def test_bash_is_offered_what_may_follow(environment: dict[str, str], line: str, words: list[str]) -> None:
    assert completed_by_bash(environment, line) == words


def test_the_tab_key_of_bash_completes_a_name_with_a_colon(environment: dict[str, str]) -> None:
    start = "import os; os.execvp('bash', ['bash', '--norc', '--noprofile'])"
    with PseudoTerminal(program=start, environment=environment | {"PS1": "> "}) as terminal:
        terminal.read_until("> ")
        os.write(terminal._outer, b'eval "$(ollama-rx completion bash)"; echo re""ady\n')
        terminal.read_until("ready")
        os.write(terminal._outer, b"ollama-rx show llama3.2:l\t")
        terminal.read_until("show llama3.2:latest ")
        os.write(terminal._outer, b"\x15exit\n")
        terminal.finish()


@pytest.mark.skipif(not shutil.which("zsh"), reason="needs zsh: sudo apt install zsh")
def test_the_tab_key_of_zsh_completes_a_name_with_a_colon(environment: dict[str, str]) -> None:
    start = "import os; os.execvp('zsh', ['zsh', '-f', '-i'])"
    with PseudoTerminal(program=start, environment=environment) as terminal:
        begin = b'autoload -Uz compinit; compinit -u; eval "$(ollama-rx completion zsh)"; echo re""ady\n'
        os.write(terminal._outer, begin)
        terminal.read_until("ready\n")
        os.write(terminal._outer, b"ollama-rx show llama3.2:l\t")
        terminal.read_until("atest")
        os.write(terminal._outer, b"\x15exit\n")
        terminal.finish()


@pytest.mark.skipif(not shutil.which("fish"), reason="needs fish: sudo apt install fish")
def test_fish_is_offered_what_may_follow(environment: dict[str, str]) -> None:
    script = "ollama-rx completion fish | source; complete -C 'ollama-rx {}'"
    assert run(environment, "fish", "--no-config", "-c", script.format("sh")).startswith("show\tShow what")
    found = run(environment, "fish", "--no-config", "-c", script.format("show llama3.2:l"))
    assert found == "llama3.2:latest\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_has_a_script(command_line: CommandLine, shell: str) -> None:
    result = command_line("completion", shell)
    assert (result.stderr, result.exit_code) == ("", 0)
    assert "ollama-rx" in result.stdout
    assert "_OLLAMA_RX_COMPLETE" in result.stdout


def test_another_shell_is_a_usage_error(command_line: CommandLine) -> None:
    result = command_line("completion", "tcsh")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith("expected bash, zsh, fish or powershell, got 'tcsh'\n")


def test_the_lines_for_each_shell_are_in_the_help(command_line: CommandLine) -> None:
    assert (
        '  In ~/.bashrc:  eval "$(ollama-rx completion bash)"\n'
        in command_line("completion", "--help").stdout
    )


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a server on a busy machine time to answer."""
    monkeypatch.setattr("ollama_rx.cli.completion._SECONDS", 60)


def models_like(incomplete: str, host: object) -> list[str]:
    context = cast(typer.Context, SimpleNamespace(params={"host": host}))
    return list(complete_model(context, incomplete))


@pytest.mark.usefixtures("patient")
def test_names_come_from_the_server_that_is_named(fake: FakeOllama) -> None:
    assert models_like("ec", fake.url) == ["echo:latest"]
    assert models_like("x", fake.url) == []


@pytest.mark.usefixtures("patient")
def test_names_come_from_the_server_of_the_environment(
    fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    assert models_like("", None) == ["echo:latest"]
    assert models_like("", [fake.url]) == ["echo:latest"]  # of a command that has several


@pytest.mark.usefixtures("patient")
def test_names_that_a_shell_would_obey_are_left_out(fake: FakeOllama) -> None:
    fake.play(json_reply({"models": [{"name": name} for name in NAMES]}), path="/api/tags")
    assert models_like("", fake.url) == NAMES[:3]


@pytest.mark.usefixtures("patient")
def test_names_that_would_be_options_are_left_out(fake: FakeOllama) -> None:
    fake.play(json_reply({"models": [{"name": "--full"}, {"name": "-m"}, {"name": "a-b"}]}), path="/api/tags")
    assert models_like("", fake.url) == ["a-b"]


@pytest.mark.parametrize("host", ["http://a?b", "127.0.0.1:1", "nats://127.0.0.1:1"])
def test_without_an_answer_nothing_is_offered(host: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert models_like("", host) == []
    assert capfd.readouterr() == ("", "")


def test_a_server_that_does_not_answer_is_not_waited_for() -> None:
    with silent_url() as url:
        began = time.monotonic()
        assert models_like("", url) == []
        assert time.monotonic() - began < 30


def test_a_look_up_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    released = Event()

    def hang(*_: object, **__: object) -> Client:
        released.wait(60)
        raise OSError

    monkeypatch.setattr("ollama_rx.cli.choose_client.any_client", hang)
    assert models_like("", None) == []
    released.set()


def test_the_names_of_the_shells_are_completed() -> None:
    assert complete_shell("") == ["bash", "zsh", "fish", "powershell"]
    assert complete_shell("z") == ["zsh"]


class EndedError(Exception):
    """The process has been ended."""


@pytest.fixture
def exit_codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let a shell ask for the words after `ollama-rx sh`; returns the codes with which the process ended."""
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        raise EndedError

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(sys, "argv", ["ollama-rx"])
    monkeypatch.setitem(sys.modules, "rich", rich)  # stays loaded for other tests
    monkeypatch.setenv("_OLLAMA_RX_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "ollama-rx sh")
    return codes


def test_the_process_answers_the_shell_and_ends(
    exit_codes: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EndedError):
        main()
    assert exit_codes == [0]
    assert capsys.readouterr().out.startswith("show\tShow what a model is")


def test_powershell_is_answered_with_help(
    exit_codes: list[int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_OLLAMA_RX_COMPLETE", "complete_powershell")
    monkeypatch.setenv("_TYPER_COMPLETE_WORD_TO_COMPLETE", "sh")
    with pytest.raises(EndedError):
        main()
    assert exit_codes == [0]
    assert capsys.readouterr().out.startswith("show:::Show what a model is")


def test_an_empty_completion_variable_does_not_ask_for_completion(
    exit_codes: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_OLLAMA_RX_COMPLETE", "")
    monkeypatch.setattr(sys, "argv", ["ollama-rx", "--version"])
    with pytest.raises(SystemExit):
        main()
    assert exit_codes == []
    assert capsys.readouterr().out.startswith("ollama-rx")


@pytest.mark.parametrize("error", [ValueError("defect"), SystemExit("words")])
def test_a_shell_sees_no_error(
    exit_codes: list[int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    def fail(**_: object) -> None:
        sys.stderr.write("warning")
        raise error

    monkeypatch.setattr("ollama_rx.cli.app.app", fail)
    with pytest.raises(EndedError):
        main()
    assert exit_codes == [1]
    assert capsys.readouterr() == ("", "")


def test_a_shell_that_has_gone_is_no_error(exit_codes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def flush(self) -> None:
            raise BrokenPipeError

    def answer(**_: object) -> None:
        sys.exit(0)

    monkeypatch.setattr("ollama_rx.cli.app.app", answer)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Gone())
        with pytest.raises(EndedError):
            main()
    assert exit_codes == [0]


def test_the_client_is_not_loaded_for_commands_and_options() -> None:
    code = (
        "import sys; from ollama_rx.cli import main, completion; import os; "
        "os._exit = lambda code: print(*sorted(sys.modules), file=sys.stderr); main()"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "_OLLAMA_RX_COMPLETE": "complete_zsh",
            "_TYPER_COMPLETE_ARGS": "ollama-rx run -",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert '"--model"' in done.stdout
    loaded = set(done.stderr.split())
    assert loaded & {"httpx", "reactivex", "orjson", "asyncio", "rich.console"} == set()
