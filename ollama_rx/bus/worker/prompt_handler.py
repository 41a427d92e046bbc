"""How a worker handles one prompt, from receiving its message to acknowledging it.

A prompt is acknowledged, and so leaves the queue, only when its run log has a final event. Until then it is
delivered to a worker again: soon after a failure that another attempt may fix, and a few seconds after its
worker has died.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from ollama_rx.bus.runs.large_bodies import delete_body, get_body
from ollama_rx.bus.runs.prompt import Prompt
from ollama_rx.bus.runs.run_event import EventKind, RunEvent
from ollama_rx.bus.runs.run_log import NOTHING_STORED, RunLog, SupersededError
from ollama_rx.bus.subjects import is_run
from ollama_rx.bus.worker.attempt import UNREAD, Attempt, Workplace
from ollama_rx.bus.worker.host_failure import HostFailure
from ollama_rx.bus.worker.reader_watch import ReaderWatch
from ollama_rx.bus.worker.spread import spread_over
from ollama_rx.errors import OllamaError, StatusError, UnreachableError, excerpt

PATHS: Final = frozenset({"/api/generate", "/api/chat", "/api/embed"})
"""The endpoints that a prompt may use: those that change nothing on a host."""

_SIGN_OF_LIFE = 0.75  # seconds between two in-progress messages; the ack wait is 3
_NEXT_ATTEMPT = 0.5  # seconds until the prompt is delivered for another attempt
_BAD_REQUEST = 400
_INTERNAL_ERROR = 500

_log = logging.getLogger("ollama_rx.bus")


class _Verdict(Enum):
    """What to do with the message of a prompt."""

    DONE = "the run is over: acknowledge it"
    AGAIN = "another attempt may do better: give it back, for a moment later"
    BACK = "somebody reads the answer again: give it back"
    LEFT = "another worker has it"


async def handle(place: Workplace, message: Msg, leave_slot: Callable[[], object]) -> None:
    """Answer the prompt in a message of the queue; then acknowledge the message, give it back or leave it.

    ``leave_slot`` is called as soon as the prompt only waits for a reader and needs no model.
    """
    run = message.subject.rpartition(".")[2]
    if not is_run(run):  # such as "*", a wildcard that would match the logs of all runs
        _log.warning("a prompt with the id %s is thrown away", excerpt(ascii(run)))
        with suppress(NatsError):
            await message.ack()
        return
    with place.controls.picked_up(run) as is_first:
        if is_first:  # else it was redelivered after a lost connection; the first one settles it
            await _settle(place, message, run, leave_slot)


async def _settle(place: Workplace, message: Msg, run: str, leave_slot: Callable[[], object]) -> None:
    handler = _Handler(place, message, run, leave_slot)
    signs = asyncio.create_task(_show_signs_of_life(place, message))
    try:
        verdict = await handler.verdict()
    except asyncio.CancelledError:
        with suppress(NatsError):
            await message.nak()  # so that another worker gets the prompt before the ack wait is over
        raise
    finally:
        signs.cancel()
    with suppress(NatsError):  # the prompt is delivered again then, and its log says what to do
        if verdict is _Verdict.DONE:
            await message.ack()
            await handler.clean_up()
        elif verdict is not _Verdict.LEFT:
            await message.nak(_NEXT_ATTEMPT if verdict is _Verdict.AGAIN else None)


async def _show_signs_of_life(place: Workplace, message: Msg) -> None:
    await asyncio.sleep(spread_over(_SIGN_OF_LIFE))
    while True:
        if place.connection.is_connected:
            with suppress(NatsError):
                await message.in_progress()
        await asyncio.sleep(_SIGN_OF_LIFE)


class _Handler:
    """Answers one prompt and decides what to do with its message."""

    def __init__(self, place: Workplace, message: Msg, run: str, leave_slot: Callable[[], object]) -> None:
        self._place = place
        self._message = message
        self._run = run
        self._leave_slot = leave_slot
        self._log = RunLog(place.connection, place.subjects, run)

    async def verdict(self) -> _Verdict:
        """Answer the prompt; a failure is stored in its run log, unless the bus does not answer."""
        try:
            return await self._answered()
        except SupersededError as refused:
            return _Verdict.DONE if refused.last is not None and refused.last.is_final else _Verdict.LEFT
        except OllamaError as error:
            _log.warning("run %s is left to another worker: %s", self._run, error)
            return _Verdict.LEFT

    async def _answered(self) -> _Verdict:
        last = await self._log.last()
        if last is not None and last.is_final:
            return _Verdict.DONE
        if last is not None and last.kind is not EventKind.CUT and await self._is_held_elsewhere():
            return _Verdict.LEFT
        try:
            return await self._attempted(last)
        except (SupersededError, UnreachableError):
            raise
        except StatusError as error:
            return await self._failed(await self._log.last(), HostFailure.of(error))
        except Exception as error:  # noqa: BLE001 - the client must be told of any error
            _log.exception("run %s cannot be answered", self._run)
            return await self._failed(await self._log.last(), HostFailure.of(error))

    async def _attempted(self, last: RunEvent | None) -> _Verdict:
        position = NOTHING_STORED if last is None else last.position
        number = 1 if last is None else last.attempt + 1
        if number > self._place.max_attempts:
            reason = f"{number - 1} workers have died while they answered this prompt"
            return await self._failed(last, HostFailure(_INTERNAL_ERROR, reason))
        try:
            prompt = self._read()
        except ValueError as error:
            _log.warning("run %s is not a prompt that this worker can answer: %s", self._run, error)
            return await self._failed(last, HostFailure(_BAD_REQUEST, str(error)))
        readers = ReaderWatch(
            self._place.connection, self._place.subjects.readers(self._run), grace=prompt.grace
        )
        attempt = Attempt(self._place, prompt, self._log, readers, number)
        with self._place.controls.hold(self._run, attempt.follow_hint):
            if not prompt.detached and not await readers.is_read():
                self._leave_slot()
                if await readers.read_again():
                    return _Verdict.BACK
                await self._end_run(last, EventKind.CANCELLED, UNREAD)
                return _Verdict.DONE
            failure = await attempt.run(await self._body_of(prompt), after=position)
        return _Verdict.DONE if failure is None else await self._after(failure, prompt.model)

    async def _after(self, failure: HostFailure, model: str) -> _Verdict:
        """After a failure of the host, give the prompt back if any worker has the model; otherwise fail it.

        This worker asks its hosts for their models before the slot is free again: a worker with a dead host
        is never busy, so it would otherwise take more prompts than all others.
        """
        await self._place.look_at_hosts()
        if await self._place.registry.workers_with(model):
            return _Verdict.AGAIN
        return await self._failed(await self._log.last(), failure)

    async def _is_held_elsewhere(self) -> bool:
        return await self._place.controls.is_held_elsewhere(self._run)

    def _read(self) -> Prompt:
        prompt = Prompt.of(self._message)
        if prompt.run != self._run:
            raise ValueError("its subject names another run")
        if prompt.path not in PATHS:
            raise ValueError(f"prompts cannot be sent to {excerpt(prompt.path)}")
        return prompt

    async def _body_of(self, prompt: Prompt) -> bytes:
        if prompt.body_name:
            return await get_body(self._place.connection, self._place.subjects, prompt.body_name)
        return prompt.body

    async def clean_up(self) -> None:
        """Delete the body of the prompt from the object store, if it is there."""
        with suppress(ValueError, OllamaError):  # not a prompt, or not deleted: the body expires
            name = Prompt.of(self._message).body_name
            if name:
                await delete_body(self._place.connection, self._place.subjects, name)

    async def _failed(self, last: RunEvent | None, failure: HostFailure) -> _Verdict:
        if last is None or not last.is_final:
            await self._end_run(last, EventKind.FAILED, failure.to_json())
        return _Verdict.DONE

    async def _end_run(self, last: RunEvent | None, kind: EventKind, payload: bytes) -> None:
        """Store an event that ends the run and belongs to no attempt."""
        event = RunEvent(self._run, 0, 0, kind, payload, writer=secrets.token_hex(4))
        await self._log.append(event, after=NOTHING_STORED if last is None else last.position)
