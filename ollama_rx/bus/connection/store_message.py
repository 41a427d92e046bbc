"""Store a message in a stream and wait for the server's acknowledgement."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from nats.js.errors import APIError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.until_answered import ANSWER_SECONDS

WRONG_POSITION = 10071
"""The error code if the last message of the subject is not at the position that the sender expects."""


@dataclass(frozen=True, slots=True)
class Stored:
    """The position of a message in its stream, and whether a message with its id was stored before."""

    position: int
    is_duplicate: bool


async def store_message(
    connection: BusConnection, subject: str, payload: bytes, headers: Mapping[str, str] | None = None
) -> Stored:
    """Store a message.

    Raises:
        APIError: the server refuses the message.
        NoRespondersError: no stream stores the subject, or the server has just started.
        TimeoutError: the server does not answer.
        ConnectionClosedError: the connection has ended for good.
    """
    reply = await connection.request(subject, payload, seconds=ANSWER_SECONDS, headers=headers)
    answer = orjson.loads(reply.data)
    error = answer.get("error")
    if error is not None:
        APIError.from_error(error)  # raises the error class for its code
    return Stored(answer["seq"], answer.get("duplicate", False))
