"""The body of a request: read while it comes, and no further than is allowed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from ollama_rx.web.server_shutdown import ended_by_shutdown
from ollama_rx.web.server_transport import server_transport

PAUSE_SECONDS: Final = 30.0  # between two parts of a body


class BodyError(Exception):
    """A body cannot be taken: the status and the headers to answer with, and why in a sentence."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


async def read_body(receive: Receive, headers: Headers, most: int) -> bytes:
    """Read a whole body of at most so many bytes.

    Raises:
        BodyError: it is too large (413), does not go on (408), or the client has left (400).
    """
    if _announced_bytes(headers) > most:
        raise _too_large(most)
    pieces: list[bytes] = []
    size, is_complete = 0, False
    async with arriving(receive) as receive_in_time:
        while not is_complete:
            message = await receive_in_time()
            if message["type"] == "http.disconnect":
                raise BodyError(400, "The request is incomplete.")
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > most:
                raise _too_large(most)
            is_complete = not message.get("more_body", False)
    return b"".join(pieces)


@asynccontextmanager
async def arriving(receive: Receive) -> AsyncGenerator[Receive]:
    """Yield what receives the parts of a body, while they come; a shutdown of the server waits for none.

    Raises:
        BodyError: nothing has come for `PAUSE_SECONDS` (408).
    """
    loop = asyncio.get_running_loop()

    def end() -> None:
        with suppress(RuntimeError):  # the time is over already
            limit.reschedule(loop.time())

    async def receive_in_time() -> Message:
        message = await receive()
        limit.reschedule(loop.time() + PAUSE_SECONDS)
        return message

    try:
        async with asyncio.timeout(PAUSE_SECONDS) as limit:
            with ended_by_shutdown(server_transport(receive), end):
                yield receive_in_time
    except TimeoutError:
        raise BodyError(408, "The request has not arrived in time.", connection="close") from None


def _announced_bytes(headers: Headers) -> int:
    """Return the length that the body is said to have; a server reads no more than that."""
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 2**63  # noqa: PLR2004


def _too_large(most: int) -> BodyError:
    return BodyError(413, f"This is too much for one request; at most {most / 2**20:.3g} MB fit.")
