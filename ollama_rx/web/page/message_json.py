"""Conversations as the JSON that the page reads."""

from base64 import b64encode
from dataclasses import asdict
from typing import Final

from ollama_rx.block_splitter import BlockSplitter
from ollama_rx.protocol.json_fields import JsonObject
from ollama_rx.web.page.answers import RunningAnswer
from ollama_rx.web.page.conversation_store import ConversationSummary, StoredMessage
from ollama_rx.web.page.markdown_html import complete_block_html

_IMAGE_TYPES: Final = (  # what a file of each type begins with, and what stands at its ninth byte
    (b"\x89PNG\r\n\x1a\n", b"", "image/png"),
    (b"\xff\xd8\xff", b"", "image/jpeg"),
    (b"GIF87a", b"", "image/gif"),
    (b"GIF89a", b"", "image/gif"),
    (b"RIFF", b"WEBP", "image/webp"),
)


def image_type(image: bytes) -> str | None:
    """Return the type of an image by its first bytes; None for anything but PNG, JPEG, GIF and WebP."""
    return next(
        (
            kind
            for start, at_8, kind in _IMAGE_TYPES
            if image.startswith(start) and image[8:].startswith(at_8)
        ),
        None,
    )


def summary_json(summary: ConversationSummary, *, is_answering: bool) -> JsonObject:
    """Return a line of the list of conversations."""
    return {**asdict(summary), "is_answering": is_answering}


def message_json(stored: StoredMessage, position: int) -> JsonObject:
    """Return a message; its blocks are drawn now, if they are not among those that were drawn last."""
    message = stored.message
    return {
        "position": position,
        "role": message.role,
        "text": message.content,
        "thinking": message.thinking,
        "blocks": _blocks(message.content) if message.role == "assistant" else [],
        "images": [_data_url(image) for image in message.images],
        "cut": message.cut,
        "stats": stored.stats,
        "model": stored.model,
        "error": stored.error,
        "unheard": stored.unheard,
    }


def answering_json(answer: RunningAnswer) -> JsonObject:
    """Return an answer that is being written, and the id of the last event that it shows."""
    shown = answer.shown
    return {
        "after": shown.after,
        "message": {
            "position": answer.turn.position + 1,
            "role": "assistant",
            "text": answer.text,
            "thinking": shown.thinking,
            "blocks": list(shown.blocks),
            "images": [],
            "cut": False,
            "stats": shown.stats,
            "model": answer.model,
            "error": None,
            "unheard": "",
        },
    }


def _blocks(text: str) -> list[str]:
    splitter = BlockSplitter()
    return [complete_block_html(block) for block in [*splitter.feed(text), *splitter.flush()]]


def _data_url(image: bytes) -> str:
    return f"data:{image_type(image)};base64,{b64encode(image).decode()}"
