"""How a client gets its run: it stores the prompt, or joins a run whose prompt is stored already."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from secrets import token_hex
from typing import Final, Protocol

import orjson
from nats.errors import Error as NatsError
from nats.js.errors import APIError

from ollama_rx.bus.client.run_answer import RunAnswer
from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.direct_get import StreamMessage, stored_messages
from ollama_rx.bus.connection.store_message import WRONG_POSITION, Stored, store_message
from ollama_rx.bus.connection.until_answered import UNANSWERED, until_answered
from ollama_rx.bus.registry.worker_registry import Registry
from ollama_rx.bus.runs.large_bodies import delete_body, put_body
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.runs.run_log import RunLog
from ollama_rx.bus.subjects import EXPECTED_POSITION, Subjects
from ollama_rx.errors import BusyError, ModelNotFoundError, OllamaError, StatusError

_LOOKS: Final = 5  # looks at the registry before a model counts as missing: a worker may just be starting
_LOOKS_FOR_HOST: Final = 33  # the same if no worker reaches its host: 5 s, in which a host may restart
_LOOK_AGAIN: Final = 0.15  # seconds between two looks
_MOST_HEADER_BYTES: Final = 4096  # of a prompt
_PATIENCE: Final = 1.0  # seconds for finding a prompt, and for deleting a body
_SEARCHES: Final = 5  # for a prompt that may not have arrived yet
_SEARCH_AGAIN: Final = 0.02  # seconds between two searches
_NO_ROOM: Final = (10047, 10077)  # the server's storage is full; the queue has reached its limit
_GONE: Final = 410
_UNAVAILABLE: Final = 503


class RunEntry(Protocol):
    """How a client gets one run; see `NewRun` and `AttachedRun`."""

    @property
    def run(self) -> str:
        """The id of the run."""
        ...

    @property
    def is_detached(self) -> bool:
        """Whether the run continues without the client."""
        ...

    async def find(self, connection: BusConnection) -> RunAnswer:
        """Look up what is stored of the run; return the `RunAnswer` that will process its events.

        Raises:
            StatusError: 410, there is no such run; 404, no worker has the model; 503, no worker reaches its
                host.
        """
        ...

    async def submit(self, connection: BusConnection) -> bool:
        """Store the prompt if it is not stored yet; return whether the client now waits for a worker.

        Raises:
            StatusError: the prompt is not accepted.
        """
        ...

    async def withdraw(self, connection: BusConnection, reason: str) -> None:
        """Stop the run if this client has started it."""
        ...


class NewRun:
    """A run of a client's own prompt.

    ``is_shared`` means that the caller has chosen the run id: the first client that uses the id stores the
    prompt, and all others join that run. Clients that have joined a run do not stop it.
    """

    def __init__(
        self,
        subjects: Subjects,
        registry: Callable[[BusConnection], Registry],
        prompt: Prompt,
        *,
        is_shared: bool,
        hold: bool,
    ) -> None:
        self.run = prompt.run
        self.is_detached = prompt.detached
        self._subjects = subjects
        self._registry = registry
        self._prompt = prompt
        self._subject = subjects.prompt(prompt.model, prompt.run)
        self._is_shared = is_shared
        self._hold = hold
        self._is_joined = False  # another client has stored the prompt
        self._is_sent = False  # the prompt may be stored
        self._position = 0  # of the prompt in the queue; 0 if unknown

    async def find(self, connection: BusConnection) -> RunAnswer:
        """Join the run if it has begun; otherwise check that a worker has the model."""
        if self._is_shared:
            last = await RunLog(connection, self._subjects, self.run).last()
            if last is not None:
                self._is_joined = True
                return RunAnswer(hold=self._hold, attempt=last.attempt)
        registry = self._registry(connection)
        looks = 1
        while not await registry.has_model(self._prompt.model):
            if looks >= (_LOOKS_FOR_HOST if registry.is_without_hosts else _LOOKS):
                reason = registry.reason_for_missing(self._prompt.model)
                if registry.is_without_hosts:
                    raise BusyError(503, reason)
                raise ModelNotFoundError(404, reason)
            looks += 1
            await asyncio.sleep(_LOOK_AGAIN)
        return RunAnswer(hold=self._hold)

    async def submit(self, connection: BusConnection) -> bool:
        """Store the prompt, repeatedly until the server answers; the server recognises it by the run id."""
        if self._is_joined:
            return False
        if len(self._prompt.body) + _MOST_HEADER_BYTES > connection.max_payload:
            name = token_hex(12)  # not the run id: another client may be storing a body under it
            await put_body(connection, self._subjects, name, self._prompt.body)
            self._prompt = replace(self._prompt, body=b"", body_name=name)
        self._is_sent = True
        tries: list[str] = []

        async def store() -> Stored | None:
            tries.append(self.run)
            return await self._store(connection)

        stored = await until_answered(connection, store)
        # After a second try the prompt that was found may be this client's own.
        self._is_joined = len(tries) == 1 and (stored is None or stored.is_duplicate)
        if stored is not None:
            self._position = stored.position
        if self._is_joined:
            await self._delete_body(connection)
        return not self._is_joined

    async def _store(self, connection: BusConnection) -> Stored | None:
        """Store the prompt; return None if a prompt with this id is in the queue."""
        headers = self._prompt.headers()
        if self._is_shared:
            headers[EXPECTED_POSITION] = "0"  # refused if a prompt with this id is in the queue
        try:
            return await store_message(connection, self._subject, self._prompt.body, headers)
        except APIError as error:
            if error.err_code == WRONG_POSITION:
                return None
            if isinstance(error, UNANSWERED) and error.err_code not in _NO_ROOM:
                raise
            raise _not_taken(error) from error

    async def withdraw(self, connection: BusConnection, reason: str) -> None:
        """Stop the run, whether or not a worker has taken the prompt; remove the prompt from the queue."""
        if self._is_joined or not self._is_sent:
            return
        await RunLog(connection, self._subjects, self.run).cancel(reason)
        with suppress(NatsError, TimeoutError):  # if this fails, the worker that takes the prompt removes it
            await self._delete_prompt(connection)
            await self._delete_body(connection)

    async def _delete_prompt(self, connection: BusConnection) -> None:
        """Delete the prompt by its position.

        Purging its subject would not need the position. But the server then counts other prompts, which
        workers are processing, as acknowledged, and does not redeliver them if these workers die.
        Source: https://github.com/nats-io/nats-server/issues/5727
        """
        stream = self._subjects.prompts_stream
        for position in [self._position] if self._position else await self._find_prompt(connection):
            await connection.nats.publish(
                f"$JS.API.STREAM.MSG.DELETE.{stream}", orjson.dumps({"seq": position, "no_erase": True})
            )

    async def _find_prompt(self, connection: BusConnection) -> list[int]:
        """Find the prompt if its acknowledgement was not awaited or was lost; it may still be on its way."""
        found: list[StreamMessage] = []
        async with asyncio.timeout(_PATIENCE):
            for _ in range(_SEARCHES):
                found = await stored_messages(connection, self._subjects.prompts_stream, self._subject)
                if found:
                    return [message.position for message in found]
                await asyncio.sleep(_SEARCH_AGAIN)
        return []

    async def _delete_body(self, connection: BusConnection) -> None:
        """Delete the body from the object store if that is possible now; otherwise it expires after a day."""
        if self._prompt.body_name:
            with suppress(TimeoutError, OllamaError):
                async with asyncio.timeout(_PATIENCE):
                    await delete_body(connection, self._subjects, self._prompt.body_name)


class AttachedRun:
    """A run that another client has started, read from its last attempt on.

    If ``after`` is not 0, the reader has received a part of ``attempt`` and can read no other attempt.
    """

    is_detached = True

    def __init__(self, subjects: Subjects, run: str, *, after: int, attempt: int, hold: bool) -> None:
        self.run = run
        self._subjects = subjects
        self._is_continued = after > 0
        self._attempt = attempt
        self._hold = hold

    async def find(self, connection: BusConnection) -> RunAnswer:
        """Find the run in the queue or by its log, which has events as soon as a worker has begun."""
        log = RunLog(connection, self._subjects, self.run)
        last = await log.last()
        if last is None:
            waiting = self._subjects.prompt_of_any_model(self.run)
            stream = self._subjects.prompts_stream
            if not await until_answered(connection, lambda: stored_messages(connection, stream, waiting)):
                last = await log.last()  # a worker may have taken the prompt meanwhile
                if last is None:
                    raise StatusError.of(
                        _GONE, f"nothing is known of the run {self.run!r}; a run is kept for an hour"
                    )
        if self._is_continued:
            return RunAnswer(hold=self._hold, attempt=self._attempt, is_continued=True)
        return RunAnswer(hold=self._hold, attempt=0 if last is None else last.attempt)

    async def submit(self, connection: BusConnection) -> bool:
        """Store nothing."""
        del connection
        return False

    async def withdraw(self, connection: BusConnection, reason: str) -> None:
        """Stop nothing: the run belongs to the client that has started it."""


def _not_taken(error: APIError) -> StatusError:
    return StatusError.of(_UNAVAILABLE, f"the bus does not take the prompt: {error.description}")
