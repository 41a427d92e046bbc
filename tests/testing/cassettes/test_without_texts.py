"""What is left of requests and lines without their texts."""

import pytest

from ollama_rx.testing.cassettes.without_texts import line_without_texts, without_texts


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ({"prompt": "Grüße 7!"}, {"prompt": "xxxxx x!"}),
        (
            {"messages": [{"role": "user", "content": "Hi"}]},
            {"messages": [{"role": "user", "content": "xx"}]},
        ),
        ({"images": ["aGk="]}, {"images": ["xxx="]}),
        (
            {"options": {"temperature": 0.5, "stop": ["END"]}},
            {"options": {"temperature": 0.5, "stop": ["xxx"]}},
        ),
        ({"embeddings": [[0.5, 0.25]]}, {"embeddings": [[0, 0]]}),
        (
            {"token": "Hi", "bytes": [72, 105], "logprob": -1.5},
            {"token": "xx", "bytes": [0, 0], "logprob": -1.5},
        ),
        ({"models": [{"name": "m:1b"}]}, {"models": [{"name": "m:1b"}]}),
        (
            {"function": {"name": "look", "arguments": {"name": "Ada", "model": ["a", 7, True], "n": 1.5}}},
            {"function": {"name": "look", "arguments": {"name": "xxx", "model": ["x", 0, True], "n": 0}}},
        ),
        ({"arguments": "Ada"}, {"arguments": "xxx"}),
        ({"content": "\N{GRINNING FACE} e\N{COMBINING ACUTE ACCENT}, 你好!"}, {"content": "x xx, xx!"}),
        ({"error": "server busy, please try again"}, {"error": "server busy, please try again"}),
        (
            {"error": "cannot parse: raw='{it's me}', err=x"},
            {"error": "cannot parse: raw='{xx'x xx}', err=x"},
        ),
        ({"error": ["Hi"]}, {"error": ["xx"]}),
        ({"model": ["Hi"]}, {"model": ["xx"]}),
        ({"context": "Hi"}, {"context": "xx"}),
        ("text", "xxxx"),
        (None, None),
    ],
)
def test_texts_and_tokens_are_left_out_and_names_and_figures_stay(value: object, left: object) -> None:
    assert without_texts(value) == left


def test_a_line_keeps_its_ending() -> None:
    assert line_without_texts(b'{"response":"Hi"} \r\n') == b'{"response":"xx"} \r\n'
    assert line_without_texts(b"\n") == b"\n"
