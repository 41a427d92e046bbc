"""`ollama-rx models` lists the server's models."""

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from ollama_rx.testing import FakeOllama, json_reply

CommandLine = Callable[..., Result]


def test_each_model_has_a_line_with_its_size(command_line: CommandLine, fake: FakeOllama) -> None:
    details = {"parameter_size": "8B", "quantization_level": "Q4_0"}
    models = [{"name": "large", "size": 4_661_000_000, "details": details}, {"name": "s", "size": 45_000_000}]
    fake.play(json_reply({"models": models}), path="/api/tags")
    result = command_line("models", "--host", fake.url)
    assert result.stdout == "large  4.7 GB  8B  Q4_0\ns      45 MB\n"


def test_a_model_takes_one_line_whatever_its_name_is(command_line: CommandLine, fake: FakeOllama) -> None:
    names = ["two\nlines", "tab\tbed", "\x1b[2J", "\u202egnp", "m\u00e9", "\u6a21"]
    models = [{"name": name, "details": {"parameter_size": "8B\n"}} for name in names]
    fake.play(json_reply({"models": models}), path="/api/tags")
    assert command_line("models", "--host", fake.url).stdout.splitlines() == [
        "two\\nlines    8B\\n",
        "tab\\tbed      8B\\n",
        "\\x1b[2J       8B\\n",
        "\\u202egnp     8B\\n",
        "m\u00e9            8B\\n",
        "\u6a21            8B\\n",
    ]


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (-1, ""),
        (0, ""),
        (384, "384 bytes"),
        (1700, "2 kB"),
        (600_000, "600 kB"),
        (999_400, "999 kB"),
        (999_600, "1 MB"),
        (45_000_000, "45 MB"),
        (999_999_999, "1.0 GB"),
        (4_661_000_000, "4.7 GB"),
    ],
)
def test_a_size_has_the_unit_that_fits(
    command_line: CommandLine, fake: FakeOllama, size: int, shown: str
) -> None:
    fake.play(json_reply({"models": [{"name": "m", "size": size}]}), path="/api/tags")
    assert command_line("models", "--host", fake.url).stdout.rstrip("\n") == f"m  {shown}".rstrip()


def test_models_without_a_name_are_not_listed(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(json_reply({"models": [{"size": 5}, {"name": "m"}]}), path="/api/tags")
    assert command_line("models", "--host", fake.url).stdout == "m\n"


def test_a_server_without_models_is_reported_with_advice(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(json_reply({"models": []}), path="/api/tags")
    result = command_line("models", "--host", fake.url)
    assert (result.stdout, result.exit_code) == ("", 0)
    assert result.stderr == f"{fake.url} has no models; `ollama pull llama3.2` fetches one\n"


def test_an_unreachable_server_is_an_error(command_line: CommandLine, unused_url: str) -> None:
    assert command_line("models", "--host", unused_url).exit_code == 1


def test_as_json_the_models_are_those_of_the_server(command_line: CommandLine, fake: FakeOllama) -> None:
    models = [{"name": "m", "size": 5, "details": {"format": "gguf"}, "new": [1]}, {"size": 5}]
    fake.play(json_reply({"models": models}), path="/api/tags")
    result = command_line("models", "--json", "--host", fake.url)
    assert (result.stderr, result.exit_code) == ("", 0)
    assert json.loads(result.stdout) == {"models": models[:1]}
    assert result.stdout.count("\n") == 1


def test_as_json_no_models_are_an_empty_list(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(json_reply({"models": []}), path="/api/tags")
    result = command_line("models", "--json", "--host", fake.url)
    assert (result.stdout, result.exit_code) == ('{"models":[]}\n', 0)
    assert "has no models" in result.stderr
