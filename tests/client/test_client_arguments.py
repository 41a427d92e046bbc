"""Wrong arguments fail when a call or a client is built, by the argument's name."""

import inspect
import os
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
    ("model", 0),
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
    ("chat", "messages", {"messages": [5]}),
    ("chat", "messages", {"messages": [{"role": "user", "images": b"x"}]}),
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
    ("embed", "model", {"text": "a", "model": b"m"}),
    ("embed", "keep_alive", {"text": "a", "keep_alive": "soon"}),
    ("unload", "model", {"model": 5}),
    ("pull", "model", {"model": 5}),
    ("push", "model", {"model": 5}),
    ("show", "model", {"model": 5}),
    ("pull", "insecure", {"insecure": "yes"}),
    ("push", "insecure", {"insecure": "yes"}),
    ("show", "verbose", {"verbose": "yes"}),
    ("create", "model", {"model": 5}),
    ("create", "from_", {"model": "a", "from_": 5}),
    ("create", "quantize", {"model": "a", "quantize": 4}),
    ("create", "system", {"model": "a", "system": 5}),
    ("create", "template", {"model": "a", "template": 5}),
    ("create", "messages", {"model": "a", "messages": "x"}),
    ("create", "parameters", {"model": "a", "parameters": []}),
    ("create", "files", {"model": "a", "files": 5}),
    ("create", "files", {"model": "a", "files": [5]}),
    ("create", "files", {"model": "a", "files": {"a.gguf": "sha256:1"}}),
    ("create", "from_", {"model": "a", "from_": "./model.gguf"}),
    ("create", "files", {"model": "a", "files": {"a.gguf": 5}}),
    ("create", "files", {"model": "a", "files": {5: "sha256:1"}}),
    ("create", "adapters", {"model": "a", "adapters": 5}),
    ("create", "adapters", {"model": "a", "adapters": {"b.gguf": b"sha256:2"}}),
    ("create", "license", {"model": "a", "license": 5}),
    ("create", "license", {"model": "a", "license": ["MIT", 5]}),
    ("chat", "tools", {"messages": [], "tools": [None]}),
    ("generate", "images", {"prompt": "x", "images": [b""]}),
    ("copy", "source", {"source": 5, "destination": "b"}),
    ("copy", "destination", {"source": "a", "destination": None}),
    ("delete", "model", {"model": None}),
    ("create_blob", "path", {"path": 5}),
    ("create_blob", "path", {"path": "."}),
    ("create_blob", "path", {"path": os.devnull}),
    ("web_search", "query", {"query": 5}),
    ("web_search", "max_results", {"query": "x", "max_results": 0}),
    ("web_fetch", "url", {"url": 5}),
    ("on_host", "url", {"url": 5}),
    ("on_host", "url", {"url": "http://elsewhere"}),
]


METHODS = (
    *("generate", "chat", "load", "unload", "embed", "pull", "push", "create", "show", "copy", "delete"),
    *("create_blob", "web_search", "web_fetch", "on_host", "with_run", "attach", "forward"),
)
REQUIRED: dict[str, dict[str, object]] = {
    "generate": {"prompt": "x"},
    "chat": {"messages": []},
    "embed": {"text": "a"},
    "create": {"model": "a"},
    "copy": {"source": "a", "destination": "b"},
    "web_search": {"query": "x"},
    "attach": {"run": "x"},
    "forward": {"path": "/api/chat"},
}
ARGUMENTS = [
    (method, argument)
    for method in METHODS
    for argument in inspect.signature(getattr(Client, method)).parameters
    if argument != "self"
]


@pytest.mark.parametrize(("method", "argument"), ARGUMENTS)
def test_a_value_of_a_wrong_type_is_refused_in_any_argument_of_any_method(method: str, argument: str) -> None:
    given = {**REQUIRED.get(method, {}), argument: object()}
    with pytest.raises((TypeError, ValueError), match=rf"^{argument}: expected .*, got "):
        getattr(Client("x", model="m"), method)(**given)


@pytest.mark.parametrize("argument", inspect.signature(Client).parameters)
def test_a_value_of_a_wrong_type_is_refused_in_any_argument_of_the_client(argument: str) -> None:
    given: dict[str, Any] = {argument: object()}
    with pytest.raises(TypeError, match=rf"^{argument}: expected .*, got object$"):
        Client(**given)


def test_every_method_that_takes_arguments_is_tested_with_wrong_ones() -> None:
    methods = {
        name
        for name, function in inspect.getmembers(Client, inspect.isfunction)
        if not name.startswith("_") and len(inspect.signature(function).parameters) > 1
    }
    assert methods == set(METHODS)


@pytest.mark.parametrize(("method", "argument", "given"), WRONG)
def test_a_wrong_argument_fails_when_the_call_is_built(
    method: str, argument: str, given: dict[str, object]
) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"^{argument}: expected .*, got "):
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
    with pytest.raises((TypeError, ValueError), match=rf"^{argument}: expected .*, got "):
        Client(**given)


def test_a_model_must_be_given_to_the_client_or_to_the_call() -> None:
    with pytest.raises(
        ValueError, match=r"^model: expected a name, here or once in Client\(model=\.\.\.\), got None$"
    ):
        Client("x").generate("Hi")


def test_a_value_that_json_cannot_hold_fails_when_the_call_is_built() -> None:
    client, box = Client("x", model="m"), ContextBox()
    for context in (None, box):
        with pytest.raises(TypeError, match=r"^prompt: expected JSON values, got str "):
            client.generate("\ud800", context=context)
    with pytest.raises(TypeError, match=r"^options: expected JSON values, got dict "):
        client.embed("a", options={"x": object()})
