"""Convert messages and images to their JSON fields in a request."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from ollama_rx.arguments import SupportsModelDump, as_dict, as_items, check_text, dumped, wrong_value
from ollama_rx.chunks import Message, ToolCall

Image = bytes | str | os.PathLike[str] | SupportsModelDump
"""Bytes, the path of a file, base64 text, or an image of Ollama's own client."""

MessageLike = Message | Mapping[str, Any] | SupportsModelDump

_NO_LINE_BREAKS = {ord("\r"): None, ord("\n"): None}  # Go's decoder, and so the server, ignores them
_MAX_PATH = 1024  # characters; longer texts are not tried as a path
_SENT = [field.name for field in fields(Message) if field.name != "cut"]


def messages_field(value: Sequence[MessageLike]) -> list[dict[str, Any]]:
    """Return the JSON value of ``messages``."""
    return [_message_field(message) for message in as_items("messages", value)]


def _message_field(message: MessageLike) -> dict[str, Any]:
    if isinstance(message, Message):
        found = {name: getattr(message, name) or None for name in _SENT}
        found["content"] = message.content  # always sent, as Ollama's own client does
    else:
        found = as_dict("messages", message, "a Message or a mapping")
    check_text("messages", found.get("role"), "text for 'role'")
    if not found["role"]:
        raise wrong_value("messages", "a role, such as 'user'", found["role"])
    if found.get("content") is not None:
        check_text("messages", found["content"], "text for 'content'")
    found["images"] = images_field(found.get("images"), argument="messages")
    if found.get("tool_calls") is not None:
        calls = as_items("messages", found["tool_calls"], "a list for 'tool_calls'")
        expected = "a ToolCall or a mapping in 'tool_calls'"
        found["tool_calls"] = [
            call.to_json() if isinstance(call, ToolCall) else as_dict("messages", call, expected)
            for call in calls
        ]
    return {name: value for name, value in found.items() if value is not None}


def images_field(value: Sequence[Image] | None, *, argument: str = "images") -> list[str] | None:
    """Return images as base64 texts; files are read now, so that a missing one fails when a call is built.

    Errors name the ``argument`` that holds the images.
    """
    if value is None:
        return None
    images = as_items(argument, value, "a list of images, even for a single one")
    return [_image_field(image, argument) for image in images] or None


def _image_field(given: Image, argument: str) -> str:
    image = cast("bytes | str | os.PathLike[str]", dumped(given))
    if isinstance(image, os.PathLike) or (isinstance(image, str) and _is_file(image)):
        content = Path(image).read_bytes()
    elif isinstance(image, bytes | bytearray | memoryview):
        content = bytes(image)
    else:
        check_text(argument, image, "an image as bytes, path or base64 text")
        return _checked_base64(image, argument)
    if not content:
        raise wrong_value(argument, "an image that is not empty", image)
    return base64.b64encode(content).decode()


def _checked_base64(image: str, argument: str) -> str:
    """Return the base64 text of an image without line breaks and the prefix of a data URL."""
    text = image.partition(";base64,")[2] if image.startswith("data:") else image
    text = text.translate(_NO_LINE_BREAKS)
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise wrong_value(argument, "the path of an existing file, or base64 text", image) from error
    if not content:
        raise wrong_value(argument, "an image that is not empty", image)
    return text


def _is_file(text: str) -> bool:
    """Check whether a text is the path of a file; the operating system may reject base64 text as too long."""
    try:
        return len(text) < _MAX_PATH and Path(text).is_file()
    except (OSError, ValueError):
        return False
