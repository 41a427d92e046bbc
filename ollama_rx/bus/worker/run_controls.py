"""What workers tell each other, and clients tell them, about single runs; one subscription for each worker.

A hint says that the log of a run has an event that is not its worker's: it has been cancelled, or another
worker has taken it over. It is for speed only, the log decides. A request asks whether a worker has a run in
hand: that one answers, all others are silent.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.subscribed import subscribed
from ollama_rx.bus.subjects import Subjects

_ANSWER: Final = 0.25  # seconds in which a worker says that it has a run


class RunControls:
    """The runs that this worker has in hand."""

    def __init__(self, connection: BusConnection, subjects: Subjects) -> None:
        self._connection = connection
        self._subjects = subjects
        self._picked_up: set[str] = set()
        self._hints: dict[str, Callable[[], object]] = {}
        self._answers: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        """Hear what others ask and tell, until the block is left."""
        try:
            async with subscribed(self._connection, self._subjects.all_controls, self._received):
                yield
        finally:
            for answer in self._answers:
                answer.cancel()

    @contextmanager
    def picked_up(self, run: str) -> Generator[bool]:
        """Deal with a message about a run; False if another message about it is being dealt with here."""
        is_first = run not in self._picked_up
        self._picked_up.add(run)
        try:
            yield is_first
        finally:
            if is_first:
                self._picked_up.discard(run)

    @contextmanager
    def hold(self, run: str, on_hint: Callable[[], object]) -> Generator[None]:
        """Have a run in hand, and call something at each hint about it."""
        self._hints[run] = on_hint
        try:
            yield
        finally:
            del self._hints[run]

    async def is_held_elsewhere(self, run: str) -> bool:
        """Ask all other workers whether one of them has the run in hand."""
        try:
            await self._connection.request(self._subjects.control(run), b"", seconds=_ANSWER)
        except (NatsError, TimeoutError):
            return False
        return True

    async def hint(self, run: str) -> None:
        """Tell a worker that may have a run in hand that it is no longer its own."""
        with suppress(NatsError):  # it will find out by itself
            await self._connection.nats.publish(self._subjects.control(run))

    def _received(self, message: Msg) -> None:
        on_hint = self._hints.get(message.subject.rpartition(".")[2])
        if on_hint is None:
            return
        if message.reply:
            answer = asyncio.create_task(_say_yes(message))
            self._answers.add(answer)
            answer.add_done_callback(self._answers.discard)
        else:
            on_hint()


async def _say_yes(question: Msg) -> None:
    with suppress(NatsError):  # the connection has just been closed
        await question.respond(b"")
