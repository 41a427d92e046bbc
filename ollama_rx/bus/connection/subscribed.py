"""Subscriptions that call a function directly while nats-py reads the connection."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.transport.timeouts import TimeLimit

_DRAIN = 1.0  # seconds


@asynccontextmanager
async def subscribed(
    connection: BusConnection, subject: str, receive: Callable[[Msg], object], *, drains: bool = False
) -> AsyncGenerator[None]:
    """Call a function with each message of a subject, until the block is left.

    With ``drains`` the function also receives the messages that are on their way when the block is left.

    The function must neither block nor raise: it runs inside nats-py's read loop. For its own callbacks
    nats-py starts a task, which costs a task switch per message, and which is left over if the connection
    breaks while it is being closed.
    """
    receiver = cast("asyncio.Future[Any]", _Receiver(receive))
    subscription = await connection.nats.subscribe(  # pyright: ignore[reportUnknownMemberType]
        subject, future=receiver
    )
    try:
        yield
    finally:
        with suppress(NatsError, TimeoutError):  # the connection is closed
            if drains and connection.is_connected:
                async with TimeLimit(_DRAIN):
                    await subscription.drain()  # type: ignore[no-untyped-call]
            else:
                await subscription.unsubscribe()


@asynccontextmanager
async def answering(
    connection: BusConnection, subject: str, answer: Callable[[Msg], Coroutine[Any, Any, None]]
) -> AsyncGenerator[None]:
    """Answer each request to a subject in its own task, until the block is left."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(request: Msg) -> None:
        with suppress(NatsError):  # the connection has just been closed
            await answer(request)

    def on_request(request: Msg) -> None:
        task = asyncio.create_task(serve(request), name=TASK_NAME)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    try:
        async with subscribed(connection, subject, on_request):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Receiver:
    """Passed to nats-py as the ``future`` of a subscription; its `set_result` gets each message."""

    __slots__ = ("set_result",)

    def __init__(self, receive: Callable[[Msg], object]) -> None:
        self.set_result = receive

    def cancelled(self) -> bool:
        """Return False, so that nats-py passes on all messages."""
        return False
