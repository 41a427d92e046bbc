"""Ask all hosts which models they have, and which of those are in memory; beside the streams."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx.client.hosts.failures import Failure, failure_of
from ollama_rx.client.hosts.host_pool import HostPool
from ollama_rx.client.hosts.host_state import HostState
from ollama_rx.errors import TotalTimeout
from ollama_rx.protocol.readers import JsonReader
from ollama_rx.responses import models_of, running_of
from ollama_rx.rx.internal_loop import TASK_NAME, begin_on_thread
from ollama_rx.transport.request_stream import RequestStream
from ollama_rx.transport.session import PreparedRequest, Session
from ollama_rx.transport.timeouts import Timeouts

T = TypeVar("T")

_FRESH = 5.0  # seconds for which an answer is used without asking again
_LIMIT = 2.0  # seconds
_TIMEOUTS = Timeouts(connect=_LIMIT, first_chunk=None, idle=None, total=_LIMIT)


class LookUps:
    """Looks all hosts up when a stream begins and the last look-up began more than 5 seconds ago.

    A look-up has a thread of its own with an internal loop, which end with it. No stream waits for it but the
    first ones, which know nothing yet; see `wait_for_first`.
    """

    def __init__(
        self, pool: HostPool, hosts: Sequence[HostState], max_line_bytes: int, clock: Callable[[], float]
    ) -> None:
        self.is_worth_waiting = True
        """Whether the first look-up has neither ended nor been given up."""
        self._pool = pool
        self._hosts = hosts
        self._max_line_bytes = max_line_bytes
        self._clock = clock
        self._lock = threading.RLock()
        self._is_running = False
        self._stale_from = float("-inf")
        self._waiting: list[Future[None]] = []

    def refresh(self) -> None:
        """Begin a look-up, unless one is running or what is known is fresh."""
        with self._lock:
            if self._is_running or self._clock() < self._stale_from:
                return
            self._is_running = True
            self._stale_from = self._clock() + _FRESH
        try:
            begin_on_thread(self._begin, lambda _: self._ended(), name="ollama-rx look-up")
        except RuntimeError:  # there can be no more threads; a stream on an event loop needs none
            self._ended()

    def wait_for_first(self) -> Future[None]:
        """Return what is done when the first look-up has ended or been given up; it may be cancelled."""
        end: Future[None] = Future()
        with self._lock:
            if self.is_worth_waiting:
                self._waiting.append(end)
                return end
        end.set_result(None)
        return end

    def stop_waiting(self) -> None:
        """Let no stream wait for the first look-up any longer."""
        with self._lock:
            self.is_worth_waiting = False
            waiting, self._waiting = self._waiting, []
        for end in waiting:
            if end.set_running_or_notify_cancel():
                end.set_result(None)

    def _ended(self) -> None:
        with self._lock:
            self._is_running = False
        self.stop_waiting()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[bool]":
        return loop.create_task(self._look_up_all(), name=TASK_NAME)

    async def _look_up_all(self) -> bool:
        try:
            await asyncio.gather(*map(self._look_up, self._hosts))
        finally:
            self._ended()
        return False

    async def _look_up(self, host: HostState) -> None:
        session = host.session.with_timeouts(_TIMEOUTS)
        try:
            models, running = await asyncio.gather(
                self._fetch(session, "/api/tags", models_of), self._fetch(session, "/api/ps", running_of)
            )
        except Exception as error:  # noqa: BLE001 - a host that fails is tried last, and says itself what is wrong
            if isinstance(error, TotalTimeout) or failure_of(error) is Failure.REST:
                self._pool.failed(host, Failure.REST, error, None)
            return
        names, loaded = ([one.name for one in found if one.name] for found in (models, running))
        self._pool.looked_up(host, names, loaded)

    async def _fetch(
        self, session: Session, path: str, item: Callable[[dict[str, object]], Sequence[T]]
    ) -> Sequence[T]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Sequence[T]] = loop.create_future()
        request = PreparedRequest("GET", path)
        stream = RequestStream(session, lambda: request, lambda: JsonReader(item, self._max_line_bytes))
        stream.subscribe(found.set_result, found.set_exception, scheduler=AsyncIOScheduler(loop))
        return await found
