"""A subscription to a subject, with a queue of received messages and a queue of messages to send.

A task does all the sending, so messages can be acknowledged from any thread, and while the server cannot be
reached.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Self, cast

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.lost_cancellation import LostCancellation
from ollama_rx.bus.messages.subject_message import SubjectMessage
from ollama_rx.errors import SubjectError
from ollama_rx.rx.internal_loop import TASK_NAME

_FLUSH_SECONDS = 5
_log = logging.getLogger("ollama_rx.bus")


class SubjectSubscription:
    """Receives the messages that are sent to a subject while it is subscribed.

    It is passed to nats-py as the future of a single message, because nats-py calls a future's ``set_result``
    at once, for each message; a callback would cost a task, and a task switch for each message.

    Args:
        connection: the connection through which it receives.
        subject: a subject, or several with wildcards.
        queue: the queue group whose members share the messages; if empty, this subscription gets all of them.
        max_waiting: how many messages may wait; more are dropped.
    """

    def __init__(self, connection: BusConnection, subject: str, *, queue: str, max_waiting: int) -> None:
        self._connection = connection
        self._subject = subject
        self._queue = queue
        self._max_waiting = max_waiting
        self._is_dropping = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._has_ended = False
        self._arrived: deque[SubjectMessage] = deque()
        self._outgoing: deque[tuple[str, bytes]] = deque()
        self._news = asyncio.Event()  # for `next`
        self._work = asyncio.Event()  # for the task

    async def __aenter__(self) -> Self:
        nats = self._connection.nats
        self._subscription = await nats.subscribe(
            self._subject, queue=self._queue, future=cast("asyncio.Future[Any]", self)
        )
        with LostCancellation(), suppress(NatsError):
            await nats.flush(_FLUSH_SECONDS)  # a refusal may still arrive after this
        self._start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._has_ended = True
        self._forget_problems()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)  # `next` raises its error
        with suppress(NatsError, TimeoutError):  # the connection may have ended
            await self._stop_receiving()
        self._give_back()
        with suppress(NatsError):
            await self._send_outgoing()

    async def next(self) -> SubjectMessage:
        """Wait for a message.

        Raises:
            UnreachableError: the connection has ended for good.
            SubjectError: the subject can no longer be received.
        """
        while not self._arrived:
            self._news.clear()
            if self._task.done():
                self._task.result()
            await self._news.wait()
        self._is_dropping = False
        return self._arrived.popleft()

    def settle(self, position: int, verdict: bytes, /) -> None:
        """Do nothing: without a stream, a message needs no acknowledgement."""

    def send(self, subject: str, payload: bytes, /) -> None:
        """Send a message; from any thread."""
        self._call(partial(self._add_outgoing, subject, payload))

    # what nats-py calls

    def cancelled(self) -> bool:
        """Return False: all messages are wanted."""
        return False

    def set_result(self, message: Msg) -> None:
        """Receive a message."""
        if len(self._arrived) < self._max_waiting:
            self._add_arrived(
                SubjectMessage(
                    message.subject, message.data, message.headers or {}, reply=message.reply, _origin=self
                )
            )
        elif not self._is_dropping:
            self._is_dropping = True
            _log.warning("messages to %s are lost: %d wait already", self._subject, self._max_waiting)

    def _start(self) -> None:
        self._connection.lost.add_done_callback(lambda _: self._work.set())
        self._forget_problems = self._connection.on_problem(self._work.set)
        self._task = self._loop.create_task(self._work_on(), name=TASK_NAME)
        self._task.add_done_callback(lambda _: self._news.set())

    def _call(self, action: Callable[[], object]) -> None:
        if self._has_ended:
            raise RuntimeError(
                f"the subscription to {self._subject!r} has ended; what was not acknowledged by then has "
                "gone back to its stream"
            )
        if threading.get_ident() == self._thread:
            action()
        else:
            self._loop.call_soon_threadsafe(action)

    def _add_outgoing(self, subject: str, payload: bytes) -> None:
        self._outgoing.append((subject, payload))
        self._work.set()

    def _add_arrived(self, message: SubjectMessage) -> None:
        self._arrived.append(message)
        self._news.set()

    async def _stop_receiving(self) -> None:
        await self._subscription.unsubscribe()

    def _give_back(self) -> None:
        """Give back the messages that were not settled; here there are none."""

    async def _work_on(self) -> None:
        while True:
            self._work.clear()
            await self._connection.connected()
            with suppress(NatsError):  # the connection was lost; the next round waits for it
                await self._send_outgoing()
                await self._turn()
            await self._wait()

    async def _turn(self) -> None:
        """Do the rest of one round of work: here, fail if the server has refused the subscription."""
        if self._connection.denies(self._subject):
            raise SubjectError(self._subject, f"this user may not subscribe to {self._subject!r}")

    async def _wait(self) -> None:
        """Wait until there is something to do."""
        await self._work.wait()

    async def _send_outgoing(self) -> None:
        while self._outgoing:
            subject, payload = self._outgoing[0]
            await self._connection.nats.publish(subject, payload)
            self._outgoing.popleft()
