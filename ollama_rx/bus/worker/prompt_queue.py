"""Take prompts for a set of models from the bus, as many at a time as there are free slots.

While a slot is free, one request per model waits at the server for a prompt. So two prompts may arrive for
one slot: the second is given back at once (nak), for another worker or for later, and loses no attempt.

The requests are published as plain messages. The pull subscriptions of nats-py need a task each and do not
survive every loss of the server.
Source: https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

import orjson
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from ollama_rx.bus.connection.bus_connection import BusConnection
from ollama_rx.bus.connection.lost_cancellation import LostCancellation
from ollama_rx.bus.connection.subscribed import subscribed
from ollama_rx.bus.streams import prepare_model, prepare_streams
from ollama_rx.bus.subjects import Subjects, word_of
from ollama_rx.transport.timeouts import TimeLimit

Release = Callable[[], None]
"""Frees a slot; a second call does nothing."""

_WAIT: Final = 30.0  # seconds for which a request waits at the server
_LOST: Final = _WAIT + 5.0  # seconds after which an unanswered request counts as lost
_RETRY: Final = 0.25  # seconds from a refused request to the next one
_REQUEST = orjson.dumps({"batch": 1, "expires": int(_WAIT * 1e9)})
_STATUS = "Status"
_EXPIRED = "408"

_log = logging.getLogger("ollama_rx.bus")


class PromptQueue:
    """Calls ``take`` with each prompt and the function that frees its slot."""

    def __init__(
        self,
        connection: BusConnection,
        subjects: Subjects,
        *,
        slots: int,
        take: Callable[[Msg, Release], object],
    ) -> None:
        self._connection = connection
        self._subjects = subjects
        self._free = slots
        self._take = take
        self._inbox = connection.nats.new_inbox()
        self._models: dict[str, str] = {}  # names by word, the least recently served first
        self._lost_at: dict[str, float] = {}  # by word: when the waiting request counts as lost
        self._refused: set[str] = set()  # words of the models whose consumer may be missing
        self._unwanted: list[Msg] = []  # prompts to give back
        self._news = asyncio.Event()

    def set_models(self, names: Iterable[str]) -> None:
        """Take prompts for these models from now on."""
        models = {word_of(name): name for name in names}
        kept = {word: name for word, name in self._models.items() if word in models}
        self._models = {**kept, **models}
        self._news.set()

    async def run(self) -> None:
        """Take prompts until this task is cancelled; then give back the prompts that are still arriving."""
        forget = self._connection.on_reconnect(self._ask_anew)
        try:
            async with subscribed(self._connection, f"{self._inbox}.*", self._received, drains=True):
                try:
                    await self._ask_again_and_again()
                finally:
                    self._models = {}  # so that no more prompts are taken
        finally:
            forget()
            await self._give_back()

    async def _ask_again_and_again(self) -> None:
        while True:
            self._news.clear()
            await self._give_back()
            await self._ask_for_prompts()
            with suppress(TimeoutError):
                async with TimeLimit(_LOST):
                    await self._news.wait()

    async def _ask_for_prompts(self) -> None:
        now = asyncio.get_running_loop().time()
        for word, name in tuple(self._models.items()):
            if self._free < 1 or not self._connection.is_connected:
                return
            if self._lost_at.get(word, now) > now:
                continue
            self._lost_at[word] = now + _LOST
            try:
                if word in self._refused:
                    await self._make_queue(name)
                    self._refused.discard(word)
                subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._subjects.prompts_stream}.{word}"
                await self._connection.nats.publish(subject, _REQUEST, reply=f"{self._inbox}.{word}")
            except (NatsError, TimeoutError) as error:
                _log.debug("no request for a prompt: %s", error)
                self._ask_later(word)

    async def _make_queue(self, model: str) -> None:
        """Make the queue of a model again after somebody has deleted it."""
        with LostCancellation():
            await prepare_streams(self._connection, self._subjects)
            await prepare_model(self._connection, self._subjects, model)

    def _ask_later(self, word: str) -> None:
        def retry() -> None:
            self._lost_at.pop(word, None)
            self._news.set()

        asyncio.get_running_loop().call_later(_RETRY, retry)

    def _ask_anew(self) -> None:
        """Forget the requests that were lost with the connection."""
        self._lost_at.clear()
        self._news.set()

    def _received(self, message: Msg) -> None:
        if not message.subject.startswith(self._inbox):  # a prompt, whatever its headers say
            self._received_prompt(message)
            return
        word = message.subject.rpartition(".")[2]
        if (message.headers or {}).get(_STATUS) == _EXPIRED:
            self._lost_at.pop(word, None)
            self._news.set()
        else:
            self._refused.add(word)
            self._ask_later(word)

    def _received_prompt(self, message: Msg) -> None:
        word = message.subject.split(".")[-2]
        self._lost_at.pop(word, None)
        name = self._models.pop(word, None)
        if name is not None:
            self._models[word] = name  # moved to the end: the other models get the next slots first
        if name is None or self._free < 1:
            self._unwanted.append(message)
        else:
            self._free -= 1
            self._take(message, self._release_once())
        self._news.set()

    async def _give_back(self) -> None:
        while self._unwanted:
            with suppress(NatsError):
                await self._unwanted.pop().nak()

    def _release_once(self) -> Release:
        is_taken = True

        def release() -> None:
            nonlocal is_taken
            if is_taken:
                is_taken = False
                self._free += 1
                self._news.set()

        return release
