"""Requests that are too large for a message: their bodies are kept in an object store.

nats-py's own object store is not used: its pieces can exceed the maximum size of a message, an abandoned
upload leaves them behind, and the consumer that reads them can stay silent for ever after the server was
restarted.
Source: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
"""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import orjson
from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.direct_get import stored_messages
from ollama_rx.bus.connection.until_answered import ANSWER_SECONDS, until_answered
from ollama_rx.bus.subjects import Subjects
from ollama_rx.errors import StatusError
from ollama_rx.protocol.json_fields import number_of

MOST_BODY_BYTES: Final = 64 * 1024**2
"""The maximum size of a body: about a dozen photographs taken with a phone."""

_PIECE = 512 * 1024  # bytes
_MOST_HEADER_BYTES = 1024
_FAREWELL = 1.0  # seconds for deleting pieces that are no longer needed
_NO_ROOM = (10047, 10077)  # the server's storage is full; this store has reached its size
_REPLACING = {"Nats-Rollup": "sub"}  # deletes all earlier messages of the subject


async def put_body(connection: BusConnection, subjects: Subjects, name: str, body: bytes) -> None:
    """Store a body under a name that is used only once; if this fails or is cancelled, delete its pieces.

    Raises:
        StatusError: 413, the body is too large; 503, there is no room for it now.
        UnreachableError: the server does not answer for half a minute.
    """
    if len(body) > MOST_BODY_BYTES:
        raise StatusError.of(
            413, f"the request has {len(body)} bytes; over the bus it can have {MOST_BODY_BYTES} at most"
        )
    store = _ObjectStore(connection, subjects.large_bucket)
    try:
        await until_answered(connection, lambda: store.put(name, body))
    except NotFoundError as error:
        reason = f"the request has {len(body)} bytes, and there is no object store {subjects.large_bucket}"
        raise StatusError.of(413, reason) from error


async def get_body(connection: BusConnection, subjects: Subjects, name: str) -> bytes:
    """Return a body.

    Raises:
        StatusError: 410, the body is no longer in the object store.
        UnreachableError: the server does not answer for half a minute.
    """
    store = _ObjectStore(connection, subjects.large_bucket)
    body = await until_answered(connection, lambda: store.get(name))
    if body is None:
        raise StatusError.of(410, "the body of the request is no longer in the object store")
    return body


async def delete_body(connection: BusConnection, subjects: Subjects, name: str) -> None:
    """Delete a body if it exists.

    Raises:
        UnreachableError: the server does not answer for half a minute.
    """
    store = _ObjectStore(connection, subjects.large_bucket)
    with suppress(NotFoundError):
        await until_answered(connection, lambda: store.delete(name))


class _ObjectStore:
    """Stores objects: the pieces of each under one subject, and its metadata under another."""

    def __init__(self, connection: BusConnection, bucket: str) -> None:
        self._connection = connection
        self._bucket = bucket
        self._stream = f"OBJ_{bucket}"
        self._purge = f"$JS.API.STREAM.PURGE.{self._stream}"

    async def put(self, name: str, body: bytes) -> None:
        await self.delete(name)
        try:
            await self._store_pieces(name, body)
        except BaseException:
            with suppress(NatsError, TimeoutError):  # if this fails, the pieces expire after a day
                async with asyncio.timeout(_FAREWELL):
                    await self._delete_pieces(name)
            raise

    async def _delete_pieces(self, name: str) -> None:
        """Delete all pieces, even those on their way: an empty piece is stored last, then all are purged."""
        with suppress(StatusError):  # there is no room even for an empty piece
            await self._request(self._pieces_of(name), b"")
        await self._request(self._purge, self._filter(self._pieces_of(name)))

    async def _store_pieces(self, name: str, body: bytes) -> None:
        size = min(_PIECE, self._connection.max_payload - _MOST_HEADER_BYTES)
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        for piece in pieces:
            await self._request(self._pieces_of(name), piece)
        info = {
            "name": name,
            "bucket": self._bucket,
            "nuid": name,
            "size": len(body),
            "chunks": len(pieces),
            "mtime": datetime.now(UTC).isoformat(),
            "digest": f"SHA-256={urlsafe_b64encode(sha256(body).digest()).decode()}",
            "options": {"max_chunk_size": size},
        }
        await self._request(self._info_of(name), orjson.dumps(info), _REPLACING)

    async def get(self, name: str) -> bytes | None:
        """Return an object, or None if it is missing or incomplete."""
        infos = await stored_messages(self._connection, self._stream, self._info_of(name))
        pieces = await stored_messages(self._connection, self._stream, self._pieces_of(name))
        body = b"".join(piece.data for piece in pieces)
        is_whole = bool(infos) and len(body) == number_of(orjson.loads(infos[-1].data).get("size"))
        return body if is_whole else None

    async def delete(self, name: str) -> None:
        for subject in (self._info_of(name), self._pieces_of(name)):
            await self._request(self._purge, self._filter(subject))

    def _info_of(self, name: str) -> str:
        return f"$O.{self._bucket}.M.{urlsafe_b64encode(name.encode()).decode()}"

    def _pieces_of(self, name: str) -> str:
        return f"$O.{self._bucket}.C.{name}"

    def _filter(self, subject: str) -> bytes:
        return orjson.dumps({"filter": subject})

    async def _request(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Store a message, or send an API request that is answered in the same way."""
        reply = await self._connection.request(subject, payload, seconds=ANSWER_SECONDS, headers=headers)
        error = orjson.loads(reply.data).get("error")
        if error is not None:
            if error.get("err_code") in _NO_ROOM:
                raise StatusError.of(
                    503, f"no room for a large request on the bus: {error.get('description')}"
                )
            APIError.from_error(error)  # raises the error class for its code
