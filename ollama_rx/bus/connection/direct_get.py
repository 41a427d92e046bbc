"""Read stored messages with one request, without a consumer.

Source: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.js.errors import APIError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.subscribed import subscribed
from ollama_rx.bus.connection.until_answered import ANSWER_SECONDS

_DIRECT_GET = "$JS.API.DIRECT.GET"
_MOST_MESSAGES = 1000  # in the answer to one request
_MOST_BYTES = 4 * 1024**2  # the same limit in bytes; a single message may exceed it


@dataclass(frozen=True, slots=True)
class StreamMessage:
    """A message of a stream; ``position`` is its sequence number."""

    subject: str
    position: int
    headers: Mapping[str, str]
    data: bytes


async def last_message(connection: BusConnection, stream: str, subject: str) -> StreamMessage | None:
    """Return the last message of a subject in a stream, or None if there is none.

    Raises:
        NoRespondersError: there is no such stream, or the server has just started.
        TimeoutError: the server does not answer, perhaps because the connection was lost.
        APIError: the server refuses the request.
    """
    reply = await connection.request(f"{_DIRECT_GET}.{stream}.{subject}", b"", seconds=ANSWER_SECONDS)
    headers = reply.headers or {}
    if "Status" in headers:
        _next_position(headers)  # raises an error unless the status says "no message"
        return None
    return _message_of(reply, headers)


async def stored_messages(connection: BusConnection, stream: str, subject: str) -> list[StreamMessage]:
    """Return all messages of a subject in a stream, in stream order; the subject may have wildcards.

    For a key-value bucket without history these are its entries. An entry that is written during the read is
    returned once, or twice with the newer version last.

    Raises:
        NoRespondersError: there is no such stream, or the server has just started.
        TimeoutError: the server does not answer, perhaps because the connection was lost.
        APIError: the server refuses the request.
    """
    found: list[StreamMessage] = []
    begin: int | None = 1
    while begin is not None:
        begin = await _read_batch(connection, stream, subject, begin, found)
    return found


async def _read_batch(
    connection: BusConnection, stream: str, subject: str, begin: int, found: list[StreamMessage]
) -> int | None:
    """Append one batch of messages from ``begin`` on to ``found``; return the next position, or None."""
    request = {"seq": begin, "next_by_subj": subject, "batch": _MOST_MESSAGES, "max_bytes": _MOST_BYTES}
    ended: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
    clock = ended.get_loop().time

    def receive(reply: Msg) -> None:
        headers = reply.headers or {}
        if ended.done() or limit.expired():
            return
        if "Status" in headers:
            ended.set_result(headers)
            return
        found.append(_message_of(reply, headers))
        limit.reschedule(clock() + ANSWER_SECONDS)  # the limit applies to silence, not to the whole answer

    inbox = connection.nats.new_inbox()
    async with asyncio.timeout(ANSWER_SECONDS) as limit, subscribed(connection, inbox, receive):
        await connection.nats.publish(f"{_DIRECT_GET}.{stream}", orjson.dumps(request), reply=inbox)
        return _next_position(await ended)


def _message_of(reply: Msg, headers: Mapping[str, str]) -> StreamMessage:
    return StreamMessage(headers["Nats-Subject"], int(headers["Nats-Sequence"]), headers, reply.data)


def _next_position(status: Mapping[str, str]) -> int | None:
    match status["Status"]:
        case "204":  # the end of a batch
            return int(status["Nats-Last-Sequence"]) + 1 if int(status["Nats-Num-Pending"]) else None
        case "404":  # no messages
            return None
        case "503":  # no stream
            raise NoRespondersError
        case refused:
            raise APIError(code=int(refused), description=status.get("Description"))
