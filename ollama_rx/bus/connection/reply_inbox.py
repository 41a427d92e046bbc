"""Requests whose replies all arrive on one subscription.

nats-py's own `request` needs twice the processor time: for each request it creates a random subject, a copy
of the reply's future and a lock. A worker sends a request for each token of each stream.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.errors import ConnectionClosedError, NoRespondersError

_NO_RESPONDERS = "503"


class ReplyInbox:
    """Sends requests on one connection, and waits for their replies.

    It is passed to nats-py as the ``future`` of the subscription: nats-py calls `set_result` at once for each
    message. A callback would cost one more task switch per message.
    """

    def __init__(self, nats: NatsClient) -> None:
        self._nats = nats
        self._prefix = f"{nats.new_inbox()}."
        self._waiting: dict[str, asyncio.Future[Msg]] = {}  # by the subject of the reply
        self._sent = 0

    async def open(self) -> None:
        """Subscribe; nats-py subscribes again after each reconnect."""
        await self._nats.subscribe(  # pyright: ignore[reportUnknownMemberType]
            f"{self._prefix}*", future=cast("asyncio.Future[Any]", self)
        )

    async def request(
        self, subject: str, payload: bytes, *, seconds: float, headers: Mapping[str, str] | None = None
    ) -> Msg:
        """Send a request and return the reply.

        Raises:
            NoRespondersError: the subject has no subscriber.
            TimeoutError: no reply has arrived within ``seconds``.
            ConnectionClosedError: the connection has ended for good.
        """
        loop = asyncio.get_running_loop()
        self._sent += 1
        inbox = f"{self._prefix}{self._sent:x}"
        reply: asyncio.Future[Msg] = loop.create_future()
        self._waiting[inbox] = reply
        limit = loop.call_later(seconds, _fail, reply, TimeoutError(f"no reply from {subject}"))
        try:
            await self._nats.publish(subject, payload, reply=inbox, headers=cast("dict[str, str]", headers))
            message = await reply
        finally:
            limit.cancel()
            self._waiting.pop(inbox, None)
        if not message.data and (message.headers or {}).get("Status") == _NO_RESPONDERS:
            raise NoRespondersError
        return message

    def close(self) -> None:
        """End all requests with an error."""
        for reply in self._waiting.values():
            _fail(reply, ConnectionClosedError())

    # called by nats-py

    def cancelled(self) -> bool:
        """Return False, so that nats-py passes on all messages."""
        return False

    def set_result(self, message: Msg) -> None:
        """Pass a reply to its request, which may have ended already."""
        reply = self._waiting.get(message.subject)
        if reply is not None and not reply.done():
            reply.set_result(message)


def _fail(reply: asyncio.Future[Msg], error: Exception) -> None:
    if not reply.done():
        reply.set_exception(error)
