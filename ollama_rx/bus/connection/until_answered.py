"""Repeat a request until the server answers, even if connections are lost or the server is starting."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from nats.errors import ConnectionClosedError, NoRespondersError, OutboundBufferLimitError
from nats.js.errors import NoStreamResponseError, ServiceUnavailableError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.lost_cancellation import LostCancellation
from ollama_rx.errors import StatusError, UnreachableError

T = TypeVar("T")

ANSWER_SECONDS: Final = 2.0
"""Seconds without an answer after which a request is repeated; a lost connection may have lost the answer."""
UNANSWERED: Final = (
    TimeoutError,
    NoRespondersError,
    NoStreamResponseError,  # right after its start the server has not loaded its streams
    ServiceUnavailableError,
    OutboundBufferLimitError,
)
"""The errors of a request that the server has not answered."""

_SILENCE = "JetStream does not answer there; nats-server needs the option -js"
_WAITS = (0.1, 0.1, 0.2, 0.5, 1.0) + 14 * (2.0,)  # seconds between two attempts: half a minute


async def until_answered(connection: BusConnection, request: Callable[[], Awaitable[T]]) -> T:
    """Repeat a request until the server answers; while the server cannot be reached, wait for it.

    Raises:
        UnreachableError: the server can be reached, but does not answer for half a minute; or the
            connection was closed for good.
        StatusError: 403, the user lacks a permission.
    """
    clock = asyncio.get_running_loop().time
    problem = _SILENCE
    for wait in _WAITS:
        await connection.connected()
        begin = clock()
        try:
            with LostCancellation():
                return await request()
        except ConnectionClosedError as error:
            raise UnreachableError(connection.url, "the connection was closed") from error
        except UNANSWERED as error:
            refusal = connection.refusal_since(begin)
            if refusal is not None:
                raise StatusError.of(403, refusal) from error
            problem = getattr(error, "description", None) or _SILENCE
            await asyncio.sleep(wait)
    raise UnreachableError(connection.url, problem)
