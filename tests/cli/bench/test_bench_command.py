"""`ollama-rx bench` from the command line to its output."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import Result

from ollama_rx import Client
from ollama_rx.bus import Worker
from ollama_rx.embedded import fetch_weights
from ollama_rx.testing import (
    FakeOllama,
    Gate,
    Reply,
    Request,
    answer,
    cut,
    endless,
    error_status,
    json_reply,
    thinking,
)
from tests.bus.nats_process import NatsProcess
from tests.cli.pseudo_terminal import PseudoTerminal

CommandLine = Callable[..., Result]


def asked(fake: FakeOllama) -> list[Any]:
    return [request.json for request in fake.requests if request.path == "/api/generate"]


def test_the_table_is_printed(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer("one", " two", " three"))
    result = command_line("bench", "Count", "--host", fake.url, "-n", 4, "-c", "1,2")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[:5] == [
        "model     echo:latest",
        f"server    {fake.url}, version 0.33.0",
        "requests  4 at each level",
        "options   num_predict=128",
        lines[4],
    ]
    assert lines[4].startswith("warm-up   ")
    assert lines[6:8] == [
        "                    1 stream       2 streams",
        "requests            4              4",
    ]
    assert [line.split()[:2] for line in lines if line.startswith("server: tokens/s")] == [
        ["server:", "tokens/s"]
    ]
    assert len(asked(fake)) == 9


def test_the_warm_up_loads_the_model_with_another_prompt_and_one_token(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    command_line("bench", "Count", "--host", fake.url, "-m", "mine", "-n", 1, "-o", "num_ctx=512")
    warm_up, counted = asked(fake)
    assert warm_up == {
        "model": "mine",
        "prompt": "Hello",
        "stream": True,
        "options": {"num_predict": 1, "num_ctx": 512},
    }
    assert counted == {
        "model": "mine",
        "prompt": "Count",
        "stream": True,
        "options": {"num_predict": 128, "num_ctx": 512},
    }


def test_without_a_warm_up_only_what_counts_is_sent(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line(
        *("bench", "--host", fake.url, "--no-warm-up", "-n", 2, "-o", "num_predict=5"), input="not read"
    )
    assert "warm-up" not in result.stdout
    assert [body["options"] for body in asked(fake)] == [{"num_predict": 5}] * 2
    assert len({body["prompt"] for body in asked(fake)}) == 2


def test_json_is_all_of_standard_output(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(answer(thinking("hm"), "one", " two"))
    result = command_line("bench", "--host", fake.url, "--json", "-n", 2, "-o", "seed=1", "-o", "sead=1")
    found = orjson.loads(result.stdout)
    assert result.stdout.count("\n") == 1
    assert "'sead' and ignores it; did you mean 'seed'?" in result.stderr
    assert [result["output_tokens"] for result in found["levels"][0]["results"]] == [3, 3]
    assert found["levels"][0]["server"]["tokens_per_second"]["median"] == 50.0
    assert found["settings"]["options"] == {"num_predict": 128, "seed": 1, "sead": 1}
    assert found["warm_up"]["server"]["load_duration_seconds"] == 0.02


def test_prompts_come_from_a_file_or_from_standard_input(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    (tmp_path / "prompts.txt").write_text("One?\nTwo?\n")
    words = ("bench", "--host", fake.url, "--no-warm-up", "-n", 3)
    command_line(*words, "--prompts", tmp_path / "prompts.txt")
    assert [body["prompt"] for body in asked(fake)] == ["One?", "Two?", "One?"]
    fake.forget()
    command_line(*words, "-", input="Three?")
    assert [body["prompt"] for body in asked(fake)] == ["Three?"] * 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-c", "0"], "Invalid value for --streams: expected numbers of at least 1, as in 1,2,4, got '0'"),
        (["-c", "4", "-n", "2"], "Invalid value for --requests: 2 requests cannot fill 4 streams"),
        (["-n", "0"], "Invalid value for '--requests' / '-n': "),
        (["-o", "seed"], "Invalid value for --option: 'seed' is not KEY=VALUE, as in temperature=0"),
        (["-m", " "], "Invalid value for --model: the name is empty"),
        ([" "], "Invalid value for PROMPT: the prompt is empty"),
        (["Hi", "--prompts", "x"], "Invalid value for --prompts: give either a PROMPT or --prompts"),
        (["--prompts", "/missing"], "Invalid value for --prompts: /missing: No such file or directory"),
        (["--plot", "x.png"], "Invalid value for --plot: expected a file that ends in .svg, got 'x.png'"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_sent(
    command_line: CommandLine, fake: FakeOllama, words: list[str], message: str
) -> None:
    result = command_line("bench", "--host", fake.url, *words, prog_name="ollama-rx")
    assert (result.exit_code, result.stdout, len(fake.requests)) == (2, "", 0)
    assert result.stderr.startswith(f"ollama-rx: {message}")


def test_a_server_that_cannot_be_reached_is_an_error(command_line: CommandLine, unused_url: str) -> None:
    result = command_line("bench", "--host", unused_url, "-m", "mine")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"ollama-rx: cannot reach {unused_url} (")


def test_a_server_that_does_not_tell_its_version_is_measured(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(error_status(404), path="/api/version")
    assert f"server    {fake.url}\n" in command_line("bench", "--host", fake.url, "-n", 1).stdout


def test_a_warm_up_that_fails_is_the_end(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(error_status(500, "out of memory"))
    result = command_line("bench", "--host", fake.url, "-n", 1)
    assert (result.exit_code, result.stdout, len(asked(fake))) == (1, "", 1)
    assert result.stderr == "ollama-rx: the warm-up request failed: HTTP 500: out of memory\n"


def test_failures_are_counted_and_each_reason_is_told_once(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(answer("a"), answer("a"), *[error_status(503, "busy")] * 3, answer("a", cut()), answer("a"))
    result = command_line("bench", "--host", fake.url, "-n", 5, "-c", "1,1")
    assert result.exit_code == 0
    assert "requests            1 of 5         5\nfailed              4              -\n" in result.stdout
    busy, hung_up = result.stderr.splitlines()
    assert busy == "ollama-rx: 3 of 10 requests failed: HTTP 503: busy"
    assert hung_up.startswith("ollama-rx: 1 of 10 requests failed: the server ")


def test_if_all_fail_the_exit_code_tells(command_line: CommandLine, fake: FakeOllama, tmp_path: Path) -> None:
    fake.play(error_status(503, "busy"))
    picture = tmp_path / "bench.svg"
    words = ("bench", "--host", fake.url, "-n", 2, "-c", "1,2", "--no-warm-up", "--plot", picture)
    result = command_line(*words, "--json")
    assert result.exit_code == 1
    assert orjson.loads(result.stdout)["levels"][0]["failed"] == 2
    assert result.stderr.splitlines() == [
        "ollama-rx: 2 of 4 requests failed: HTTP 503: busy",
        "ollama-rx: stopped, because none of these requests was answered",
    ]
    assert command_line(*words).stdout == ""
    assert not picture.exists()


def test_the_picture_is_drawn(command_line: CommandLine, fake: FakeOllama, tmp_path: Path) -> None:
    picture = tmp_path / "bench.svg"
    assert command_line("bench", "--host", fake.url, "-n", 2, "--plot", picture).exit_code == 0
    assert "echo:latest" in picture.read_text()


def test_a_picture_that_cannot_be_written_is_an_error_after_the_table(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    picture = tmp_path / "bench.svg"
    picture.mkdir()
    result = command_line("bench", "--host", fake.url, "-n", 2, "--plot", picture)
    assert (result.exit_code, "1 stream" in result.stdout) == (1, True)
    assert result.stderr == f"ollama-rx: {picture}: Is a directory\n"


@pytest.mark.embedded
@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_embedded_model_is_measured(command_line: CommandLine) -> None:
    fetch_weights()
    result = command_line("bench", "-n", 2, "-c", 2, "-o", "num_predict=3", "--json")
    assert result.exit_code == 0
    found = orjson.loads(result.stdout)
    assert (found["settings"]["model"], found["environment"]["host"]) == (
        "smollm2:135m-instruct-q4_1",
        "embedded",
    )
    assert found["levels"][0]["completed"] == 2
    assert found["levels"][0]["server"]["tokens_per_second"]["count"] == 2


def test_workers_on_a_bus_are_measured_like_a_server(
    command_line: CommandLine, fake: FakeOllama, tmp_path: Path
) -> None:
    server = NatsProcess(tmp_path / "nats").start()
    try:
        with Client(fake.url) as host, Worker(host, server.url, parallel=2):
            result = command_line("bench", "Hi you", "--host", server.url, "-n", 4, "-c", 2)
    finally:
        server.kill()
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"server    {server.url}, version 0.33.0\n" in result.stdout
    assert "requests            4\n" in result.stdout
    assert len(asked(fake)) == 5


def test_a_terminal_shows_how_far_it_is_and_then_only_the_table(fake: FakeOllama) -> None:
    gates = [Gate(), Gate(), Gate()]
    fake.play(*(answer("a", gate, "b") for gate in gates))
    with PseudoTerminal("bench", "--host", fake.url, "-n", "2", columns=40) as terminal:
        terminal.read_until("warming up")
        gates[0].open()
        terminal.read_until("1 stream: 0 of 2 requests, ")
        gates[1].open()
        terminal.read_until("1 stream: 1 of 2 requests")
        gates[2].open()
        assert terminal.finish() == 0
        assert terminal.screen[0] == "model     echo:latest"
        assert max(map(len, terminal.screen)) < 40


def test_ctrl_c_prints_what_is_finished(fake: FakeOllama, tmp_path: Path) -> None:
    fake.play(answer("a"), answer("a"), answer("a"), answer(endless(every=0.01)))
    picture = tmp_path / "bench.svg"
    with PseudoTerminal(
        "bench", "--host", fake.url, "-n", "6", "-c", "2,4", "--plot", str(picture)
    ) as terminal:
        terminal.read_until("2 of 6 requests")
        fake.wait_for_request(5, path="/api/generate", timeout=30)
        terminal.interrupt()
        assert terminal.finish() == 130
        screen = terminal.screen
    assert "requests            2 of 6" in screen
    assert screen[-1] == "ollama-rx: interrupted after 2 of 12 requests"
    assert picture.exists()
    fake.wait_for_disconnect(2, timeout=30)


def test_what_is_finished_is_json_too(command_line: CommandLine, fake: FakeOllama) -> None:
    def press_ctrl_c(_: Request) -> Reply:
        os.kill(os.getpid(), signal.SIGINT)
        return answer("a", Gate())

    fake.play(answer("a"), answer("a"), press_ctrl_c)
    result = command_line("bench", "--host", fake.url, "--json")
    assert (result.exit_code, result.stderr) == (130, "ollama-rx: interrupted after 1 of 10 requests\n")
    found = orjson.loads(result.stdout)
    assert found["interrupted"] is True
    (level,) = found["levels"]
    assert [level[name] for name in ("completed", "failed", "interrupted")] == [1, 0, 1]


def test_ctrl_c_during_the_warm_up_has_nothing_to_print(fake: FakeOllama) -> None:
    fake.play(answer("a", Gate()))
    with PseudoTerminal("bench", "--host", fake.url) as terminal:
        terminal.read_until("warming up")
        fake.wait_for_lines(1, timeout=30)
        terminal.interrupt()
        assert terminal.finish() == 130
        assert terminal.screen == ["ollama-rx: interrupted after 0 of 10 requests"]
    fake.wait_for_disconnect(timeout=30)


def test_ctrl_c_before_anything_is_sent_says_nothing(fake: FakeOllama) -> None:
    gate = Gate()
    fake.play(json_reply({"version": "1"}), path="/api/version")
    fake.play(lambda _: answer(gate, "never"), path="/api/tags")
    with PseudoTerminal("bench", "--host", fake.url) as terminal:
        terminal.read_until("looking for a model")
        fake.wait_for_request(path="/api/tags", timeout=30)
        terminal.interrupt()
        assert terminal.finish() == 130
        assert terminal.screen == [""]


def test_matplotlib_is_only_imported_for_a_picture(fake: FakeOllama) -> None:
    program = (
        "import sys\nfrom ollama_rx.cli import main\n"
        "try:\n    main()\nfinally:\n    assert 'matplotlib' not in sys.modules\n"
    )
    with PseudoTerminal("bench", "--host", fake.url, "-n", "1", program=program) as terminal:
        assert terminal.finish() == 0
