"""`ollama-rx ps` lists the models in the server's memory."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import Result

from ollama_rx.testing import FakeOllama, json_reply

CommandLine = Callable[..., Result]


def expires(**after: float) -> str:
    return (datetime.now(UTC) + timedelta(**after)).isoformat()


def rows(command_line: CommandLine, fake: FakeOllama, *models: Mapping[str, object]) -> list[str]:
    fake.play(json_reply({"models": list(models)}), path="/api/ps")
    result = command_line("ps", "--host", fake.url)
    assert (result.stderr, result.exit_code) == ("", 0)
    return result.stdout.splitlines()


def test_a_model_has_its_size_its_share_in_the_gpu_its_context_and_its_end(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    sizes = {"size": 4_000_000_000, "size_vram": 1_000_000_000, "context_length": 4096}
    large = {"name": "large", **sizes, "expires_at": expires(minutes=4, seconds=10)}
    assert rows(command_line, fake, large, {"name": "unknown"}) == [
        "model    size    in GPU  context  until",
        "large    4.0 GB  25 %    4096     4 minutes from now",
        "unknown",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (18_000, "5 hours from now"),
        (3 * 86_400, "3 days from now"),
        (5_400, "90 minutes from now"),
        (-5, "unloading"),
    ],
)
def test_the_end_is_told_as_seen_from_now(
    command_line: CommandLine, fake: FakeOllama, seconds: float, shown: str
) -> None:
    _, row = rows(command_line, fake, {"name": "m", "size": 5, "expires_at": expires(seconds=seconds)})
    assert row == f"m      5 bytes  0 %              {shown}"


@pytest.mark.parametrize(
    ("end", "shown"), [("2318-01-02T03:04:05Z", "forever"), ("soon", ""), (5, ""), (None, "")]
)
def test_a_model_may_stay_forever(
    command_line: CommandLine, fake: FakeOllama, end: object, shown: str
) -> None:
    _, row = rows(command_line, fake, {"name": "m", "size": 5, "expires_at": end})
    assert row == f"m      5 bytes  0 %{shown and '              '}{shown}"


@pytest.mark.parametrize(
    ("in_gpu", "shown"), [(0, "0 %"), (999, "99 %"), (1000, "100 %"), (2000, "100 %"), (-5, "0 %")]
)
def test_a_share_of_100_per_cent_means_all_of_it(
    command_line: CommandLine, fake: FakeOllama, in_gpu: int, shown: str
) -> None:
    _, row = rows(command_line, fake, {"name": "m", "size": 1000, "size_vram": in_gpu})
    assert row.split("  ")[-1] == shown


def test_a_server_cannot_control_the_terminal(command_line: CommandLine, fake: FakeOllama) -> None:
    _, row = rows(command_line, fake, {"name": "\x1b[2J\n", "size": 5})
    assert row.startswith("\\x1b[2J\\n  5 bytes")


def test_as_json_the_models_are_those_of_the_server(command_line: CommandLine, fake: FakeOllama) -> None:
    models = [{"name": "m", "size": 5, "new": True}, {"size": 5}]
    fake.play(json_reply({"models": models}), path="/api/ps")
    result = command_line("ps", "--json", "--host", fake.url)
    assert (json.loads(result.stdout), result.stderr) == ({"models": models[:1]}, "")


@pytest.mark.parametrize(("words", "out"), [([], ""), (["--json"], '{"models":[]}\n')])
def test_a_server_that_has_loaded_nothing_is_told_on_standard_error(
    command_line: CommandLine, fake: FakeOllama, words: list[str], out: str
) -> None:
    fake.play(json_reply({"models": []}), path="/api/ps")
    result = command_line("ps", *words, "--host", fake.url)
    assert (result.stdout, result.exit_code) == (out, 0)
    assert result.stderr == f"{fake.url} has no model in memory; a model is loaded when it is first used\n"


def test_without_a_server_nothing_is_in_memory_which_is_an_error(
    command_line: CommandLine, no_server: str
) -> None:
    result = command_line("ps")
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr.startswith(f"ollama-rx: cannot reach {no_server} (")
    assert result.stderr.endswith("; is `ollama serve` running?\n")
