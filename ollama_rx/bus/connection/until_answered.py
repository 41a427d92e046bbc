"""Repeat a request to the server until it answers, through lost connections and a server that is starting."""

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
"""Seconds after which a request is repeated; the answer may have been lost with the connection."""
UNANSWERED: Final = (
    TimeoutError,
    NoRespondersError,
    NoStreamResponseError,  # right after its start the server does not have its streams yet
    ServiceUnavailableError,
    OutboundBufferLimitError,
)
"""The errors of a request that the server has not answered."""

_SILENCE = "JetStream does not answer there; nats-server needs the option -js"
_WAITS = (0.1, 0.1, 0.2, 0.5, 1.0) + 14 * (2.0,)  # seconds between two attempts: half a minute


async def until_answered(connection: BusConnection, request: Callable[[], Awaitable[T]]) -> T:
    """Repeat a request until the server answers; a server that cannot be reached is waited for.

    Raises:
        UnreachableError: the server can be reached, and does not answer for half a minute.
        StatusError: 403, the user needs a permission.
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
