"""From messages and images to bytes: what a chat looks like in a request."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ollama_rx.arguments import as_items, check_text, wrong_type, wrong_value
from ollama_rx.chunks import Message, ToolCall
from ollama_rx.errors import excerpt

Image = bytes | str | os.PathLike[str]
"""Bytes, the path of a file, or base64 text."""

MessageLike = Message | Mapping[str, Any]

_PATH_MAX = 1024  # characters; longer texts are not tried as a path
_ROLES = {"system", "user", "assistant", "tool"}


def images_field(given: Sequence[Image] | None) -> list[str] | None:
    """Return images as base64, reading files now so that a missing one fails here."""
    return None if given is None else [_image(image) for image in as_items("images", given)] or None


def _image(image: Image) -> str:
    if isinstance(image, bytes | bytearray | memoryview):
        return _encoded(bytes(image), "one")
    if isinstance(image, os.PathLike):
        return _encoded(Path(image).read_bytes(), image)
    check_text("images", image)
    if _is_file(image):
        return _encoded(Path(image).read_bytes(), image)
    text = image.partition(";base64,")[2] if image.startswith("data:") else image
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"images: {excerpt(image)!r} is neither a file nor base64") from error
    if not found:
        raise ValueError(f"images: {excerpt(image)!r} is empty")
    return text


def _encoded(content: bytes, name: object) -> str:
    if not content:
        raise ValueError(f"images: {name} is empty")
    return base64.b64encode(content).decode()


def _is_file(text: str) -> bool:
    """Tell whether a text is the path of a file; base64 text may be too long even to ask."""
    try:
        return len(text) < _PATH_MAX and Path(text).is_file()
    except (OSError, ValueError):
        return False


def messages_field(given: Sequence[MessageLike]) -> list[dict[str, Any]]:
    """Return the wire form of ``messages``."""
    return [_message(message) for message in as_items("messages", given)]


def _message(message: MessageLike) -> dict[str, Any]:
    if isinstance(message, Message):
        found = {field.name: getattr(message, field.name) or None for field in fields(message)}
        found["content"] = message.content  # always sent, as Ollama's own client does
    elif isinstance(message, Mapping):
        found = dict(message)
    else:
        raise wrong_type("messages", "a Message or a mapping", message)
    if str(found.get("role")).lower() not in _ROLES:
        raise wrong_value("messages: role", f"one of {', '.join(sorted(_ROLES))}", found.get("role"))
    if found.get("content") is not None:
        check_text("messages: content", found["content"])
    found["images"] = images_field(found.get("images"))
    if found.get("tool_calls") is not None:
        calls = as_items("messages: tool_calls", found["tool_calls"])
        found["tool_calls"] = [call.to_json() if isinstance(call, ToolCall) else call for call in calls]
    return {name: value for name, value in found.items() if value is not None}
