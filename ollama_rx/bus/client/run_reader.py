"""Read a run log as it grows: each event once, in order, and no more at a time than the reader can take.

nats-py's ordered consumer stays silent after some restarts of the server, so a reader manages a consumer
itself. It replaces the consumer by a new one, which begins after the last event, whenever an event may have
been missed: after a lost connection, after a gap, when the server has removed the consumer, and when no
message has arrived for a while.
Source: https://github.com/nats-io/nats.py/issues/504
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex
from typing import Any, Final, Self, cast

import orjson
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.until_answered import ANSWER_SECONDS, until_answered
from ollama_rx.bus.runs.run_event import RunEvent, places_in
from ollama_rx.bus.subjects import Subjects
from ollama_rx.errors import IncompleteStreamError, UnreachableError
from ollama_rx.rx.internal_loop import TASK_NAME

_BATCH: Final = 256  # events that the server may send for one request
_BATCH_BYTES: Final = 1024 * 1024  # the same in bytes; more if a single message may be longer
_SECOND: Final = 1_000_000_000  # the server counts in nanoseconds
_EXPIRES: Final = 30  # seconds after which a request for events expires
_HEARTBEAT: Final = 1  # seconds without an event after which the server sends an idle heartbeat
_SILENCE: Final = 3.0  # seconds without any message after which the consumer is replaced
# Seconds after which the server removes an unused consumer. This covers a client that has died, and one that
# has left while the consumer was being created: the server may handle the deletion before the creation.
_KEPT_UNUSED: Final = 5
_WAIT: Final = 0.1  # seconds between two replacements

# Statuses with which the server answers a request for events.
# Source: https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-13.md
_IDLE: Final = "100"
_EXPIRED: Final = frozenset({"404", "408"})
_DOES_NOT_FIT: Final = "Message Size Exceeds MaxBytes"  # the next event; it starts the next batch


class RunReader:
    """Calls ``receive`` for each event of a run log, from its beginning on; an asynchronous context manager.

    ``receive`` runs inside nats-py's read loop, without a task in between, and must not raise. ``fail`` is
    called if the log cannot be read any more.
    """

    def __init__(
        self,
        connection: BusConnection,
        subjects: Subjects,
        run: str,
        *,
        receive: Callable[[RunEvent], object],
        fail: Callable[[Exception], object],
    ) -> None:
        self._connection = connection
        self._stream = subjects.events_stream
        self._subject = subjects.events(run)
        self._receive = receive
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._batch = {
            "batch": _BATCH,
            "max_bytes": max(_BATCH_BYTES, 2 * connection.max_payload),
            "expires": _EXPIRES * _SECOND,
            "idle_heartbeat": _HEARTBEAT * _SECOND,
        }
        self._position = 0  # of the last event
        self._consumer: _Consumer | None = None
        self._is_stale = True  # the consumer has to be replaced
        self._is_paused = False
        self._has_work = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._forget_reconnect = self._connection.on_reconnect(self._replace)
        self._connection.lost.add_done_callback(self._lost)
        self._last_sign = self._loop.time()
        self._timer = self._loop.call_later(_SILENCE, self._look)
        self._task = self._loop.create_task(self._serve(), name=TASK_NAME)
        self._has_work.set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._timer.cancel()
        self._connection.lost.remove_done_callback(self._lost)
        self._forget_reconnect()
        self._task.cancel()
        await self._leave_consumer()  # this does not wait, so it also works while the event loop ends
        await asyncio.wait({self._task})

    def pause(self) -> None:
        """Request no more events until `resume`; events already requested still arrive."""
        self._is_paused = True

    def resume(self) -> None:
        """Request events again."""
        if self._is_paused:
            self._is_paused = False
            self._last_sign = self._loop.time()
            self._has_work.set()

    # the task: everything that has to be awaited

    async def _serve(self) -> None:
        try:
            while True:
                await self._has_work.wait()
                self._has_work.clear()
                if self._is_stale:
                    await self._make_consumer()
                if self._consumer is not None and not self._consumer.due and not self._is_paused:
                    await self._ask_for_more(self._consumer)
        except (NatsError, UnreachableError, IncompleteStreamError) as error:
            self._fail(error)

    async def _make_consumer(self) -> None:
        await self._leave_consumer()
        self._is_stale = False
        nats = self._connection.nats
        consumer = _Consumer(token_hex(8), nats.new_inbox(), self._take)
        consumer.subscription = await nats.subscribe(
            consumer.inbox, future=cast("asyncio.Future[Any]", consumer)
        )
        self._consumer = consumer  # set now, so that it is deleted if this task is cancelled below
        config = {
            "name": consumer.name,
            "filter_subject": self._subject,
            "deliver_policy": "by_start_sequence" if self._position else "all",
            "ack_policy": "none",
            "replay_policy": "instant",
            "inactive_threshold": _KEPT_UNUSED * _SECOND,
            "num_replicas": 1,
            "mem_storage": True,
        }
        if self._position:
            config["opt_start_seq"] = self._position + 1
        content = orjson.dumps({"stream_name": self._stream, "config": config})
        subject = f"$JS.API.CONSUMER.CREATE.{self._stream}.{consumer.name}.{self._subject}"
        answer = await until_answered(
            self._connection, lambda: self._connection.request(subject, content, seconds=ANSWER_SECONDS)
        )
        error = orjson.loads(answer.data).get("error")
        if error is not None:
            raise IncompleteStreamError(f"the bus does not let the answer be read: {error['description']}")

    async def _ask_for_more(self, consumer: "_Consumer") -> None:
        consumer.due = _BATCH
        self._last_sign = self._loop.time()
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{consumer.name}"
        await self._connection.nats.publish(subject, orjson.dumps(self._batch), reply=consumer.inbox)

    async def _leave_consumer(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        with suppress(NatsError):  # without a connection there is nothing to leave
            await consumer.subscription.unsubscribe()
            if self._connection.is_connected:
                subject = f"$JS.API.CONSUMER.DELETE.{self._stream}.{consumer.name}"
                await self._connection.nats.publish(subject)

    # called when a message arrives

    def _take(self, consumer: "_Consumer", message: Msg) -> None:
        """Handle one message of a consumer."""
        if consumer is not self._consumer:
            return
        self._last_sign = self._loop.time()
        if not message.reply.startswith("$JS.ACK."):
            self._take_status(consumer, message)
            return
        position, number = places_in(message.reply)
        if number != consumer.number + 1:
            self._replace()  # an event was lost with a connection
            return
        consumer.number = number
        consumer.due -= 1
        if not consumer.due:
            self._has_work.set()
        if position <= self._position:
            return
        self._position = position
        self._receive(RunEvent.read(message.headers, message.data, position))

    def _take_status(self, consumer: "_Consumer", message: Msg) -> None:
        headers = message.headers or {}
        status = headers.get("Status")
        if status == _IDLE:
            return
        if status in _EXPIRED or headers.get("Description") == _DOES_NOT_FIT:
            consumer.due = 0
            self._has_work.set()
        else:
            self._loop.call_later(_WAIT, self._replace_if, consumer)  # it is gone, or moves to another server

    def _replace_if(self, consumer: "_Consumer") -> None:
        if consumer is self._consumer:
            self._replace()

    def _replace(self) -> None:
        self._is_stale = True
        self._has_work.set()

    def _look(self) -> None:
        """Replace a consumer whose heartbeats have stopped."""
        consumer = self._consumer
        now = self._loop.time()
        if consumer is None or not consumer.due or not self._connection.is_connected:
            self._last_sign = now
        elif now - self._last_sign >= _SILENCE:
            self._last_sign = now
            self._replace()
        self._timer = self._loop.call_at(self._last_sign + _SILENCE, self._look)

    def _lost(self, _: object) -> None:
        self._fail(UnreachableError(self._connection.url, "the connection was closed"))


class _Consumer:
    """A consumer on the server, and how many messages it has sent.

    It is passed to nats-py as the ``future`` of the subscription: nats-py calls `set_result` at once for each
    message. A callback would cost one more task switch per message.
    """

    def __init__(self, name: str, inbox: str, take: Callable[["_Consumer", Msg], None]) -> None:
        self.name = name
        self.inbox = inbox
        self.number = 0  # of the last message; a consumer numbers its messages
        self.due = 0  # messages that may still arrive before more are requested
        self.subscription: Subscription
        self._take = take

    def cancelled(self) -> bool:
        """Return False, so that nats-py passes on all messages."""
        return False

    def set_result(self, message: Msg) -> None:
        """Handle a message."""
        self._take(self, message)
