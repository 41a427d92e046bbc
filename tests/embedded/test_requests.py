"""A request is understood as Ollama understands it, or refused in Ollama's words."""

import orjson
import pytest

from ollama_rx.embedded.refusal import Refusal
from ollama_rx.embedded.requests import Plan, read_chat, read_generate, read_model

MODEL = "tiny:latest"


def generate(**fields: object) -> Plan:
    return read_generate(orjson.dumps(fields), MODEL, {})


def chat(**fields: object) -> Plan:
    return read_chat(orjson.dumps(fields), MODEL, {})


def refusal_of(kind: object, body: bytes) -> tuple[int, str]:
    read = read_generate if kind is generate else read_chat
    with pytest.raises(Refusal) as caught:
        read(body, MODEL, {})
    return caught.value.status, caught.value.text


def test_a_prompt_becomes_a_turn_of_the_user() -> None:
    plan = generate(prompt="Hi", system=None)
    assert plan.messages == [{"role": "user", "content": "Hi"}]
    assert (plan.kind, plan.raw_prompt, plan.context, plan.only) == ("generate", None, None, None)
    assert (plan.stream, plan.truncate, plan.keep_alive, plan.top_logprobs) == (True, True, None, None)


def test_a_system_prompt_comes_before_it() -> None:
    plan = generate(prompt="Hi", system="Be brief", context=[1, 2], stream=False, truncate=False)
    assert plan.messages[0] == {"role": "system", "content": "Be brief"}
    assert plan.context == [1, 2]
    assert not plan.stream
    assert not plan.truncate


def test_raw_keeps_the_prompt_as_it_is() -> None:
    assert generate(prompt="Once upon", raw=True).raw_prompt == "Once upon"


def test_options_and_format_become_settings() -> None:
    settings = generate(prompt="Hi", options={"num_predict": 3}, format="json").settings
    assert settings["max_tokens"] == 3
    assert settings["json_schema"] == {"type": "object"}


@pytest.mark.parametrize("think", [None, False])
def test_not_thinking_is_what_the_model_does_anyway(*, think: bool | None) -> None:
    assert generate(prompt="Hi", think=think).only is None


def test_logprobs_are_given_only_when_asked_for() -> None:
    assert generate(prompt="Hi", logprobs=True).top_logprobs == 0
    assert generate(prompt="Hi", logprobs=True, top_logprobs=20).top_logprobs == 20
    assert generate(prompt="Hi", top_logprobs=3).top_logprobs is None


def test_a_chat_keeps_its_roles_and_texts() -> None:
    messages: list[dict[str, object]] = [
        {"role": "System", "content": "Be brief"},
        {"role": "user", "content": "Hi", "images": []},
        {"role": "assistant", "content": "Yes", "thinking": "hm", "tool_calls": []},
        {"role": "tool", "tool_name": "clock"},
    ]
    assert chat(messages=messages, tools=[]).messages == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes"},
        {"role": "tool", "content": ""},
    ]


@pytest.mark.parametrize(
    ("keep_alive", "only"), [(None, "load"), ("5m", "load"), (0, "unload"), ("0s", "unload")]
)
def test_nothing_to_answer_means_load_or_unload(keep_alive: object, only: str) -> None:
    assert generate(keep_alive=keep_alive).only == only
    assert chat(keep_alive=keep_alive).only == only
    assert chat(messages=[], keep_alive=keep_alive).only == only


def test_the_model_may_be_called_by_its_old_field() -> None:
    assert read_model(b'{"name": "a"}', "ShowRequest") == "a"
    assert read_model(b'{"model": "b", "name": "a"}', "ShowRequest") == "b"
    assert read_model(b'{"model": null}', "ShowRequest") == ""


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"raw": True, "system": "s"}, "raw mode does not support template, system, or context"),
        ({"raw": True, "context": [1]}, "raw mode does not support template, system, or context"),
        (
            {"template": "{{ .Prompt }}"},
            "the embedded model does not support `template`: it uses the one in its file",
        ),
        ({"context": [-1]}, "Prompt contains invalid tokens"),
        ({"context": [1, 2**63]}, "Prompt contains invalid tokens"),
        ({"suffix": "}"}, "tiny:latest does not support insert"),
        ({"images": ["aGk="]}, "tiny:latest does not support vision"),
        ({"think": True}, '"tiny:latest" does not support thinking'),
        ({"think": "high"}, '"tiny:latest" does not support thinking'),
        (
            {"think": "much"},
            'invalid think value: "much" (must be "high", "medium", "low", "max", true, or false)',
        ),
        ({"top_logprobs": 21}, "top_logprobs must be between 0 and 20"),
        ({"top_logprobs": -1}, "top_logprobs must be between 0 and 20"),
        (
            {"stream": "yes"},
            "json: cannot unmarshal string into Go struct field GenerateRequest.stream of type bool",
        ),
        (
            {"prompt": 1.5},
            "json: cannot unmarshal number into Go struct field GenerateRequest.prompt of type string",
        ),
        (
            {"context": [1, "2"]},
            "json: cannot unmarshal string into Go struct field GenerateRequest.context of type int",
        ),
        (
            {"options": [1]},
            (
                "json: cannot unmarshal array into Go struct field GenerateRequest.options of type "
                "map[string]interface {}"
            ),
        ),
    ],
)
def test_a_generation_that_cannot_be_done_is_refused(fields: dict[str, object], text: str) -> None:
    assert refusal_of(generate, orjson.dumps({"prompt": "Hi"} | fields)) == (400, text)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"tools": [{"type": "function"}]}, "tiny:latest does not support tools"),
        ({"messages": [{"content": "Hi", "images": ["aGk="]}]}, "tiny:latest does not support vision"),
        (
            {"messages": ["Hi"]},
            "json: cannot unmarshal string into Go struct field ChatRequest.messages of type api.Message",
        ),
        (
            {"messages": [{"content": 1}]},
            "json: cannot unmarshal number into Go struct field ChatRequest.messages.content of type string",
        ),
        (
            {"messages": "Hi"},
            "json: cannot unmarshal string into Go struct field ChatRequest.messages of type []api.Message",
        ),
    ],
)
def test_a_chat_that_cannot_be_done_is_refused(fields: dict[str, object], text: str) -> None:
    assert refusal_of(chat, orjson.dumps(fields)) == (400, text)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "missing request body"),
        (b" \n", "missing request body"),
        (b'{"prompt": ', "unexpected EOF"),
        (b"prompt", "invalid character 'p' looking for beginning of value"),
        (b"[1]", "json: cannot unmarshal array into Go value of type api.GenerateRequest"),
        (b'"Hi"', "json: cannot unmarshal string into Go value of type api.GenerateRequest"),
    ],
)
def test_a_body_that_is_no_object_is_refused(body: bytes, text: str) -> None:
    assert refusal_of(generate, body) == (400, text)
