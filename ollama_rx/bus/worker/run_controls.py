"""Messages about single runs, among workers and from clients to workers; each worker has one subscription.

A hint says that the log of a run has an event from somebody else than its worker: the run was cancelled, or
another worker has taken it over. Hints only save time, the log decides. A request asks whether a worker is
working on a run: that worker answers, all others are silent.
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

_ANSWER: Final = 0.25  # seconds to wait for the worker that works on a run


class RunControls:
    """The runs that this worker is working on."""

    def __init__(self, connection: BusConnection, subjects: Subjects) -> None:
        self._connection = connection
        self._subjects = subjects
        self._picked_up: set[str] = set()
        self._hints: dict[str, Callable[[], object]] = {}
        self._answers: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        """Receive hints and requests until the block is left."""
        try:
            async with subscribed(self._connection, self._subjects.all_controls, self._received):
                yield
        finally:
            for answer in self._answers:
                answer.cancel()

    @contextmanager
    def picked_up(self, run: str) -> Generator[bool]:
        """Mark a run's prompt as being handled; yields False if this worker is handling it already."""
        is_first = run not in self._picked_up
        self._picked_up.add(run)
        try:
            yield is_first
        finally:
            if is_first:
                self._picked_up.discard(run)

    @contextmanager
    def hold(self, run: str, on_hint: Callable[[], object]) -> Generator[None]:
        """Mark a run as worked on by this worker, and call ``on_hint`` at each hint about it."""
        self._hints[run] = on_hint
        try:
            yield
        finally:
            del self._hints[run]

    async def is_held_elsewhere(self, run: str) -> bool:
        """Ask all other workers whether one of them is working on the run."""
        try:
            await self._connection.request(self._subjects.control(run), b"", seconds=_ANSWER)
        except (NatsError, TimeoutError):
            return False
        return True

    async def hint(self, run: str) -> None:
        """Tell a worker that may still be working on a run that another worker has taken it over."""
        with suppress(NatsError):  # the worker finds out without the hint, only later
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
