"""`ollama-rx pull` lets the server fetch a model and shows how far it is."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from reactivex import Observable
from typer.testing import Result

from ollama_rx import Delivery, Progress, deliver
from ollama_rx.cli.models.pull import _Pulled
from ollama_rx.embedded import fetch_weights
from ollama_rx.embedded.progress_bar import ProgressBar
from ollama_rx.sinks import Sink
from ollama_rx.testing import FakeOllama, Gate, Reply, cut, error_status, progress
from ollama_rx.testing.server.steps import Cut
from tests.cli.pseudo_terminal import PseudoTerminal

CommandLine = Callable[..., Result]
Line = dict[str, object]
ROOT = Path(__file__).parents[3]

SMALL, LARGE = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def layer(digest: str, total: int, completed: int | None = None) -> Line:
    step: Line = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
    return step if completed is None else {**step, "completed": completed}


NEW: list[str | Line] = [
    "pulling manifest",
    layer(LARGE, 1_000_000_000),
    *(layer(LARGE, 1_000_000_000, megabytes * 1_000_000) for megabytes in (240, 500, 1000)),
    layer(SMALL, 77, 77),
    "verifying sha256 digest",
    "writing manifest",
]


def stream(*steps: Mapping[str, object] | Gate | Cut) -> Reply:
    """Answer with these lines, and wait or break off between them."""
    parts = [step if isinstance(step, Gate | Cut) else json.dumps(step).encode() + b"\n" for step in steps]
    return Reply(lambda _: parts)


@pytest.fixture
def pull(command_line: CommandLine, fake: FakeOllama) -> Callable[..., Result]:
    """Pull a model from a server that answers like this: `pull(reply, "--json")`."""

    def run(reply: Reply, *words: str) -> Result:
        fake.play(reply, path="/api/pull")
        return command_line("pull", "llama3.2", *words, "--host", fake.url)

    return run


def test_without_a_terminal_each_step_and_each_ten_per_cent_is_a_line(pull: Callable[..., Result]) -> None:
    result = pull(progress(*NEW))
    assert (result.stdout, result.exit_code) == ("", 0)
    *steps, last = result.stderr.splitlines()
    assert steps == [
        "pulling manifest",
        "pulling llama3.2: 0.00 of 1.00 GB (0 %)",
        "pulling llama3.2: 0.24 of 1.00 GB (24 %)",
        "pulling llama3.2: 0.50 of 1.00 GB (50 %)",
        "pulling llama3.2: 1.00 of 1.00 GB (100 %)",
        "verifying sha256 digest",
        "writing manifest",
    ]
    assert last.startswith("llama3.2 is ready: 1.0 GB, 1.0 GB of it new, in ")


def test_the_bytes_are_those_of_all_layers(pull: Callable[..., Result]) -> None:
    sizes = (0, 500_000_000, 1_000_000_000)
    result = pull(progress(*(layer(each, sizes[-1], size) for each in (LARGE, SMALL) for size in sizes)))
    *steps, last = result.stderr.splitlines()
    assert steps == [
        "pulling llama3.2: 0.00 of 1.00 GB (0 %)",
        "pulling llama3.2: 0.50 of 1.00 GB (50 %)",
        "pulling llama3.2: 1.00 of 1.00 GB (100 %)",
        "pulling llama3.2: 1.50 of 2.00 GB (75 %)",
        "pulling llama3.2: 2.00 of 2.00 GB (100 %)",
    ]
    assert last.startswith("llama3.2 is ready: 2.0 GB, in ")


def test_what_the_server_had_before_is_not_new(pull: Callable[..., Result]) -> None:
    result = pull(progress(layer(LARGE, 1_000_000_000, 600_000_000), layer(LARGE, 1_000_000_000, 10**9)))
    assert ": 1.0 GB, 400 MB of it new, in " in result.stderr


def test_a_model_that_is_all_there_took_no_time(pull: Callable[..., Result]) -> None:
    result = pull(progress(layer(LARGE, 1_000_000_000, 10**9), layer(SMALL, 77, 77)))
    assert result.stderr.endswith("\nllama3.2 is ready: 1.0 GB\n")


def test_steps_without_sizes_are_enough(pull: Callable[..., Result]) -> None:
    assert pull(progress("pulling manifest")).stderr == "pulling manifest\nllama3.2 is ready\n"


def test_as_json_each_step_is_a_line_with_the_sizes_of_all_layers(pull: Callable[..., Result]) -> None:
    result = pull(progress(*NEW), "--json")
    assert (result.stderr, result.exit_code) == ("", 0)
    first, *_, sixth, _, _, last = (json.loads(line) for line in result.stdout.splitlines())
    assert first == {"status": "pulling manifest"}
    overall = {"overall_total": 1_000_000_077, "overall_completed": 1_000_000_077}
    assert sixth == {**layer(SMALL, 77, 77), **overall}
    assert last == {"status": "success", **overall}


def test_an_unknown_model_is_an_error_that_says_where_the_names_are(pull: Callable[..., Result]) -> None:
    error = {"error": "pull model manifest: file does not exist"}
    result = pull(stream({"status": "pulling manifest"}, error))
    assert result.exit_code == 1
    assert result.stderr == (
        "pulling manifest\n"
        "ollama-rx: the server stopped the pull: pull model manifest: file does not exist; "
        "https://ollama.com/library lists the available models\n"
    )


def test_an_error_before_anything_has_arrived_is_told_as_it_is(pull: Callable[..., Result]) -> None:
    result = pull(stream({"error": "no such host"}))
    assert (result.exit_code, result.stderr) == (
        1,
        "ollama-rx: the server stopped the pull: no such host\n",
    )


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ({"error": "no space left on device"}, "the server stopped the pull: no space left on device"),
        (cut(), "hung up before the answer was complete"),
    ],
)
def test_a_pull_that_breaks_off_can_go_on(pull: Callable[..., Result], end: Line | Cut, reason: str) -> None:
    result = pull(stream(layer(LARGE, 10**9, 10**8), end))
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-1]
    assert reason in last
    assert last.endswith("; run it again to resume")


def test_an_error_is_not_printed_as_json(pull: Callable[..., Result]) -> None:
    result = pull(stream({"status": "pulling manifest"}, {"error": "no such host"}), "--json")
    assert (result.stdout, result.exit_code) == ('{"status":"pulling manifest"}\n', 1)
    assert result.stderr == "ollama-rx: the server stopped the pull: no such host\n"


def test_an_unreachable_server_is_an_error(command_line: CommandLine, unused_url: str) -> None:
    result = command_line("pull", "llama3.2", "--host", unused_url)
    assert result.exit_code == 1
    assert result.stderr.endswith("; is `ollama serve` running?\n")


def test_an_empty_name_is_a_usage_error(command_line: CommandLine) -> None:
    assert command_line("pull", " ").exit_code == 2
    assert command_line("pull").exit_code == 2


def test_a_server_cannot_control_the_terminal(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(progress("\x1b[2J"), path="/api/pull")
    result = command_line("pull", "\u202em", "--host", fake.url)
    assert result.stderr == "\\x1b[2J\n\\u202em is ready\n"


@pytest.mark.embedded
@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_embedded_model_can_be_pulled(command_line: CommandLine) -> None:
    fetch_weights()
    result = command_line("pull", "smollm2:135m-instruct-q4_1")
    assert result.exit_code == 0
    assert result.stderr.splitlines()[-1].startswith("smollm2:135m-instruct-q4_1 is ready")


@pytest.fixture
def halfway(fake: FakeOllama) -> Gate:
    """Let the server stop in the middle of a pull until the gate is opened."""
    gate = Gate()
    half = ({"status": "pulling manifest"}, layer(LARGE, 10**9, 0), layer(LARGE, 10**9, 5 * 10**8))
    rest = (layer(LARGE, 10**9, 10**9), {"status": "success"})
    fake.play(stream(*half, gate, *rest), path="/api/pull")
    return gate


@pytest.mark.parametrize("columns", [80, 40])
def test_a_terminal_shows_a_bar_that_is_gone_in_the_end(
    fake: FakeOllama, halfway: Gate, columns: int
) -> None:
    with PseudoTerminal("pull", "llama3.2", "--host", fake.url, columns=columns) as terminal:
        terminal.read_until("0.50/1.00 GB")
        halfway.open()
        assert terminal.finish() == 0
    last = terminal.written.rpartition("\x1b[2K")[2]  # how rich erases the bar
    assert last.startswith("llama3.2 is ready: 1.0 GB")


@pytest.mark.parametrize("columns", [80, 40])
def test_ctrl_c_stops_the_server_and_says_that_the_next_pull_goes_on(
    fake: FakeOllama, halfway: Gate, columns: int
) -> None:
    with PseudoTerminal("pull", "llama3.2", "--host", fake.url, columns=columns) as terminal:
        terminal.read_until("0.50/1.00 GB")
        terminal.interrupt()
        assert terminal.finish() == 130
    assert not halfway.is_open
    fake.wait_for_disconnect(timeout=30)
    words = " ".join(terminal.written.rpartition("\x1b[2K")[2].split())
    assert words == "interrupted at 500 MB of 1.0 GB; run it again to resume"
    assert terminal.written.count("\x1b[?25h") >= terminal.written.count("\x1b[?25l")  # the cursor is there


def test_ctrl_c_before_the_first_byte_says_no_size(fake: FakeOllama) -> None:
    fake.play(stream({"status": "pulling manifest"}, Gate()), path="/api/pull")
    with PseudoTerminal("pull", "llama3.2", "--host", fake.url) as terminal:
        terminal.read_until("pulling manifest")
        terminal.interrupt()
        assert terminal.finish() == 130
    assert "interrupted; run it again to resume" in terminal.written


def test_a_closed_pipe_of_json_stops_the_server(fake: FakeOllama, halfway: Gate) -> None:
    program = "from ollama_rx.cli import main; main()"
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program, "pull", "m", "--json", "--host", fake.url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == '{"status":"pulling manifest"}\n'
        process.stdout.close()
        halfway.open()
        _, err = process.communicate(timeout=60)
    assert (err, process.returncode) == ("", 0)


class Bar(ProgressBar):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("", clock=lambda: 0.0)
        self.shown: list[str] = []

    def show_bytes(self, done: int, total: int) -> None:
        self.shown.append(f"{done} of {total}")

    def show_step(self, text: str) -> None:
        self.shown.append(text)

    def close(self, *, erase: bool) -> None:
        raise AssertionError(erase)


def test_a_status_that_is_repeated_is_shown_once_and_one_that_comes_back_again() -> None:
    pulled, bar = _Pulled(clock=lambda: 0.0), Bar()
    bytes_step = Progress("pulling d", "d", 9, 4, overall_total=9, overall_completed=4)
    last = Progress("success", overall_total=9, overall_completed=4)
    for step in (Progress("a"), Progress("a"), bytes_step, Progress("a"), last):
        pulled.show(step, bar)
    assert bar.shown == ["a", "4 of 9", "a"]


@pytest.mark.parametrize(
    ("steps", "words"),
    [([], "interrupted;"), ([layer(LARGE, 10**9, 10**8)], "interrupted at 100 MB of 1.0 GB;")],
)
def test_an_interrupted_pull_says_what_it_has(
    pull: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, steps: list[Line], words: str
) -> None:
    def interrupted(stream: Observable[Progress], *sinks: Sink[Progress]) -> Delivery:
        delivery = deliver(stream, *sinks)
        delivery.wait()
        signal.raise_signal(signal.SIGINT)
        return delivery

    monkeypatch.setattr("ollama_rx.cli.models.pull.deliver", interrupted)
    result = pull(progress(*steps))
    assert result.exit_code == 130
    assert result.stderr.splitlines()[-1] == f"{words} run it again to resume"


def test_a_server_that_refuses_to_pull_is_an_error(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(error_status(405, "ask a host directly"), path="/api/pull")
    result = command_line("pull", "m", "--host", fake.url)
    assert (result.exit_code, result.stderr) == (1, "ollama-rx: HTTP 405: ask a host directly\n")
