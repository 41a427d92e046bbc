"""The size of a model's context: as its options say, as it was loaded, or as large as it can be."""

from typing import Any

import pytest

from ollama_rx import Client
from ollama_rx.conversation.tokens_limit import TokensLimit, find_tokens_limit
from ollama_rx.testing import FakeOllama, error_status, json_reply


def test_a_limit_in_the_options_is_known_and_not_asked_for() -> None:
    with FakeOllama() as fake, Client(fake.url) as client:
        limit = TokensLimit(client, {"num_ctx": 2048})
        limit.ask("m")
    assert limit.value == 2048
    assert not fake.requests


RUNNING = [
    {"name": "other:latest", "context_length": 1},
    {"name": "m:latest", "context_length": 8192},
    {"name": "m:latest", "context_length": 4096},
    {"name": "old:latest"},
]
SHOW = {"model_info": {"llama.block_count": 16, "llama.context_length": 131072}}


@pytest.mark.parametrize(
    ("model", "limit", "asked"),
    [
        ("m", 4096, ["/api/ps"]),
        ("m:latest", 4096, ["/api/ps"]),
        ("old", 131072, ["/api/ps", "/api/show"]),
        ("host:80/m", 131072, ["/api/ps", "/api/show"]),
    ],
)
def test_the_limit_is_that_of_the_loaded_model_or_else_the_largest(
    model: str, limit: int, asked: list[str]
) -> None:
    replies = {"/api/ps": json_reply({"models": RUNNING}), "/api/show": json_reply(SHOW)}
    with FakeOllama(on=replies) as fake, Client(fake.url) as client:
        assert find_tokens_limit(client, model).run() == limit
        assert [request.path for request in fake.requests] == asked


@pytest.mark.parametrize(
    "show", [error_status(404), json_reply({}), json_reply({"model_info": {"x.context_length": "?"}})]
)
def test_a_limit_that_the_server_does_not_tell_is_none(show: Any) -> None:
    with FakeOllama(on={"/api/ps": error_status(500), "/api/show": show}) as fake, Client(fake.url) as client:
        assert find_tokens_limit(client, "m").run() is None
    with FakeOllama(on={"/api/ps": json_reply({}), "/api/show": show}) as fake, Client(fake.url) as client:
        assert find_tokens_limit(client, "m").run() is None
