"""Store a message in a stream, with its answer awaited."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from nats.js.errors import APIError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.until_answered import ANSWER_SECONDS

WRONG_POSITION = 10071
"""The code of the error if the last message of the subject is not the one that the sender expects."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a message is in its stream, and whether it was there already, by its id."""

    position: int
    is_duplicate: bool


async def store_message(
    connection: BusConnection, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
) -> Stored:
    """Store a message.

    Raises:
        APIError: the server refuses it.
        NoRespondersError: no stream stores the subject, or the server has just started.
        TimeoutError: there is no answer.
        ConnectionClosedError: the connection has ended for good.
    """
    reply = await connection.request(subject, payload, seconds=ANSWER_SECONDS, headers=headers)
    answer = orjson.loads(reply.data)
    error = answer.get("error")
    if error is not None:
        APIError.from_error(error)  # raises the class of its code
    return Stored(answer["seq"], answer.get("duplicate", False))
