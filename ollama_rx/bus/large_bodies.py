"""Requests that are too large for a message: their bodies are kept in an object store.

The name of an object is the id of its run. It is read without a consumer: the one with which nats-py reads an
object can stay silent for ever after the server was restarted.
Source: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
"""

from contextlib import suppress
from typing import Final

from nats.js.errors import APIError, NotFoundError
from nats.js.object_store import ObjectStore

from ollama_rx.bus.bus_connection import BusConnection
from ollama_rx.bus.direct_get import stored_messages
from ollama_rx.bus.subjects import Subjects
from ollama_rx.bus.until_answered import until_answered
from ollama_rx.errors import StatusError

MOST_BODY_BYTES: Final = 64 * 1024**2
"""The largest body that is taken: a dozen photographs as a phone takes them."""

_NO_ROOM = (10047, 10077)  # the server's storage is full; this store has reached its size


async def put_body(connection: BusConnection, subjects: Subjects, run: str, body: bytes) -> None:
    """Store the body of a run.

    Raises:
        StatusError: 413, it is too large; 503, there is no room for it now.
        UnreachableError: the server does not answer for half a minute.
    """
    if len(body) > MOST_BODY_BYTES:
        raise StatusError.of(
            413, f"the request has {len(body)} bytes; over the bus it can have {MOST_BODY_BYTES} at most"
        )

    async def put() -> None:
        try:
            await (await _store(connection, subjects)).put(run, body)
        except NotFoundError as error:
            reason = (
                f"the request has {len(body)} bytes, and there is no object store {subjects.large_bucket}"
            )
            raise StatusError.of(413, reason) from error
        except APIError as error:
            if error.err_code not in _NO_ROOM:
                raise
            reason = f"no room for a request of {len(body)} bytes: {error.description}"
            raise StatusError.of(503, reason) from error

    await until_answered(connection, put)


async def get_body(connection: BusConnection, subjects: Subjects, run: str) -> bytes:
    """Return the body of a run.

    Raises:
        StatusError: 410, it is not there any longer.
        UnreachableError: the server does not answer for half a minute.
    """
    bucket = subjects.large_bucket

    async def get() -> bytes:
        info = await (await _store(connection, subjects)).get_info(run)
        pieces = await stored_messages(connection, f"OBJ_{bucket}", f"$O.{bucket}.C.{info.nuid}")
        body = b"".join(piece.data for piece in pieces)
        if len(body) != info.size:  # some of it has just expired
            raise NotFoundError
        return body

    try:
        return await until_answered(connection, get)
    except NotFoundError as error:
        raise StatusError.of(410, "the body of the request is no longer in the object store") from error


async def delete_body(connection: BusConnection, subjects: Subjects, run: str) -> None:
    """Delete the body of a run, if it is there.

    Raises:
        UnreachableError: the server does not answer for half a minute.
    """

    async def delete() -> None:
        with suppress(NotFoundError):
            await (await _store(connection, subjects)).delete(run)

    await until_answered(connection, delete)


async def _store(connection: BusConnection, subjects: Subjects) -> ObjectStore:
    return await connection.jetstream.object_store(subjects.large_bucket)
