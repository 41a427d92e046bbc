"""`ollama-rx show` says what a model is and can do."""

import json
from collections.abc import Callable

import pytest
from typer.testing import Result

from ollama_rx.embedded import fetch_weights
from ollama_rx.testing import FakeOllama, error_status, json_reply

CommandLine = Callable[..., Result]

INFO: dict[str, object] = {
    "license": "\nApache License\n\nVersion 2.0\n",
    "parameters": 'stop                           "<|im_end|>"\ntemperature                    0.6',
    "template": "{{ .System }}\n\n{{ .Prompt }}",
    "system": "You are helpful.",
    "details": {"family": "llama", "parameter_size": "134.52M", "quantization_level": "Q4_1"},
    "model_info": {
        "general.architecture": "llama",
        "llama.context_length": 8192,
        "llama.embedding_length": 576,
    },
    "capabilities": ["completion", "tools"],
    "new": 1,
}


@pytest.fixture
def show(command_line: CommandLine, fake: FakeOllama) -> Callable[..., Result]:
    """Show a model that the server describes with these fields: `show({...}, "--full")`."""

    def run(info: dict[str, object], *words: str) -> Result:
        fake.play(json_reply(info), path="/api/show")
        return command_line("show", "smol", *words, "--host", fake.url)

    return run


def test_what_is_known_is_listed_with_the_first_line_of_the_license(show: Callable[..., Result]) -> None:
    result = show(INFO)
    assert (result.stderr, result.exit_code) == ("", 0)
    assert result.stdout.splitlines() == [
        "model             smol",
        "architecture      llama",
        "parameters        134.52M",
        "context length    8192",
        "embedding length  576",
        "quantization      Q4_1",
        "capabilities      completion, tools",
        'options           stop "<|im_end|>"',
        "                  temperature 0.6",
        "template          {{ .System }}",
        "                  {{ .Prompt }}",
        "system            You are helpful.",
        "license           Apache License",
        "                  (1 more line with --full)",
    ]


def test_what_is_not_known_is_left_out(show: Callable[..., Result]) -> None:
    details = {"family": "llama", "parameter_size": 5}
    result = show({"details": details, "capabilities": "all", "license": ["MIT"]})
    assert result.stdout == "model         smol\narchitecture  llama\n"


def test_capabilities_that_are_not_words_are_left_out(show: Callable[..., Result]) -> None:
    result = show({"capabilities": ["completion", 3, None, "tools"]})
    assert result.stdout == "model         smol\ncapabilities  completion, tools\n"


def test_a_model_of_the_cloud_says_where_it_runs(show: Callable[..., Result]) -> None:
    result = show({"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"})
    assert result.stdout == "model    smol\nruns at  https://ollama.com:443 gpt-oss:120b\n"


def test_long_texts_are_shown_by_their_beginnings(show: Callable[..., Result]) -> None:
    template = "\n".join(f"line {number}" for number in range(5))
    result = show({"template": template, "system": "long " * 50 + "end"})
    assert result.stdout.splitlines()[1:] == [
        "template  line 0",
        "          line 1",
        "          line 2",
        "          (2 more lines with --full)",
        f"system    {'long ' * 40}...",
        "          (more with --full)",
    ]


def test_long_texts_are_shown_whole_on_request(show: Callable[..., Result]) -> None:
    result = show({"template": "a\n\nb\nc\nd", "license": "MIT\nAs is."}, "--full")
    assert result.stdout.splitlines()[1:] == [
        *("template  a", "", "          b", "          c", "          d"),
        *("license   MIT", "          As is."),
    ]


def test_a_server_cannot_control_the_terminal(show: Callable[..., Result]) -> None:
    evil = "\x1b[2J\u202e\x07"
    details = {"family": evil, "parameter_size": evil, "quantization_level": evil}
    texts = dict.fromkeys(("template", "system", "license", "parameters", "remote_host"), evil)
    result = show({**texts, "details": details, "capabilities": [evil]}, "--full")
    assert result.stdout.count("\\x1b[2J\\u202e\\x07") == 9
    assert result.stdout.replace("\n", "").isprintable()


def test_as_json_it_is_the_object_of_the_server_and_the_name(show: Callable[..., Result]) -> None:
    result = show(INFO, "--json")
    assert (json.loads(result.stdout), result.stderr) == ({"model": "smol", **INFO}, "")


def test_without_a_name_it_is_the_first_model_that_can_answer(
    command_line: CommandLine, fake: FakeOllama
) -> None:
    fake.play(json_reply({"models": [{"name": "vectors"}, {"name": "talker"}]}), path="/api/tags")
    kinds = [json_reply({"capabilities": [kind]}) for kind in ("embedding", "completion")]
    fake.play(*kinds, json_reply(INFO), path="/api/show")
    assert command_line("show", "--host", fake.url).stdout.startswith("model             talker\n")


def test_an_unknown_model_is_an_error_with_advice(command_line: CommandLine, fake: FakeOllama) -> None:
    fake.play(error_status(404, "model 'nope' not found"), path="/api/show")
    result = command_line("show", "nope", "--host", fake.url)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert result.stderr == (
        "ollama-rx: HTTP 404: model 'nope' not found; `ollama list` shows the models that are there, "
        "`ollama pull` fetches one\n"
    )


def test_an_empty_name_is_a_usage_error(command_line: CommandLine) -> None:
    result = command_line("show", " ")
    assert (result.exit_code, result.stderr) == (
        2,
        "ollama-rx: Invalid value for MODEL: the name is empty\n",
    )


@pytest.mark.embedded
@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_embedded_model_is_shown(command_line: CommandLine) -> None:
    fetch_weights()
    result = command_line("show")
    assert result.stdout.startswith("model             smollm2:135m-instruct-q4_1\narchitecture      llama\n")
    assert result.stderr.endswith(": the small embedded model answers\n")
