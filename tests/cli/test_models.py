"""`ollama-rx models`: a line for each model."""

from collections.abc import Callable

from typer.testing import Result

from ollama_rx.testing import FakeOllama, json_reply

CommandLine = Callable[..., Result]


def test_each_model_has_a_line_with_its_size(command_line: CommandLine, fake: FakeOllama) -> None:
    details = {"parameter_size": "8B", "quantization_level": "Q4_0"}
    models = [{"name": "large", "size": 4_661_000_000, "details": details}, {"name": "s", "size": 45_000_000}]
    fake.play(json_reply({"models": models}), path="/api/tags")
    result = command_line("models", "--host", fake.url)
    assert result.stdout == "large  4.7 GB  8B  Q4_0\ns      45 MB\n"


def test_a_server_without_models_says_what_to_do(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(json_reply({"models": []}), path="/api/tags")
    result = command_line("models", "--host", fake.url)
    assert (result.stdout, result.exit_code) == ("", 0)
    assert result.stderr == f"{fake.url} has no models; `ollama pull llama3.2` fetches one\n"


def test_a_server_that_is_not_there_is_an_error(command_line: CommandLine, nobody_there: str) -> None:
    assert command_line("models", "--host", nobody_there).exit_code == 1
