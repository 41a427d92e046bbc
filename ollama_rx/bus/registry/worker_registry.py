"""Which workers there are, and which models they have."""

import asyncio
import logging
from typing import Final

import orjson
from nats.errors import NoRespondersError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.direct_get import StreamMessage, stored_messages
from ollama_rx.bus.connection.until_answered import until_answered
from ollama_rx.bus.registry.worker_request import ask_worker
from ollama_rx.bus.registry.worker_state import WorkerState
from ollama_rx.bus.subjects import Subjects, entry_subject
from ollama_rx.client.hosts.model_names import full_name, is_cloud_model
from ollama_rx.rx.internal_loop import TASK_NAME

_FRESH = 1.0  # seconds for which a model that was found counts as present without another look-up
_DELETION = "KV-Operation"  # the header of the message that marks a deleted entry

_log = logging.getLogger("ollama_rx.bus")


class Registry:
    """Reads what the workers have registered, for all streams of one event loop.

    Streams that ask at the same time share one request, which is cancelled when none of them still waits.
    """

    def __init__(self, connection: BusConnection, subjects: Subjects) -> None:
        self.connection: Final = connection
        self.subjects: Final = subjects
        self._known: dict[str, tuple[int, WorkerState]] = {}  # by subject, with the position of the entry
        self._models: frozenset[str] = frozenset()
        self._fresh_until = float("-inf")
        self._look_up: asyncio.Task[tuple[WorkerState, ...]] | None = None
        self._waiting = 0

    async def workers(self) -> tuple[WorkerState, ...]:
        """Return the workers that are registered.

        A worker that was killed is among them until its entry expires, see `ENTRY_LIFETIME`.

        Raises:
            UnreachableError: the server does not answer for half a minute.
        """
        if self._look_up is None:
            self._look_up = asyncio.create_task(self._read(), name=TASK_NAME)
            self._look_up.add_done_callback(self._ended)
        look_up = self._look_up
        self._waiting += 1
        try:
            return await asyncio.shield(look_up)
        finally:
            self._waiting -= 1
            if not self._waiting and not look_up.done():
                self._look_up = None
                look_up.cancel()

    async def workers_with(self, model: str) -> tuple[WorkerState, ...]:
        """Return the workers that have a model, whichever of its names is given; raises as `workers` does.

        If no worker has a model of ollama.com yet, all workers with a host that answers are returned.
        """
        workers = await self.workers()
        having = tuple(worker for worker in workers if worker.has_model(model))
        if having or not is_cloud_model(full_name(model)):
            return having
        return tuple(worker for worker in workers if not worker.problem)

    async def has_model(self, model: str) -> bool:
        """Return whether a worker has a model, whichever of its names is given.

        The answer True may be up to a second old; before the answer False the workers are always read again.
        If no worker has a model of ollama.com yet, the workers are asked to show it; each one that can show
        it then has the model.

        Raises:
            UnreachableError: the server does not answer for half a minute.
        """
        is_fresh = asyncio.get_running_loop().time() < self._fresh_until
        if not (is_fresh and full_name(model) in self._models):
            await self.workers()
        return full_name(model) in self._models or await self._is_offered(model)

    @property
    def is_without_hosts(self) -> bool:
        """Whether the last look-up found workers, and none of them reaches its host."""
        return bool(self._known) and all(worker.problem for _, worker in self._known.values())

    def reason_for_missing(self, model: str) -> str:
        """Return Ollama's message for a missing model, and a reason if the last look-up gave one."""
        reason = f"model '{model}' not found"
        if not self._known:
            return f"{reason}: no worker is running"
        return f"{reason}: no worker reaches its host" if self.is_without_hosts else reason

    async def _is_offered(self, model: str) -> bool:
        if not is_cloud_model(full_name(model)):
            return False
        body = orjson.dumps({"model": model})
        answers = await asyncio.gather(
            *(
                ask_worker(self.connection, self.subjects, worker.id, "/api/show", body)
                for worker in await self.workers_with(model)
            )
        )
        return any(answer is not None and not answer.is_error for answer in answers)

    def _ended(self, look_up: "asyncio.Task[tuple[WorkerState, ...]]") -> None:
        if self._look_up is look_up:
            self._look_up = None

    async def _read(self) -> tuple[WorkerState, ...]:
        asked_at = asyncio.get_running_loop().time()
        entries = await until_answered(self.connection, self._entries)
        known: dict[str, tuple[int, WorkerState]] = {}
        for entry in entries:
            known.pop(entry.subject, None)
            state = self._state_of(entry)
            if state is not None:
                known[entry.subject] = entry.position, state
        workers = tuple(state for _, state in known.values())
        self._known = known
        self._models = frozenset[str]().union(*(worker.model_names for worker in workers))
        self._fresh_until = asked_at + _FRESH
        return workers

    async def _entries(self) -> list[StreamMessage]:
        bucket = self.subjects.workers_bucket
        try:
            return await stored_messages(self.connection, f"KV_{bucket}", entry_subject(bucket, "*"))
        except NoRespondersError:  # no bucket: there has never been a worker
            return []

    def _state_of(self, entry: StreamMessage) -> WorkerState | None:
        """Return the worker of an entry, or None if the entry was deleted or cannot be read."""
        if _DELETION in entry.headers:
            return None
        position, state = self._known.get(entry.subject, (0, None))
        if position == entry.position:
            return state
        try:
            return WorkerState.decode(entry.subject.rpartition(".")[2], entry.data)
        except ValueError as error:
            _log.debug("entry %s is ignored: %s", entry.subject, error)
            return None
