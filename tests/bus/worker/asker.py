"""A client of the bus in its simplest form: it publishes prompts, and reads their run logs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import orjson
from nats.aio.msg import Msg
from nats.js.api import ConsumerInfo

from ollama_rx.bus.client.run_reader import RunReader
from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.bus.streams import prepare_model, prepare_streams
from ollama_rx.bus.subjects import Subjects, new_run, word_of

MODEL = "echo"
"""The model that `FakeOllama` has."""

LIMIT = 15.0  # seconds


@dataclass
class AskedRun:
    """A prompt that was asked, and the events of its log so far."""

    run: str
    events: list[RunEvent] = field(default_factory=list[RunEvent])

    def __post_init__(self) -> None:
        self._changed = asyncio.Event()

    def receive(self, event: RunEvent) -> None:
        """Take an event."""
        self.events.append(event)
        self._changed.set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for an event after which something is true."""
        try:
            async with asyncio.timeout(LIMIT):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise TimeoutError(f"only {self.kinds}") from error

    async def until_over(self) -> RunEvent:
        """Wait for the final event."""
        await self.until(lambda: any(event.is_final for event in self.events))
        return self.events[-1]

    async def until_kind(self, kind: EventKind, count: int = 1) -> None:
        """Wait for so many events of a kind."""
        await self.until(lambda: self.kinds.count(kind) >= count)

    @property
    def kinds(self) -> list[EventKind]:
        """What the events tell."""
        return [event.kind for event in self.events]

    def answer(self, attempt: int = 1) -> bytes:
        """Return the bytes of an attempt."""
        kinds = {EventKind.LINES, EventKind.END}
        return b"".join(one.payload for one in self.events if one.attempt == attempt and one.kind in kinds)

    def texts(self, attempt: int = 1) -> list[str]:
        """Return the texts of an attempt to answer /api/generate."""
        return [orjson.loads(line)["response"] for line in self.answer(attempt).splitlines()]


class Asker:
    """Asks on one connection."""

    def __init__(self, connection: BusConnection, subjects: Subjects) -> None:
        self.connection = connection
        self.subjects = subjects

    @asynccontextmanager
    async def ask(
        self,
        text: str = "Hi",
        *,
        run: str | None = None,
        model: str = MODEL,
        path: str = "/api/generate",
        grace: float = 10.0,
        detached: bool = False,
        is_read: bool = True,
    ) -> AsyncGenerator[AskedRun]:
        """Publish a prompt; its readers are there until the block is left."""
        asked = AskedRun(run or new_run())
        body = orjson.dumps({"model": model, "prompt": text})
        prompt = Prompt(run=asked.run, model=model, path=path, body=body, grace=grace, detached=detached)
        log = RunReader(self.connection, self.subjects, asked.run, receive=asked.receive, fail=_raise)
        async with log, AsyncExitStack() as presence:
            if is_read:
                await presence.enter_async_context(self.reading(asked.run))
            await self.publish(prompt)
            yield asked

    @asynccontextmanager
    async def reading(self, run: str) -> AsyncGenerator[None]:
        """Be a reader of a run."""

        async def here(probe: Msg) -> None:
            await probe.respond(b"")

        readers = await self.connection.nats.subscribe(self.subjects.readers(run), cb=here)
        await self.connection.nats.flush()
        try:
            yield
        finally:
            await readers.unsubscribe()

    async def publish(self, prompt: Prompt) -> None:
        """Put a prompt into the queue."""
        await self.connection.jetstream.publish(
            self.subjects.prompt(prompt.model, prompt.run), prompt.body, headers=prompt.headers()
        )

    async def cancel(self, run: str) -> None:
        """Do what a client does when its stream is disposed of."""
        await RunLog(self.connection, self.subjects, run).cancel("disposed")

    async def hint(self, run: str) -> None:
        """Tell the worker of a run to look at its log."""
        await self.connection.nats.publish(self.subjects.control(run))

    async def last(self, run: str) -> RunEvent:
        """Return the last event of a run."""
        found = await RunLog(self.connection, self.subjects, run).last()
        assert found is not None
        return found

    async def append(self, run: str, event: RunEvent, *, after: int = 0) -> int:
        """Store an event as another worker would."""
        return await RunLog(self.connection, self.subjects, run).append(event, after=after)

    async def left_in_queue(self) -> int:
        """Return how many prompts nobody has acknowledged."""
        info = await self.connection.jetstream.stream_info(self.subjects.prompts_stream)
        return info.state.messages

    async def redelivered(self) -> int:
        """Return how many prompts a worker has that another one had before."""
        return (await self._queue()).num_redelivered or 0

    async def until_no_worker_asks(self) -> None:
        """Wait until no worker takes prompts."""
        async with asyncio.timeout(LIMIT):
            while (await self._queue()).num_waiting:
                await self.connection.nats.flush()

    async def _queue(self) -> ConsumerInfo:
        found: ConsumerInfo = await self.connection.jetstream.consumer_info(
            self.subjects.prompts_stream, word_of(MODEL)
        )
        return found

    async def until_queue_is_empty(self) -> None:
        """Wait until all prompts are acknowledged."""
        await self.until_left_in_queue(0)

    async def until_left_in_queue(self, count: int) -> None:
        """Wait until all prompts but so many are acknowledged; the server is asked again and again."""
        async with asyncio.timeout(LIMIT):
            while await self.left_in_queue() != count:
                await self.connection.nats.flush()


def _raise(error: Exception) -> None:
    raise error


def with_asker(url: str, namespace: str, work: Callable[[Asker], Awaitable[None]]) -> None:
    """Run ``work`` on a new event loop with streams that are there; at most for a minute."""

    async def run() -> None:
        connections = BusConnections(ConnectionOptions.of(url), name="asker")
        async with asyncio.timeout(60), connections.lease() as connection:
            subjects = Subjects(namespace)
            await prepare_streams(connection, subjects)
            await prepare_model(connection, subjects, MODEL)
            await work(Asker(connection, subjects))
        await connections.aclose()

    asyncio.run(run())
