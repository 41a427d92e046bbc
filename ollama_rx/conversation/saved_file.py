"""A conversation in a file: JSON with a version, described in docs/conversations.md."""

import errno
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import orjson

from ollama_rx.arguments import as_dict, as_items, check_text
from ollama_rx.chunks import Message, ToolCall
from ollama_rx.client.messages import images_field

FORMAT: Final = "ollama-rx conversation"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class SavedConversation:
    """What a file holds of a conversation."""

    messages: tuple[Message, ...]
    model: str | None = None
    tokens_used: int | None = None


def write_saved(path: str | os.PathLike[str], saved: SavedConversation) -> None:
    """Write a conversation to a file, whole or not at all: an old file stays until the new one is complete.

    A new file can be read by its owner only. Through a symbolic link, the file that it points to is replaced.

    Raises:
        OSError: the file cannot be written, or that of an image cannot be read; nothing has changed.
        ValueError: the path leads to a folder, a device or a pipe.
    """
    content = orjson.dumps(_to_json(saved), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    target = Path(os.path.realpath(path))  # a loop of links does not raise an error here
    if target.exists() and not target.is_file():
        raise ValueError(f"{path}: expected a file, got a folder, a device or a pipe")
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=".ollama-rx-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            Path(name).chmod(target.stat().st_mode)
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def read_saved(path: str | os.PathLike[str]) -> SavedConversation:
    """Read a conversation from a file.

    Fields that this version does not know are ignored.

    Raises:
        OSError: the file cannot be read.
        ValueError: it does not hold a conversation, is damaged, or was written by a newer version.
    """
    content = Path(path).read_bytes()
    try:
        return _from_json(_parse(content))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _parse(content: bytes) -> object:
    try:
        return orjson.loads(content)
    except ValueError as error:
        raise ValueError(f"expected a saved conversation, got text that is not JSON ({error})") from error


def _to_json(saved: SavedConversation) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": saved.model,
        "tokens_used": saved.tokens_used,
        "messages": [_message_to_json(message) for message in saved.messages],
    }


def _message_to_json(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "thinking": message.thinking,
        "images": images_field(message.images, argument="messages"),
        "tool_calls": [call.to_json() for call in message.tool_calls],
        "tool_name": message.tool_name,
        "tool_call_id": message.tool_call_id,
        "cut": message.cut,
    }
    said = {"role": message.role, "content": message.content}
    return said | {name: value for name, value in fields.items() if value}


def _from_json(value: object) -> SavedConversation:
    if not isinstance(value, dict):
        raise TypeError(f"expected a saved conversation, got a JSON {type(value).__name__}")
    fields = cast("dict[str, Any]", value)
    if fields.get("format") != FORMAT:
        raise ValueError(f"expected a saved conversation, with {FORMAT!r} as its 'format'")
    if fields.get("version") != VERSION:
        raise ValueError(
            f"expected version {VERSION} of a saved conversation, got {fields.get('version')!r}; "
            f"a newer ollama-rx may read it"
        )
    model, tokens = fields.get("model"), fields.get("tokens_used")
    if model is not None:
        check_text("model", model)
    messages = as_items("messages", fields.get("messages"), "a list of messages")
    return SavedConversation(
        tuple(_message_from_json(at, as_dict(f"message {at}", one)) for at, one in enumerate(messages)),
        model,
        tokens if type(tokens) is int else None,
    )


def _message_from_json(at: int, fields: Mapping[str, Any]) -> Message:
    def text(name: str) -> str:
        value = fields.get(name, "")
        check_text(f"message {at}", value, f"text for {name!r}")
        return str(value)

    def items(name: str) -> tuple[Any, ...]:
        return tuple(as_items(f"message {at}", fields.get(name, ()), f"a list for {name!r}"))

    images = items("images")
    for image in images:
        check_text(f"message {at}", image, "base64 texts for 'images'")
    expected = "objects for 'tool_calls'"
    return Message(
        role=text("role"),
        content=text("content"),
        thinking=text("thinking"),
        images=images,
        tool_calls=tuple(
            ToolCall.of(as_dict(f"message {at}", call, expected)) for call in items("tool_calls")
        ),
        tool_name=text("tool_name") or None,
        tool_call_id=text("tool_call_id") or None,
        cut=fields.get("cut") is True,
    )
