"""The payloads of items that are sent to a subject."""

import orjson


def encode_item(item: object) -> bytes:
    """Return the payload for an item: text as UTF-8, bytes as they are, anything else as JSON.

    A chunk becomes the JSON object that Ollama sent.

    >>> encode_item("Hi"), encode_item(b"Hi"), encode_item({"text": "Hi"})
    (b'Hi', b'Hi', b'{"text":"Hi"}')
    """
    if isinstance(item, str):
        return item.encode("utf-8", "replace")
    if isinstance(item, bytes | bytearray):
        return bytes(item)
    return orjson.dumps(getattr(item, "raw", item))
