"""Wrong arguments fail when a call or a client is built, by the argument's name."""

from typing import Any

import httpx
import pytest

from ollama_rx import Client
from ollama_rx.chunks import ContextBox


def add(a: int) -> int:
    """Add one."""
    return a + 1


WRONG_IN_ANY_STREAM: list[tuple[str, object]] = [
    ("model", 5),
    ("format", "xml"),
    ("options", [1]),
    ("options", {"think": True}),
    ("think", "yes"),
    ("keep_alive", "5"),
    ("keep_alive", True),
    ("logprobs", "yes"),
    ("top_logprobs", 21),
    ("truncate", 1),
    ("shift", "no"),
]
WRONG: list[tuple[str, str, dict[str, object]]] = [
    *(("generate", name, {"prompt": "x", name: value}) for name, value in WRONG_IN_ANY_STREAM),
    *(("chat", name, {"messages": [], name: value}) for name, value in WRONG_IN_ANY_STREAM),
    ("generate", "prompt", {"prompt": None}),
    ("generate", "system", {"prompt": "x", "system": 5}),
    ("generate", "suffix", {"prompt": "x", "suffix": b"x"}),
    ("generate", "template", {"prompt": "x", "template": 5}),
    ("generate", "raw", {"prompt": "x", "raw": 1}),
    ("generate", "images", {"prompt": "x", "images": b"x"}),
    ("generate", "context", {"prompt": "x", "context": "12"}),
    ("generate", "context", {"prompt": "x", "context": 5}),
    ("generate", "context", {"prompt": "x", "context": [1.5]}),
    ("chat", "messages", {"messages": "Hi"}),
    ("chat", "tools", {"messages": [], "tools": add}),
    ("chat", "tools", {"messages": [], "tools": [lambda: None]}),
    ("load", "keep_alive", {"keep_alive": "5"}),
    ("embed", "text", {"text": 5}),
    ("embed", "text", {"text": ["a", 5]}),
    ("embed", "text", {"text": iter(["a"])}),
    ("embed", "truncate", {"text": "a", "truncate": 1}),
    ("embed", "dimensions", {"text": "a", "dimensions": 0}),
    ("embed", "dimensions", {"text": "a", "dimensions": True}),
    ("embed", "options", {"text": "a", "options": 5}),
    ("pull", "insecure", {"insecure": "yes"}),
    ("push", "insecure", {"insecure": "yes"}),
    ("show", "verbose", {"verbose": "yes"}),
    ("create", "model", {"model": 5}),
    ("create", "from_", {"model": "a", "from_": 5}),
    ("create", "quantize", {"model": "a", "quantize": 4}),
    ("create", "messages", {"model": "a", "messages": "x"}),
    ("create", "parameters", {"model": "a", "parameters": []}),
    ("create", "files", {"model": "a", "files": []}),
    ("create", "adapters", {"model": "a", "adapters": []}),
    ("create", "license", {"model": "a", "license": 5}),
    ("create", "license", {"model": "a", "license": ["MIT", 5]}),
    ("chat", "tools", {"messages": [], "tools": [None]}),
    ("generate", "images", {"prompt": "x", "images": [b""]}),
    ("copy", "source", {"source": 5, "destination": "b"}),
    ("copy", "destination", {"source": "a", "destination": None}),
    ("delete", "model", {"model": None}),
]


@pytest.mark.parametrize(("method", "argument", "given"), WRONG)
def test_a_wrong_argument_fails_when_the_call_is_built(
    method: str, argument: str, given: dict[str, object]
) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^{argument}: "):
        getattr(Client("x", model="m"), method)(**given)


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("host", {"host": "ftp://x"}),
        ("host", {"host": 5}),
        ("host", {"host": "http://exa mple"}),
        ("host", {"host": "a\nb"}),
        ("host", {"host": "http://xn--zzzzzzz-/"}),
        ("host", {"host": "http://ü..de"}),
        ("host", {"host": "x" * 64}),
        ("host", {"host": "http://a%20b"}),
        ("model", {"model": 5}),
        ("timeouts", {"timeouts": 5}),
        ("max_line_bytes", {"max_line_bytes": 0}),
        ("max_line_bytes", {"max_line_bytes": "8 MB"}),
        ("headers", {"headers": "x"}),
        ("headers", {"headers": {"x": 5}}),
        ("headers", {"headers": {"x": "a\r\nb: c"}}),
        ("headers", {"headers": {"x": "ü"}}),
        ("headers", {"headers": {"a b": "c"}}),
        ("headers", {"headers": {"": "c"}}),
        ("headers", {"headers": {5: "c"}}),
        ("transport", {"transport": 5}),
        ("transport", {"transport": httpx.HTTPTransport()}),
    ],
)
def test_a_wrong_argument_fails_when_the_client_is_built(argument: str, given: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^{argument}: "):
        Client(**given)


def test_a_model_must_be_named_somewhere() -> None:
    with pytest.raises(ValueError, match=r"^model: expected a name"):
        Client("x").generate("Hi")


def test_what_json_can_t_say_fails_when_the_call_is_built() -> None:
    client, box = Client("x", model="m"), ContextBox()
    for context in (None, box):
        with pytest.raises(TypeError, match="can't be written as JSON"):
            client.generate("\ud800", context=context)
    with pytest.raises(TypeError, match="can't be written as JSON"):
        client.embed("a", options={"x": object()})
