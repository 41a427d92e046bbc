"""What `useChat` posts, as our messages."""

import base64
from typing import Any

import pytest

from ollama_rx import Message, ToolCall
from ollama_rx.web import messages_from_ui

PNG = b"\x89PNG\r\n\x1a\n"
DATA_URL = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"


def body(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"id": "chat", "trigger": "submit-message", "messages": list(messages)}


def said(role: str, *parts: object) -> dict[str, Any]:
    return {"id": "m", "role": role, "parts": list(parts)}


def text(written: object, **more: object) -> dict[str, Any]:
    return {"type": "text", "text": written, **more}


def tool(name: str, state: str, identifier: str = "c1", **more: object) -> dict[str, Any]:
    return {
        "type": f"tool-{name}",
        "toolCallId": identifier,
        "state": state,
        "input": {"city": "Ulm"},
        **more,
    }


def file(url: object) -> dict[str, Any]:
    return {"type": "file", "mediaType": "image/png", "url": url}


STEP = {"type": "step-start"}
CALL = ToolCall("weather", {"city": "Ulm"}, "c1")


def test_a_chat_of_texts_is_read() -> None:
    chat = body(
        said("system", text("Be "), text("brief.")),
        said("user", text("Hi"), text("there")),
        said("assistant", STEP, {"type": "reasoning", "text": "Hm"}, text("He"), text("llo", state="done")),
        said("user", text("Bye")),
    )
    assert messages_from_ui(chat) == (
        Message("system", "Be brief."),
        Message("user", "Hi\n\nthere"),
        Message("assistant", "Hello", "Hm"),
        Message("user", "Bye"),
    )


def test_images_are_read_from_data_urls() -> None:
    (message,) = messages_from_ui(body(said("user", text("What is it?"), file(DATA_URL))))
    assert message == Message("user", "What is it?", images=(PNG,))


def test_a_data_url_may_be_escaped() -> None:
    escaped = DATA_URL.replace("+", "%2B").replace("=", "%3D")
    assert messages_from_ui(body(said("user", file(escaped))))[0].images == (PNG,)


@pytest.mark.parametrize(
    "url",
    [
        "/etc/passwd",
        "image.png",
        "file:///etc/passwd",
        "https://example.org/cat.png",
        "data:text/html;base64,aGk=",
        "data:image/png,raw",
        "data:image/png;base64,",
        "data:image/png;base64,???",
        "data:image/png;base64,é",
        None,
        7,
    ],
)
def test_any_other_file_is_refused_and_never_opened(url: object) -> None:
    with pytest.raises(ValueError, match="file: expected an image"):
        messages_from_ui(body(said("user", file(url))))


def test_each_step_is_an_answer_with_its_calls_followed_by_their_results() -> None:
    answer = said(
        "assistant",
        STEP,
        text("Let me see."),
        tool("weather", "output-available", output="rain"),
        tool("weather", "output-available", "c2", output={"celsius": 9, "sky": "grün"}),
        STEP,
        tool("weather", "output-error", "c3", errorText="no network"),
        STEP,
        text("It rains."),
    )
    assert messages_from_ui(body(answer)) == (
        Message("assistant", "Let me see.", tool_calls=(CALL, ToolCall("weather", {"city": "Ulm"}, "c2"))),
        Message("tool", "rain", tool_name="weather", tool_call_id="c1"),
        Message("tool", '{"celsius": 9, "sky": "grün"}', tool_name="weather", tool_call_id="c2"),
        Message("assistant", tool_calls=(ToolCall("weather", {"city": "Ulm"}, "c3"),)),
        Message("tool", "no network", tool_name="weather", tool_call_id="c3"),
        Message("assistant", "It rains."),
    )


@pytest.mark.parametrize(
    ("approval", "content"),
    [({"approved": False, "reason": "too dear"}, "refused: too dear"), (None, "refused: not allowed")],
)
def test_a_refused_call_has_the_reason_as_its_result(approval: object, content: str) -> None:
    answer = said("assistant", tool("weather", "output-denied", approval=approval))
    assert messages_from_ui(body(answer))[1].content == content


def test_a_dynamic_tool_has_its_name_beside() -> None:
    part = {**tool("", "output-available", output="rain"), "type": "dynamic-tool", "toolName": "weather"}
    assert messages_from_ui(body(said("assistant", part)))[0].tool_calls == (CALL,)


def test_a_call_without_a_result_and_what_says_nothing_to_a_model_is_left_out() -> None:
    nothing = [
        tool("weather", "input-streaming"),
        tool("weather", "input-available"),
        {"type": "source-url", "sourceId": "s", "url": "https://example.org"},
        {"type": "data-weather", "data": 1},
        {"type": 7},
        "not a part",
    ]
    chat = body(said("user", text("Hi")), said("assistant", STEP, *nothing))
    assert messages_from_ui(chat) == (Message("user", "Hi"),)


@pytest.mark.parametrize("kind", ["text", "reasoning"])
def test_an_answer_that_was_stopped_is_cut(kind: str) -> None:
    answer = said("assistant", STEP, {"type": kind, "text": "It is", "state": "streaming"})
    assert messages_from_ui(body(answer))[0].cut


def test_one_message_instead_of_all_is_read() -> None:
    assert messages_from_ui({"id": "chat", "message": said("user", text("Hi"))}) == (Message("user", "Hi"),)


def test_half_a_character_becomes_the_replacement_character() -> None:
    answer = tool("weather", "output-available", output={"\ud83d": ["\ude00"]})
    user, _, result = messages_from_ui(body(said("user", text("a\ud83d")), said("assistant", answer)))
    assert user.content == "a�"
    assert result.content == '{"�": ["�"]}'


def test_texts_of_a_wrong_type_read_as_empty() -> None:
    assert messages_from_ui(body(said("user", text(7), text(None)))) == (Message("user", "\n\n"),)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "text",
        {},
        {"messages": []},
        {"messages": "Hi"},
        {"messages": [1]},
        {"message": "Hi"},
        body(),
    ],
)
def test_a_body_without_messages_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="body: expected an object with one message or more in 'messages'"):
        messages_from_ui(wrong)


@pytest.mark.parametrize("role", ["tool", "developer", "", None, 7])
def test_a_role_that_the_sdk_does_not_have_is_refused(role: object) -> None:
    with pytest.raises(ValueError, match="role: expected 'user', 'assistant' or 'system'"):
        messages_from_ui(body({"id": "m", "role": role, "parts": []}))


def test_a_body_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested too deeply"):
        messages_from_ui(body(said("assistant", tool("weather", "output-available", output=deep))))
