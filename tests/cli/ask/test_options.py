"""Options of the model: the values of ``-o``, and names that Ollama does not know."""

from collections.abc import Callable

import pytest
from typer.testing import Result

from ollama_rx.cli.ask.options import parse_options, unknown_options
from ollama_rx.testing import FakeOllama

CommandLine = Callable[..., Result]


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a=1", 1),
        ("a=-1", -1),
        ("a=0.5", 0.5),
        ("a=1e-3", 0.001),
        ("a=true", True),
        ("a=False", False),
        ('a=["x", "y"]', ["x", "y"]),
        ('a={"b": 1}', {"b": 1}),
        ('a="1"', "1"),
        ("a=text", "text"),
        ("a=b=c", "b=c"),
        ("a=", ""),
        (" a = 1 ", 1),
        ("a=NaN", "NaN"),
    ],
)
def test_a_value_that_is_json_is_parsed(word: str, value: object) -> None:
    assert parse_options([word]) == {"a": value}
    assert type(parse_options([word])["a"]) is type(value)


def test_the_last_of_two_values_is_used() -> None:
    assert parse_options(["a=1", "a=2"]) == {"a": 2}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("temprature", "; did you mean 'temperature'?"),
        ("Temperature", "; did you mean 'temperature'?"),
        ("num-ctx", "; did you mean 'num_ctx'?"),
        ("colour", ""),
    ],
)
def test_a_name_that_ollama_does_not_know_gets_a_warning(name: str, meant: str) -> None:
    assert list(unknown_options([name])) == [
        f"Ollama does not know the option {name!r} and ignores it{meant}"
    ]


def test_the_request_is_sent_after_the_warning(command_line: CommandLine, fake: FakeOllama) -> None:
    result = command_line("run", "Hi", "--host", fake.url, "-o", "temprature=0", "-o", "num_ctx=2048")
    assert (result.stdout, result.exit_code) == ("Hi\n", 0)
    assert result.stderr == (
        "Ollama does not know the option 'temprature' and ignores it; did you mean 'temperature'?\n"
    )
    assert fake.requests[-1].json["options"] == {"temprature": 0, "num_ctx": 2048}
