"""Prompts as messages: what is sent is what is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.aio.msg import Msg

from ollama_rx.bus.runs.prompt import Prompt


def message(headers: dict[str, str] | None, body: bytes = b"{}") -> Msg:
    return Msg(_client=Client(), subject="s", data=body, headers=headers)


@given(
    model=st.text(min_size=1),
    grace=st.sampled_from([0.0, 0.25, 10.0]),
    detached=st.booleans(),
    body_name=st.sampled_from(["", "b1"]),
)
def test_a_prompt_is_read_as_it_was_sent(model: str, grace: float, body_name: str, *, detached: bool) -> None:
    prompt = Prompt(
        run="r",
        model=model,
        path="/api/chat",
        body=b"{}",
        grace=grace,
        detached=detached,
        body_name=body_name,
    )
    headers = prompt.headers()
    assert all(value.isascii() and value.isprintable() for value in headers.values())
    assert Prompt.of(message(headers)) == prompt


@pytest.mark.parametrize("missing", ["Nats-Msg-Id", "Ollama-Rx-Path", "Ollama-Rx-Model", "Ollama-Rx-Grace"])
def test_a_message_without_a_needed_header_is_refused(missing: str) -> None:
    headers = Prompt(run="r", model="m", path="/api/chat", body=b"{}").headers()
    del headers[missing]
    with pytest.raises(ValueError, match=missing):
        Prompt.of(message(headers))


@pytest.mark.parametrize("headers", [None, {}])
def test_a_message_without_headers_is_refused(headers: dict[str, str] | None) -> None:
    with pytest.raises(ValueError, match="missing"):
        Prompt.of(message(headers))


def test_a_grace_time_that_is_no_number_is_refused() -> None:
    headers = Prompt(run="r", model="m", path="/api/chat", body=b"{}").headers() | {"Ollama-Rx-Grace": "soon"}
    with pytest.raises(ValueError, match="soon"):
        Prompt.of(message(headers))


@pytest.mark.parametrize("name", ["", "*", ">", "a.b"])
def test_a_body_whose_name_reaches_other_bodies_is_refused(name: str) -> None:
    headers = Prompt(run="r", model="m", path="/api/chat", body=b"{}").headers() | {"Ollama-Rx-Body": name}
    with pytest.raises(ValueError, match="body"):
        Prompt.of(message(headers))
