"""One attempt to answer a prompt: ask the host, and store its whole answer in the run log."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import RunLog, SupersededError
from ollama_rx.bus.subjects import Subjects
from ollama_rx.bus.worker.event_writer import EventWriter
from ollama_rx.bus.worker.host_failure import HostFailure
from ollama_rx.bus.worker.reader_watch import PROBE_EVERY, ReaderWatch
from ollama_rx.bus.worker.run_controls import RunControls
from ollama_rx.bus.worker.spread import spread_over
from ollama_rx.client import Client
from ollama_rx.errors import excerpt

UNREAD: Final = orjson.dumps({"reason": "nobody reads the answer"})
"""The payload of the event with which a worker cancels a run that has no reader."""

_log = logging.getLogger("ollama_rx.bus")

_LOOKS = (0.0, 0.005, 0.02, 0.1)  # seconds before each check for the event that a hint announced


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What a worker needs to handle any of its prompts."""

    client: Client
    connection: BusConnection
    subjects: Subjects
    controls: RunControls
    registry: Registry
    look_at_hosts: Callable[[], Awaitable[None]]
    """Asks the hosts which models they have now."""
    max_attempts: int


class Attempt:
    """Makes one attempt; ``number`` counts the attempts of all workers for this run."""

    def __init__(
        self, place: Workplace, prompt: Prompt, log: RunLog, readers: ReaderWatch, number: int
    ) -> None:
        self._place = place
        self._prompt = prompt
        self._log = log
        self._readers = readers
        self._start = RunEvent(prompt.run, number, 0, EventKind.START, writer=secrets.token_hex(4))
        self._stop_model: Callable[[], object] | None = None  # while the model works
        self._is_hinted = False  # a hint came before the model worked
        self._superseded: SupersededError | None = None
        self._is_unread = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, body: bytes, *, after: int) -> HostFailure | None:
        """Make the attempt; return the failure if another attempt may follow, or None if the run is over.

        Raises:
            SupersededError: another writer has ended this attempt; its model is stopped.
            UnreachableError: the bus does not answer; the model is stopped.
        """
        position = await self._log.append(self._start, after=after)
        if self._start.attempt > 1:
            await self._place.controls.hint(self._prompt.run)
        writer = EventWriter(self._log, self._start, position, max_payload=self._place.connection.max_payload)
        try:
            rest = await self._written(writer, body)
            if self._superseded is not None:
                raise self._superseded
            return await self._concluded(writer, rest)
        except SupersededError as refused:
            is_over = refused.last is not None and refused.last.is_final
            self._note("stopped, it is not wanted any more" if is_over else "stopped, another worker has it")
            raise

    async def _concluded(self, writer: EventWriter, rest: bytes) -> HostFailure | None:
        """Store the event that ends the attempt, and return the result of `run`."""
        if self._is_unread:
            await writer.store(EventKind.CANCELLED, UNREAD)
            self._note("stopped, nobody reads the answer")
            return None
        if writer.error is None:
            await writer.store(EventKind.END, rest)
            self._note("answered")
            return None
        failure = HostFailure.of(writer.error)
        if failure.is_worth_another_attempt and self._start.attempt < self._place.max_attempts:
            await writer.store(EventKind.CUT, orjson.dumps({"reason": failure.reason}))
            self._note(f"broke off ({excerpt(failure.reason)})")
            return failure
        await writer.store(EventKind.FAILED, failure.to_json())
        self._note(f"failed ({excerpt(failure.reason)})")
        return None

    def _note(self, outcome: str) -> None:
        _log.info("run %s for %s: %s", self._prompt.run, excerpt(self._prompt.model), outcome)

    async def _written(self, writer: EventWriter, body: bytes) -> bytes:
        """Store the host's answer and return its last part; the model is stopped however this ends."""
        stream = self._place.client.forward(self._prompt.path, body, model=self._prompt.model)
        answering = stream.subscribe(writer.put, writer.end, writer.end, scheduler=writer.scheduler)

        def stop_model() -> None:
            answering.dispose()
            writer.stop()

        self._stop_model = stop_model
        if self._is_hinted:
            self.follow_hint()
        if not self._prompt.detached:
            self._begin(self._watch_readers(stop_model))
        try:
            return await writer.write()
        finally:
            self._stop_model = None
            answering.dispose()
            for task in self._tasks:
                task.cancel()

    def follow_hint(self) -> None:
        """Check whether another writer has ended this attempt, and stop the model if so."""
        if self._stop_model is None:
            self._is_hinted = True
        else:
            self._begin(self._look_for_other_event(_LOOKS, self._stop_model))

    async def _look_for_other_event(self, waits: Iterable[float], stop_model: Callable[[], object]) -> None:
        """Check the log several times: a hint may arrive before the event that it announces is stored."""
        for wait in waits:
            await asyncio.sleep(wait)
            last = await self._log.last()
            if last is None or last.writer != self._start.writer:
                self._superseded = SupersededError(last)
                stop_model()
                return

    async def _watch_readers(self, stop_model: Callable[[], object]) -> None:
        await asyncio.sleep(spread_over(PROBE_EVERY))
        while True:
            if not await self._readers.is_read():
                await self._look_for_other_event((0.0,), stop_model)  # a hint may have been lost
                if not await self._readers.read_again():
                    self._is_unread = True
                    stop_model()
                    return
            await asyncio.sleep(PROBE_EVERY)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # marked as seen: if the bus does not answer, `write` raises the error too
