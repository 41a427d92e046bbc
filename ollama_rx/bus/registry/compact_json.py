"""JSON in a message, compressed if it is long.

The first byte tells whether it is compressed: the output of zlib begins with "x", JSON never does.
"""

import json
import zlib
from typing import Final

import orjson

from ollama_rx.protocol.json_fields import JsonObject, object_of

MOST_BYTES: Final = 64 * 1024**2
"""The longest text that is decompressed, because a small message could expand to any length."""

_SHORT = 8 * 1024  # bytes; up to this length the tools of NATS show readable text
_ZLIB = b"x"


def pack(text: bytes) -> bytes:
    """Return JSON text, compressed if it is long."""
    return text if len(text) <= _SHORT else zlib.compress(text)


def unpack(packed: bytes) -> bytes:
    """Return the JSON text that `pack` was given.

    Raises:
        ValueError: the data is damaged, or its text is too long.
    """
    if not packed.startswith(_ZLIB):
        return packed
    decompressor = zlib.decompressobj()
    try:
        text = decompressor.decompress(packed, MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decompressor.eof:
        raise ValueError("compressed data that is cut off, or longer than allowed")
    return text


def pack_object(fields: JsonObject) -> bytes:
    """Return an object as JSON, compressed if it is long."""
    try:
        return pack(orjson.dumps(fields))
    except TypeError:  # a host may send an integer of more than 64 bits
        return pack(json.dumps(fields).encode())


def unpack_object(packed: bytes) -> JsonObject:
    """Return the object that `pack_object` was given.

    Raises:
        ValueError: the data is damaged, too long, or not a JSON object.
    """
    found: object = orjson.loads(unpack(packed))
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the same error as for invalid JSON
    return object_of(found)  # pyright: ignore[reportUnknownArgumentType]
