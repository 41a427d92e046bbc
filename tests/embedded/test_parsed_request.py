"""A request is parsed as Ollama parses it, or rejected with Ollama's error."""

import orjson
import pytest

from ollama_rx.embedded.api_error import ApiError
from ollama_rx.embedded.parsed_request import ParsedRequest, read_chat, read_generate, read_model

MODEL = "tiny:latest"

WHOLE_NAME = "registry.ollama.ai/library/tiny:latest"


def generate(**fields: object) -> ParsedRequest:
    return read_generate(orjson.dumps(fields), MODEL, {})


def chat(**fields: object) -> ParsedRequest:
    return read_chat(orjson.dumps(fields), MODEL, {})


def error_of(kind: object, body: bytes) -> tuple[int, str]:
    read = read_generate if kind is generate else read_chat
    with pytest.raises(ApiError) as caught:
        read(body, MODEL, {})
    return caught.value.status, caught.value.text


def test_a_prompt_becomes_a_user_turn() -> None:
    request = generate(prompt="Hi", system=None)
    assert request.messages == [{"role": "user", "content": "Hi"}]
    assert request.kind == "generate"
    assert (request.raw_prompt, request.context, request.action) == (None, None, None)
    assert (request.stream, request.truncate) == (True, True)
    assert (request.keep_alive, request.top_logprobs) == (None, None)


def test_a_system_prompt_comes_before_the_user_turn() -> None:
    request = generate(prompt="Hi", system="Be brief", context=[1, 2], stream=False, truncate=False)
    assert request.messages[0] == {"role": "system", "content": "Be brief"}
    assert request.context == [1, 2]
    assert not request.stream
    assert not request.truncate


def test_raw_keeps_the_prompt_unchanged() -> None:
    assert generate(prompt="Once upon", raw=True).raw_prompt == "Once upon"


def test_options_and_format_become_settings() -> None:
    settings = generate(prompt="Hi", options={"num_predict": 3}, format="json").settings
    assert settings["max_tokens"] == 3
    assert settings["json_schema"] == {"type": "object"}


@pytest.mark.parametrize("think", [None, False])
def test_switching_thinking_off_is_accepted(*, think: bool | None) -> None:
    assert generate(prompt="Hi", think=think).action is None


def test_logprobs_are_given_only_on_request() -> None:
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
    ("keep_alive", "action"), [(None, "load"), ("5m", "load"), (0, "unload"), ("0s", "unload")]
)
def test_a_request_without_a_prompt_loads_or_unloads(keep_alive: object, action: str) -> None:
    assert generate(keep_alive=keep_alive).action == action
    assert chat(keep_alive=keep_alive).action == action
    assert chat(messages=[], keep_alive=keep_alive).action == action


def test_the_model_name_may_come_in_the_old_field() -> None:
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
        ({"suffix": "}"}, f"{WHOLE_NAME} does not support insert"),
        ({"images": ["aGk="]}, f"{WHOLE_NAME} does not support vision"),
        ({"images": ["aGk*"]}, "illegal base64 data at input byte 3"),
        ({"images": [1]}, f"{WHOLE_NAME} does not support vision"),
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
def test_an_unsupported_generation_is_rejected(fields: dict[str, object], text: str) -> None:
    assert error_of(generate, orjson.dumps({"prompt": "Hi"} | fields)) == (400, text)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"tools": [{"type": "function"}]}, f"{WHOLE_NAME} does not support tools"),
        ({"messages": [{"content": "Hi", "images": ["aGk="]}]}, f"{WHOLE_NAME} does not support vision"),
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
def test_an_unsupported_chat_is_rejected(fields: dict[str, object], text: str) -> None:
    assert error_of(chat, orjson.dumps(fields)) == (400, text)


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
def test_a_body_that_is_not_an_object_is_rejected(body: bytes, text: str) -> None:
    assert error_of(generate, body) == (400, text)
