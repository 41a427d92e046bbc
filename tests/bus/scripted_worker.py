"""A worker that does nothing by itself: a test takes prompts and stores events by hand, in any order."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import orjson
from nats.aio.msg import Msg
from nats.errors import NoRespondersError
from nats.js.api import StreamState

from ollama_rx.bus.connection.bus_connection import BusConnection, BusConnections
from ollama_rx.bus.connection.connection_options import ConnectionOptions
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.bus.streams import prepare_model, prepare_streams
from ollama_rx.bus.subjects import Subjects, entry_subject

T = TypeVar("T")

MODEL = "m"
LIMIT = 10.0  # seconds
_LOOK = 0.005  # seconds between two looks at the server


def line(text: str, *, done: bool = False) -> bytes:
    """Return a line of the answer to /api/generate."""
    return orjson.dumps({"model": MODEL, "response": text, "done": done}) + b"\n"


class ScriptedWorker:
    """Registers models, on a loop in a thread of its own; used with ``with``."""

    def __init__(self, url: str, namespace: str, *models: str) -> None:
        self.subjects = Subjects(namespace)
        self._models = models or (MODEL,)
        self._connections = BusConnections(ConnectionOptions.of(url), name="scripted worker")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted worker")
        self._leases = AsyncExitStack()
        self.connection: BusConnection

    def __enter__(self) -> Self:
        self._thread.start()
        self.call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._leases.aclose())
        self.call(self._connections.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something on the worker's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT)

    async def _open(self) -> None:
        self.connection = await self._leases.enter_async_context(self._connections.lease())
        await prepare_streams(self.connection, self.subjects)
        await self._register(*self._models)

    def register(self, *models: str) -> None:
        """Register these models and no others."""
        self.call(self._register(*models))

    async def _register(self, *models: str) -> None:
        for model in models:
            await prepare_model(self.connection, self.subjects, model)
        state = WorkerState(id="scripted", name="scripted", models=[{"name": model} for model in models])
        subject = entry_subject(self.subjects.workers_bucket, state.id)
        await self.connection.jetstream.publish(subject, state.encode(self.connection.max_payload))

    def take(self, model: str = MODEL) -> "ScriptedRun":
        """Wait for a prompt and take it."""
        return self.call(self._take(model))

    async def _take(self, model: str) -> "ScriptedRun":
        name = await prepare_model(self.connection, self.subjects, model)
        puller = await self.connection.jetstream.pull_subscribe_bind(name, self.subjects.prompts_stream)
        try:
            (message,) = await puller.fetch(1, timeout=LIMIT)
        finally:
            await puller.unsubscribe()
        return ScriptedRun(self, message, Prompt.of(message))

    def prompts(self) -> int:
        """Count the prompts in the queue, those that were taken too."""
        return self.call(self._state(self.subjects.prompts_stream)).messages

    def limit_queue(self, most: int) -> None:
        """Let the queue take so many prompts and no more."""

        async def limit() -> None:
            info = await self.connection.jetstream.stream_info(self.subjects.prompts_stream)
            await self.connection.jetstream.update_stream(replace(info.config, max_msgs=most))

        self.call(limit())

    def readers(self) -> int:
        """Count the consumers that clients have left on the run logs."""
        return self.call(self._state(self.subjects.events_stream)).consumer_count

    async def _state(self, stream: str) -> StreamState:
        return (await self.connection.jetstream.stream_info(stream)).state

    def until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something is true on the server."""

        async def wait() -> None:
            async with asyncio.timeout(LIMIT):
                while not await holds():  # noqa: ASYNC110 - the server does not tell
                    await asyncio.sleep(_LOOK)

        self.call(wait())

    def last(self, run: str) -> EventKind | None:
        """Return what the last event of a run tells."""
        last = self.call(RunLog(self.connection, self.subjects, run).last())
        return None if last is None else last.kind

    def until_last(self, run: str, kind: EventKind) -> RunEvent:
        """Wait until the last event of a run is of a kind."""
        log = RunLog(self.connection, self.subjects, run)
        found: list[RunEvent] = []

        async def holds() -> bool:
            last = await log.last()
            if last is None or last.kind is not kind:
                return False
            found.append(last)
            return True

        self.until(holds)
        return found[0]

    def until_no_prompt(self) -> None:
        """Wait until the queue is empty."""

        async def holds() -> bool:
            return not (await self._state(self.subjects.prompts_stream)).messages

        self.until(holds)

    def until_no_reader(self) -> None:
        """Wait until no client reads a run log."""

        async def holds() -> bool:
            return not (await self._state(self.subjects.events_stream)).consumer_count

        self.until(holds)

    def is_read(self, run: str) -> bool:
        """Return whether somebody reads the answer of a run, which is asked as workers do."""

        async def ask() -> bool:
            try:
                await self.connection.nats.request(self.subjects.readers(run), timeout=LIMIT)
            except NoRespondersError:
                return False
            return True

        return self.call(ask())


@dataclass
class ScriptedRun:
    """A prompt that was taken."""

    worker: ScriptedWorker
    message: Msg
    prompt: Prompt
    attempt: int = 0
    seq: int = 0
    writers: dict[int, int] = field(default_factory=dict[int, int])

    @property
    def run(self) -> str:
        return self.prompt.run

    def append(self, kind: EventKind, payload: bytes = b"", *, attempt: int | None = None) -> None:
        """Store an event of the newest attempt, or as a stale worker does, of another one."""
        number = self.attempt if attempt is None else attempt
        seq = self.writers.get(number, 0)
        self.writers[number] = seq + 1
        event = RunEvent(self.run, number, seq, kind, payload)
        worker = self.worker
        publish = worker.connection.jetstream.publish
        worker.call(publish(worker.subjects.events(self.run), payload, headers=event.headers()))

    def start(self) -> None:
        """Begin the next attempt."""
        self.attempt += 1
        self.append(EventKind.START)

    def lines(self, *texts: str, attempt: int | None = None) -> None:
        """Store one event with these chunks."""
        self.append(EventKind.LINES, b"".join(line(text) for text in texts), attempt=attempt)

    def end(self, *texts: str) -> None:
        """Store the end, with these chunks and the last one."""
        self.append(EventKind.END, b"".join(line(text) for text in texts) + line("", done=True))
        self.ack()

    def cut(self, reason: str = "the host hung up") -> None:
        """Store that the attempt is cut."""
        self.append(EventKind.CUT, orjson.dumps({"reason": reason}))

    def failed(self, status: int, reason: str, **more: str) -> None:
        """Store that the prompt has failed."""
        self.append(EventKind.FAILED, orjson.dumps({"status": status, "reason": reason, **more}))
        self.ack()

    def ack(self) -> None:
        """Remove the prompt from the queue."""
        self.worker.call(self.message.ack_sync())

    def until_cancelled(self) -> RunEvent:
        """Wait until the client has stopped the run."""
        return self.worker.until_last(self.run, EventKind.CANCELLED)
