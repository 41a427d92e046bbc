"""Send messages to a subject: in order, from a bounded outbox, and if they are acknowledged without loss.

One batch is in flight at a time; messages that arrive meanwhile make up the next one. So a broken connection
cannot change the order: all messages that may be unconfirmed are in one batch, which is sent again. A stream
recognises the messages that it has already stored by their ids.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from typing import Final, NamedTuple

from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.lost_cancellation import LostCancellation
from ollama_rx.bus.connection.store_message import store_message
from ollama_rx.bus.connection.until_answered import ANSWER_SECONDS
from ollama_rx.errors import SubjectError, UnreachableError
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.transport.timeouts import TimeLimit

_HEADER_ROOM: Final = 512  # bytes; the server's limit includes the headers
_BATCH_BYTES: Final = 1024 * 1024  # of several messages: nats-py buffers two batches before it has to wait
_WAIT: Final = 0.1  # seconds before a batch is repeated
_TRIES_WITHOUT_STREAM: Final = 10  # of the first message: a starting server may not have its streams yet


class Outgoing(NamedTuple):
    """One message."""

    payload: bytes
    headers: dict[str, str] | None


class SubjectOutbox:
    """Sends messages to one subject.

    Args:
        connections: the connections through which it sends.
        subject: the subject to which it sends.
        acknowledge: whether a stream has to store each message; it is repeated until it is stored. If false,
            a message is sent once, to the programs that listen at that moment.
        max_waiting: how many messages may wait or be in flight.
        max_outage: seconds for which the server may confirm nothing; None for no limit.
    """

    def __init__(
        self,
        connections: BusConnections,
        subject: str,
        *,
        acknowledge: bool,
        max_waiting: int,
        max_outage: float | None,
    ) -> None:
        self._connections = connections
        self._subject = subject
        self._send = self._store if acknowledge else self._publish
        self._max_waiting = max_waiting
        self._max_outage = max_outage
        self._messages: deque[Outgoing] = deque()
        self._filled = asyncio.Event()
        self._progress = asyncio.Event()
        self._max_payload: int | None = None
        self._may_send_many = False  # a batch was confirmed, and none has failed since
        self._why = ""  # the last refusal of the server
        self._has_stream = False  # there is a stream: it has stored a message
        self._tries_without_stream = 0
        self._sender = asyncio.get_running_loop().create_task(self._send_all(), name=TASK_NAME)
        self._sender.add_done_callback(lambda _: self._progress.set())

    async def connected(self) -> int:
        """Wait for the connection; return its max_payload, the most bytes of one message.

        Raises:
            UnreachableError: there is no server.
        """
        while self._max_payload is None:
            await self._wait_for_progress()
        return self._max_payload

    async def put(self, message: Outgoing) -> None:
        """Add a message; wait while the outbox holds ``max_waiting`` messages.

        Raises:
            SubjectError: the subject cannot be used, or the message is too large for the server.
            UnreachableError: the server has confirmed nothing for too long.
        """
        limit = await self.connected() - _HEADER_ROOM
        if len(message.payload) > limit:
            raise SubjectError(
                self._subject,
                f"a message for {self._subject!r} has {len(message.payload)} bytes; the server takes at most "
                f"{limit} (its max_payload, without headers)",
            )
        while len(self._messages) >= self._max_waiting:
            await self._wait_for_progress()
        self._raise_failure()
        self._messages.append(message)
        self._filled.set()

    async def flush(self) -> None:
        """Wait until all messages are confirmed; raises the errors of `put`."""
        while self._messages:
            await self._wait_for_progress()

    async def close(self) -> None:
        """Drop the messages that are not confirmed, and close the connection."""
        self._sender.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)  # `put` and `flush` raise its error
        await self._connections.aclose()

    async def _wait_for_progress(self) -> None:
        self._progress.clear()
        self._raise_failure()
        await self._progress.wait()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._sender.done():
            self._sender.result()

    async def _send_all(self) -> None:
        async with self._connections.lease() as connection:
            self._max_payload = connection.max_payload
            self._progress.set()
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._messages:
                    await self._send_next(connection)

    async def _send_next(self, connection: BusConnection) -> None:
        """Send waiting messages, repeatedly until the server has confirmed one batch of them."""
        try:
            async with self._outage_limit():
                await connection.connected()
                while not await self._send(connection, batch := self._next_batch()):
                    self._may_send_many = False
                    await asyncio.sleep(_WAIT)
                    await connection.connected()
        except TimeoutError as error:
            reason = (
                f"no message for {self._subject!r} was acknowledged within {self._max_outage:g} s{self._why}"
            )
            raise UnreachableError(connection.url, reason) from error
        self._may_send_many, self._why = True, ""
        for _ in batch:
            self._messages.popleft()
        self._progress.set()

    def _outage_limit(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._max_outage is None else TimeLimit(self._max_outage)

    def _next_batch(self) -> Sequence[Outgoing]:
        """Return the first message alone after a start or a failure, else as many as may be in flight.

        A server that is starting could refuse one message of a batch and store the next one.
        """
        first, size = self._messages[0], 0
        if not self._may_send_many:
            return (first,)
        batch: list[Outgoing] = []
        for message in self._messages:
            size += len(message.payload)
            if batch and size > _BATCH_BYTES:
                break
            batch.append(message)
        return batch

    async def _publish(self, connection: BusConnection, batch: Sequence[Outgoing]) -> bool:
        """Send messages to the current subscribers. They are lost if the connection breaks meanwhile."""
        with LostCancellation(), suppress(NatsError):
            for message in batch:
                await connection.nats.publish(self._subject, message.payload, headers=message.headers)
            await connection.nats.flush(timeout=int(ANSWER_SECONDS))
        self._check_permission(connection)
        return True

    async def _store(self, connection: BusConnection, batch: Sequence[Outgoing]) -> bool:
        """Send messages to the stream; return whether the stream has stored all of them."""
        loop = asyncio.get_running_loop()
        requests = [loop.create_task(self._store_one(connection, message)) for message in batch]
        forget = connection.on_reconnect(lambda: [request.cancel() for request in requests])
        try:
            answers = await asyncio.gather(*requests, return_exceptions=True)
        finally:
            forget()
        if all(list(map(self._is_stored, answers))):  # a list, so that every answer is checked
            self._has_stream = True
            return True
        self._check_permission(connection)
        if not self._has_stream:
            await self._check_stream(connection)
        return False

    async def _store_one(self, connection: BusConnection, message: Outgoing) -> None:
        """Send one message at once, before anything is awaited, and return when it is stored."""
        await store_message(connection, self._subject, message.payload, message.headers)

    def _is_stored(self, answer: BaseException | None) -> bool:
        match answer:
            case None:
                return True
            case ServiceUnavailableError():  # the stream is full, or a cluster is electing its leader
                self._why = f": {answer.description}"
            case APIError():
                reason = f"the stream refuses a message for {self._subject!r}: {answer.description}"
                raise SubjectError(self._subject, reason) from answer
            case _:
                pass  # the connection was lost, or the server is starting
        return False

    async def _check_stream(self, connection: BusConnection) -> None:
        """Raise an error if no stream stores the subject; a program that listens can have hidden that."""
        self._tries_without_stream += 1
        cause: NatsError | None = None
        try:
            with LostCancellation():
                await connection.jetstream.find_stream_name_by_subject(self._subject)
        except NotFoundError as error:
            cause = error
        except NatsError as error:  # the server is starting, or has no JetStream
            cause = error if self._tries_without_stream > _TRIES_WITHOUT_STREAM else None
        if cause is not None:
            raise SubjectError(
                self._subject,
                f"no stream of the server stores {self._subject!r}: make one, as in `nats stream add events "
                f"--subjects '{self._subject}' --defaults`, or send without it: acknowledge=False, "
                f"--to 'nats:{self._subject}?acknowledge=no'",
            ) from cause

    def _check_permission(self, connection: BusConnection) -> None:
        if connection.denies(self._subject):
            raise SubjectError(self._subject, f"this user may not publish to {self._subject!r}")
