"""A call that does not fit says what it is called here; calls that fit are not touched."""

import copy
import inspect
from typing import Any

import pytest

from ollama_rx import Client

new_client: Any = Client
client: Any = Client("http://127.0.0.1:1", model="m")
MESSAGES = [{"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("call", "explanation"),
    [
        (lambda: client.chat("m", MESSAGES), "chat: `model` is a keyword here: chat(messages, model=...)"),
        (lambda: client.chat("m", messages=MESSAGES), "`model` is a keyword here"),
        (
            lambda: client.generate("m", "Hi"),
            "generate: `model` is a keyword here: generate(prompt, model=...)",
        ),
        (lambda: client.generate("m", prompt="Hi"), "`model` is a keyword here"),
        (lambda: client.embed("m", "Hi"), "embed: `model` is a keyword here: embed(text, model=...)"),
        (lambda: client.embed(input="Hi"), "embed: `input` is called `text`"),
        (lambda: client.embed("m", input="Hi"), "embed: `input` is called `text`"),
        (
            lambda: client.chat(MESSAGES, stream=True),
            "chat: `stream` is not needed: every answer is a stream",
        ),
        (lambda: client.pull("m", stream=True), "pull: `stream` is not needed"),
        (lambda: client.pull("m", "n"), "pull: expected model by position, and all else by name"),
        (lambda: client.models("m"), "models: expected nothing by position"),
        (
            lambda: client.create("m", modelfile="FROM x"),
            "create: `modelfile` is not known to servers any more",
        ),
        (lambda: client.show(name="m"), "show: `name` is called `model`"),
        (
            lambda: client.chat(MESSAGES, temperature=0),
            "chat: `temperature` is an option: options={'temperature': ...}",
        ),
        (
            lambda: client.chat(MESSAGES, max_tokens=9),
            "`max_tokens` is an option: options={'num_predict': ...}",
        ),
        (lambda: client.chat(MESSAGES, option={}), "`option` is not an argument; did you mean `options`?"),
        (lambda: client.pull("m", seed=1), "pull: `seed` is not an argument"),
        (lambda: client.generate("m", "Hi", stream=True), "(prompt, model=...); `stream` is not needed"),
        (client.chat, "missing 1 required positional argument: 'messages'"),
        (lambda: new_client(timeout=3), "Client: `timeout` is called `timeouts`: Timeouts(first_chunk=...)"),
        (lambda: new_client(verify=False), "Client: `verify` is an argument of httpx"),
        (lambda: new_client(follow_redirects=True), "because a key belongs to one host; pass an httpx"),
    ],
)
def test_a_call_of_another_client_is_explained(call: Any, explanation: str) -> None:
    with pytest.raises(TypeError) as caught:
        call()
    assert explanation in str(caught.value)
    assert isinstance(caught.value.__cause__, TypeError)


@pytest.mark.parametrize(
    ("name", "here"), [("list", "models()"), ("ps", "running()"), ("embeddings", "embed(text)")]
)
def test_a_method_of_another_client_is_explained(name: str, here: str) -> None:
    with pytest.raises(AttributeError, match=f"it is called {here}".replace("(", r"\(").replace(")", r"\)")):
        getattr(client, name)


def test_an_attribute_that_no_client_has_is_missing_as_usual() -> None:
    with pytest.raises(AttributeError, match="'Client' object has no attribute 'colour'") as caught:
        client.colour()
    assert (caught.value.name, hasattr(client, "colour"), getattr(client, "colour", 1)) == (
        "colour",
        False,
        1,
    )
    assert copy.copy(client).url == client.url


def test_a_type_error_from_inside_a_call_that_fits_passes() -> None:
    with pytest.raises(TypeError, match="prompt: expected text, got int") as caught:
        client.generate(1)
    assert caught.value.__cause__ is None


def test_the_signatures_and_docstrings_are_those_of_the_methods() -> None:
    assert list(inspect.signature(Client.generate).parameters)[:3] == ["self", "prompt", "model"]
    assert (Client.chat.__doc__ or "").startswith("Generate the next message")
