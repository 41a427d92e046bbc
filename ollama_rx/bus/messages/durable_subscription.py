"""A subscription to a stream that remembers which messages were acknowledged, also while nobody subscribes.

The server sends no more messages than were requested, so a slow subscriber is never flooded. A subscriber
holds a message until it acknowledges it or gives it back. Meanwhile it keeps reporting it as in progress;
otherwise the server would deliver the message to another subscriber.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, Self, cast

import orjson
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo
from nats.js.errors import NotFoundError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.lost_cancellation import LostCancellation
from ollama_rx.bus.connection.until_answered import until_answered
from ollama_rx.bus.messages.subject_message import ACKNOWLEDGED, SubjectMessage
from ollama_rx.bus.messages.subject_subscription import SubjectSubscription
from ollama_rx.errors import SubjectError

ACK_WAIT: Final = 30.0
"""Seconds after which a message that is not reported as in progress goes to another subscriber."""

_MAX_HELD = 10_000  # messages that all subscribers with the same name hold together
_EXPIRES = 30.0  # seconds after which the server drops a request
_HEARTBEAT = 5.0  # seconds
_SILENCE = 2.5 * _HEARTBEAT  # seconds after which a new request is sent
_RETRY = 0.2  # seconds
_CLOSING_SECONDS = 1.0  # for which a subscription that ends waits for the server
_REMEMBERED = 1024  # positions of acknowledged messages
_HELD = b"+WPI"
_GIVEN_BACK = b"-NAK"
_NANOSECONDS = 1_000_000_000


class DurableSubscription(SubjectSubscription):
    """Receives the stored messages of a subject, starting with the first one that was not acknowledged.

    Args:
        connection: the connection through which it receives.
        subject: a subject, or several with wildcards.
        durable: the name under which the stream remembers what was acknowledged; subscribers with the same
            name share the messages.
        max_held: how many messages may be held at once.
    """

    def __init__(self, connection: BusConnection, subject: str, *, durable: str, max_held: int) -> None:
        super().__init__(connection, subject, queue="", max_waiting=max_held)
        self._durable = durable
        self._max_held = max_held
        self._held: dict[int, str] = {}  # by position: the reply subject for the verdict
        # Positions. If a callback has blocked for too long, an acknowledged message is delivered once more.
        self._acknowledged: deque[int] = deque(maxlen=_REMEMBERED)
        self._asked = 0  # messages that the server may still send for the requests
        self._heard = self._told = self._loop.time()
        self._is_in_doubt = False  # the server has refused a request

    async def __aenter__(self) -> Self:
        self._stream = await until_answered(self._connection, self._find_stream)
        config = (await until_answered(self._connection, self._find_consumer)).config
        if config.filter_subject != self._subject or config.deliver_subject is not None:
            raise SubjectError(
                self._subject,
                f"the consumer {self._durable!r} of the stream {self._stream!r} is not for "
                f"{self._subject!r}; use another name for `durable`",
            )
        self._keep_alive = (config.ack_wait or ACK_WAIT) / 3
        nats = self._connection.nats
        self._inbox = nats.new_inbox()
        self._subscription = await nats.subscribe(self._inbox, future=cast("asyncio.Future[Any]", self))
        self._stop_listening = self._connection.on_reconnect(self._ask_anew)
        self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_listening()
        await super().__aexit__()

    def settle(self, position: int, verdict: bytes, /) -> None:
        """Send the verdict on a message to the stream; from any thread."""
        self._call(partial(self._settle, position, verdict))

    def set_result(self, message: Msg) -> None:
        """Receive a message, or a status that the server sends instead."""
        self._heard = self._loop.time()
        headers = message.headers or {}
        status = headers.get("Status")
        if message.subject != self._inbox:  # a message of the stream, whatever its headers say
            self._take(message, headers)
        elif status != "100":  # which is the heartbeat
            self._asked = 0
            self._is_in_doubt = status not in {"404", "408"}  # 404, 408: nothing to send
        self._work.set()

    def _take(self, message: Msg, headers: Mapping[str, str]) -> None:
        details = message.metadata
        position = details.sequence.stream
        if details.num_delivered > 1 and position in self._acknowledged:
            self._asked -= 1
            self._add_outgoing(message.reply, ACKNOWLEDGED)
            return
        is_new = position not in self._held  # else it was redelivered after a lost connection
        self._held[position] = message.reply
        self._asked -= 1
        if is_new:
            self._add_arrived(
                SubjectMessage(
                    message.subject,
                    message.data,
                    headers,
                    attempt=details.num_delivered,
                    position=position,
                    _origin=self,
                )
            )

    def _settle(self, position: int, verdict: bytes) -> None:
        reply = self._held.pop(position, None)
        if reply is not None:
            if verdict == ACKNOWLEDGED:
                self._acknowledged.append(position)
            self._add_outgoing(reply, verdict)

    def _ask_anew(self) -> None:
        self._asked = 0
        self._work.set()

    async def _stop_receiving(self) -> None:
        """Unsubscribe, and still receive the messages on their way, so that they can be given back."""
        if self._connection.is_connected:
            with LostCancellation():
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await self._subscription.drain()  # type: ignore[no-untyped-call]

    def _give_back(self) -> None:
        for position in tuple(self._held):
            self._settle(position, _GIVEN_BACK)

    async def _turn(self) -> None:
        now = self._loop.time()
        if self._is_in_doubt:
            await self._check_consumer()
        if now - self._heard > _SILENCE:
            self._asked = 0
        room = self._max_held - len(self._held)
        if self._asked <= 0 < room:
            self._asked, self._heard = room, now
            await self._ask(room)
        if now - self._told > self._keep_alive:
            self._told = now
            for reply in tuple(self._held.values()):
                await self._connection.nats.publish(reply, _HELD)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(
                _RETRY if self._is_in_doubt else min(self._keep_alive / 2, _HEARTBEAT)
            ):
                await self._work.wait()

    async def _ask(self, count: int) -> None:
        request = {
            "batch": count,
            "expires": int(_EXPIRES * _NANOSECONDS),
            "idle_heartbeat": int(_HEARTBEAT * _NANOSECONDS),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}"
        await self._connection.nats.publish(subject, orjson.dumps(request), reply=self._inbox)

    async def _check_consumer(self) -> None:
        """Find out why the server refused a request: it is starting, or the consumer is gone."""
        try:
            with LostCancellation():
                await self._connection.jetstream.consumer_info(self._stream, self._durable)
        except NotFoundError as error:
            raise SubjectError(
                self._subject, f"the consumer {self._durable!r} of the stream {self._stream!r} was deleted"
            ) from error
        self._is_in_doubt = False

    async def _find_stream(self) -> str:
        try:
            return await self._connection.jetstream.find_stream_name_by_subject(self._subject)
        except NotFoundError as error:
            raise SubjectError(
                self._subject,
                f"no stream of the server stores {self._subject!r}: make one, as in `nats stream add prompts "
                f"--subjects '{self._subject}' --defaults`, or receive without it: durable=None",
            ) from error

    async def _find_consumer(self) -> ConsumerInfo:
        jetstream = self._connection.jetstream
        found: ConsumerInfo
        try:
            found = await jetstream.consumer_info(self._stream, self._durable)
        except NotFoundError:
            config = ConsumerConfig(
                name=self._durable,
                durable_name=self._durable,
                filter_subject=self._subject,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=ACK_WAIT,
                max_ack_pending=_MAX_HELD,
            )
            found = await jetstream.add_consumer(self._stream, config)
        return found
