"""`--option key=value`: words become numbers, truth values, lists and text."""

import pytest

from ollama_rx.cli.options import parse_options


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
def test_a_value_is_what_it_looks_like(word: str, value: object) -> None:
    assert parse_options([word]) == {"a": value}
    assert type(parse_options([word])["a"]) is type(value)


def test_the_last_of_two_values_counts() -> None:
    assert parse_options(["a=1", "a=2"]) == {"a": 2}
