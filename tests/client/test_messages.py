"""Messages and images become the JSON fields of a request."""

import base64
from pathlib import Path
from typing import Any

import pytest

from ollama_rx import Message, ToolCall
from ollama_rx.client.messages import images_field, messages_field

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2
ENCODED = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    "image", [PNG, bytearray(PNG), memoryview(PNG), ENCODED, f"data:image/png;base64,{ENCODED}"]
)
def test_an_image_may_be_bytes_or_base64(image: Any) -> None:
    assert images_field([image]) == [ENCODED]


def test_an_image_may_be_a_file_named_by_path_or_text(tmp_path: Path) -> None:
    file = tmp_path / "cat.png"
    file.write_bytes(PNG)
    assert images_field([file, str(file)]) == [ENCODED, ENCODED]


def test_a_missing_file_is_an_error_when_the_call_is_built(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        images_field([tmp_path / "missing.png"])
    with pytest.raises(
        ValueError, match=r"^images: expected the path of an existing file, or base64 text, got "
    ):
        images_field([str(tmp_path / "missing.png")])


def test_base64_too_long_for_a_file_name_is_still_base64() -> None:
    text = base64.b64encode(b"x" * 600).decode()
    assert 255 < len(text) < 1024
    assert images_field([text]) == [text]


@pytest.mark.parametrize("image", ["", "data:image/png,raw", "data:image/png;base64,"])
def test_an_empty_image_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match=r"^images: expected an image that is not empty, got "):
        images_field([image])


@pytest.mark.parametrize("image", ["no base64!", "abc", "with\0null", "ü"])
def test_text_that_is_neither_a_path_nor_base64_is_refused(image: str) -> None:
    with pytest.raises(ValueError, match=r"^images: expected .*, got "):
        images_field([image])


@pytest.mark.parametrize("images", [PNG, ENCODED, Path("cat.png"), bytearray(PNG), 5])
def test_one_image_alone_is_refused(images: Any) -> None:
    with pytest.raises(TypeError, match=r"^images: expected a list of images, even for a single one, got "):
        images_field(images)


def test_an_image_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"^images: expected an image as bytes, path or base64 text, got int"):
        images_field([5])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]


def test_an_empty_list_of_images_is_left_out() -> None:
    assert images_field(None) is None
    assert images_field([]) is None


CALL = {"id": "call_1", "function": {"name": "weather", "arguments": {"city": "Ulm"}}}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (Message("user", "Hi"), {"role": "user", "content": "Hi"}),
        (Message("user"), {"role": "user", "content": ""}),
        (Message("user", "What?", images=[PNG]), {"role": "user", "content": "What?", "images": [ENCODED]}),
        (
            Message("assistant", thinking="hm", tool_calls=[ToolCall("weather", {"city": "Ulm"}, "call_1")]),
            {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": [CALL]},
        ),
        (
            Message("tool", "sunny", tool_name="weather", tool_call_id="call_1"),
            {"role": "tool", "content": "sunny", "tool_name": "weather", "tool_call_id": "call_1"},
        ),
        ({"role": "User", "content": "Hi", "new": 1}, {"role": "User", "content": "Hi", "new": 1}),
        (
            {"role": "user", "content": "x", "images": [PNG]},
            {"role": "user", "content": "x", "images": [ENCODED]},
        ),
        ({"role": "user", "content": "x", "images": []}, {"role": "user", "content": "x"}),
        (
            {"role": "assistant", "content": None, "tool_calls": [ToolCall.of(CALL), CALL]},
            {"role": "assistant", "tool_calls": [CALL, CALL]},
        ),
    ],
)
def test_a_message_is_written_as_ollama_expects_it(message: Any, expected: dict[str, Any]) -> None:
    assert messages_field([message]) == [expected]


def test_the_message_of_the_caller_is_not_changed() -> None:
    message = {"role": "user", "content": "x", "images": [PNG], "none": None}
    messages_field([message])
    assert message == {"role": "user", "content": "x", "images": [PNG], "none": None}


@pytest.mark.parametrize("messages", ["Hi", b"Hi", Message("user", "Hi"), {"role": "user"}, None, iter([])])
def test_a_value_that_is_not_a_list_of_messages_is_refused(messages: Any) -> None:
    with pytest.raises(TypeError, match=r"^messages: expected a list, even for a single item, got "):
        messages_field(messages)


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Hi", TypeError),
        ({"content": "Hi"}, TypeError),
        ({"role": "", "content": "Hi"}, ValueError),
        ({"role": "user", "content": 5}, TypeError),
        ({"role": "user", "content": "x", "tool_calls": {}}, TypeError),
        ({"role": "user", "content": "x", "tool_calls": ["add"]}, TypeError),
        ({"role": "user", "content": "x", "tool_calls": [None]}, TypeError),
        (Message("user", 5), TypeError),  # type: ignore[arg-type]
        (Message("user", images=PNG), TypeError),
        ({"role": "user", "images": [5]}, TypeError),
        ({"role": "user", "images": [b""]}, ValueError),
        ({"role": "user", "images": ["no base64!"]}, ValueError),
    ],
)
def test_an_invalid_message_is_refused(message: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^messages: expected .*, got "):
        messages_field([message])


def test_that_an_answer_was_cut_is_not_sent() -> None:
    assert messages_field([Message("assistant", "Hel", cut=True)]) == [
        {"role": "assistant", "content": "Hel"}
    ]


class Dumped:
    """An object with ``model_dump``, as those of pydantic and of Ollama's own client."""

    def __init__(self, value: object) -> None:
        self._value = value

    def model_dump(self) -> object:
        return self._value


def test_messages_and_images_of_another_client_are_taken_without_the_fields_that_are_not_set() -> None:
    call = {"id": None, "function": {"name": "f", "arguments": {"x": [1, {"y": None}]}}}
    message = {"role": "assistant", "content": "Hi", "thinking": None, "tool_calls": [call]}
    assert messages_field([Dumped(message), {"role": "user", "images": [Dumped("aGk=")]}]) == [
        {
            "role": "assistant",
            "content": "Hi",
            "tool_calls": [{"function": {"name": "f", "arguments": {"x": [1, {}]}}}],
        },
        {"role": "user", "images": ["aGk="]},
    ]


@pytest.mark.parametrize("role", ["control", "developer", "Robot"])
def test_any_role_is_sent_because_servers_take_more_than_four(role: str) -> None:
    assert messages_field([{"role": role, "content": "Hi"}]) == [{"role": role, "content": "Hi"}]


def test_base64_text_may_have_line_breaks() -> None:
    assert images_field(["aGVs\r\nbG8h\n"]) == ["aGVsbG8h"]
