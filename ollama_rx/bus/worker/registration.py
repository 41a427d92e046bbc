"""The registration of a worker: the models of its hosts, published again every few seconds."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from typing import Final

from nats.errors import Error as NatsError
from nats.js.errors import APIError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.store_message import store_message
from ollama_rx.bus.connection.until_answered import until_answered
from ollama_rx.bus.registry.worker_state import WorkerState, name_of
from ollama_rx.bus.streams import prepare_model, prepare_streams
from ollama_rx.bus.subjects import Subjects, entry_subject
from ollama_rx.bus.worker.request_desk import request_desk
from ollama_rx.client.client import Client
from ollama_rx.client.hosts.model_names import full_name, is_cloud_model
from ollama_rx.errors import OllamaError, UnreachableError

_INTERVAL = 3.0  # seconds from the end of one round to the next; with _HOST_LIMIT less than ENTRY_LIFETIME
_HOST_LIMIT = 8.0  # seconds; a host that is busy with models answers late
_STREAMS = ""  # stands for the streams among the names of the prepared models
_DELETION = {"KV-Operation": "DEL"}
_FAREWELL = 1.0  # seconds for deleting the entry

_log = logging.getLogger("ollama_rx.bus")


class Registration:
    """Keeps the entry of a worker up to date, and answers the requests that are sent to this worker.

    Every few seconds, and after a lost connection, the hosts are asked for their models. A model is in the
    entry only after its queue exists and ``on_models`` has been called. While no host answers, the worker is
    registered without models.

    Args:
        client: for the hosts of the worker.
        connection: to the bus.
        subjects: those of the worker's namespace.
        name: the name shown to people.
        parallel: how many prompts the worker answers at the same time.
        streams: returns how many prompts it is answering now.
        on_models: called with the names of all models when the set has changed.
    """

    def __init__(
        self,
        client: Client,
        connection: BusConnection,
        subjects: Subjects,
        *,
        name: str,
        parallel: int,
        streams: Callable[[], int],
        on_models: Callable[[frozenset[str]], None],
    ) -> None:
        self.registered: Final = asyncio.Event()
        """Set when the entry has been stored for the first time."""
        self.state = WorkerState(id=token_hex(6), name=name, parallel=parallel)
        """The state that was registered last."""
        self._client = client
        self._connection = connection
        self._subjects = subjects
        self._streams = streams
        self._on_models = on_models
        self._models: frozenset[str] = frozenset()
        self._offered: set[str] = set()
        self._prepared: frozenset[str] = frozenset()
        self._trouble = ""  # why the last registration failed; empty if it succeeded
        self._was_lost = False  # the connection to the bus, since the last round
        self._wake_up = asyncio.Event()
        self._is_over = False
        self._looked = asyncio.Event()  # set after a round; cleared by `look_now`

    async def run(self) -> None:
        """Keep the worker registered until the task is cancelled; then delete the entry.

        Raises:
            OllamaError: the first registration fails, or the connection has ended for good.
        """
        stop_watching = self._connection.on_reconnect(self._reconnected)
        desk = request_desk(
            self._client, self._connection, self._subjects, self.state.id, on_shown=self._shown
        )
        try:
            async with desk:
                while True:
                    await self._register(await self._look())
                    self._looked.set()
                    await self._pause()
        finally:
            self._is_over = True
            self._looked.set()
            stop_watching()
            await self._delete()

    async def look_now(self) -> None:
        """Ask the hosts at once, because one has just failed; return when ``on_models`` knows the result."""
        if not self._is_over:
            self._looked.clear()
            self._wake_up.set()
            await self._looked.wait()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_INTERVAL):
                await self._wake_up.wait()
        self._wake_up.clear()

    def _reconnected(self) -> None:
        self._was_lost = True
        self._wake_up.set()

    def _shown(self, model: str) -> None:
        """Offer a model of ollama.com from now on; hosts can run such models without listing them."""
        name = full_name(model)
        if is_cloud_model(name) and name not in self.state.model_names:
            self._offered.add(name)
            self._wake_up.set()

    async def _look(self) -> WorkerState:
        """Ask the hosts for their models and return the new state."""
        try:
            async with asyncio.timeout(_HOST_LIMIT):
                models = await self._client.models()
                running = await self._client.running()
                version = await self._client.version()
        except (OllamaError, TimeoutError) as error:
            problem = str(error) or f"no host has answered within {_HOST_LIMIT:g} s"
            return replace(self.state, models=(), offered=(), running=(), problem=problem)
        return replace(
            self.state,
            version=version,
            models=[model.raw for model in models if model.name],
            offered=sorted(self._offered),
            running=[model.raw for model in running if model.name],
            problem="",
        )

    async def _register(self, state: WorkerState) -> None:
        """Publish the state. After the first success an error is only logged, because it may be temporary."""
        try:
            await until_answered(self._connection, lambda: self._publish(state))
        except (OllamaError, APIError) as error:
            if not self.registered.is_set() or self._connection.lost.done():
                raise _told(self._connection, error) from error
            if _words(error) != self._trouble:  # once, not every few seconds
                _log.warning("worker %s cannot register: %s", state.name, _words(error))
            self._trouble = _words(error)
            return
        if self._trouble:
            _log.info("worker %s is registered again", state.name)
            self._trouble = ""
        self._log_changes(state)
        self.state = state
        self.registered.set()

    async def _publish(self, state: WorkerState) -> None:
        models = frozenset((*map(name_of, state.models), *state.offered))
        try:
            await self._prepare(models)
            if models != self._models:
                self._models = models
                self._on_models(models)
            counted = replace(state, streams=self._streams())
            await self._store(counted.encode(self._connection.max_payload))
        except Exception:
            self._prepared = frozenset()  # the server may have lost its streams
            raise

    async def _prepare(self, models: frozenset[str]) -> None:
        """Make the streams and the queue of each model, except those that are known to exist."""
        if self._was_lost:  # the server may have lost its streams with the connection
            self._was_lost = False
            self._prepared = frozenset()
        if not self._prepared:
            await prepare_streams(self._connection, self._subjects)
        for model in models - self._prepared:
            await prepare_model(self._connection, self._subjects, model)
        self._prepared = models | {_STREAMS}

    async def _store(self, entry: bytes, headers: dict[str, str] | None = None) -> None:
        subject = entry_subject(self._subjects.workers_bucket, self.state.id)
        await store_message(self._connection, subject, entry, headers)

    async def _delete(self) -> None:
        if self._connection.is_connected:
            with suppress(NatsError, TimeoutError):
                async with asyncio.timeout(_FAREWELL):
                    await self._store(b"", _DELETION)

    def _log_changes(self, new: WorkerState) -> None:
        old = self.state
        if new.problem and not old.problem:
            _log.warning("worker %s has no models until its host answers: %s", new.name, new.problem)
        elif new.model_names != old.model_names or (old.problem and not new.problem):
            names = sorted(self._models)
            plural = "" if len(names) == 1 else "s"
            _log.info("worker %s has %d model%s: %s", new.name, len(names), plural, ", ".join(names))


def _told(connection: BusConnection, error: Exception) -> OllamaError:
    return error if isinstance(error, OllamaError) else UnreachableError(connection.url, _words(error))


def _words(error: Exception) -> str:
    """Return the server's description of an error, without the codes around it."""
    return (isinstance(error, APIError) and error.description) or str(error)
