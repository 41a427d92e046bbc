"""One stream for any number of readers, who may come late, leave, and come back."""

import asyncio
import logging
import secrets
import time
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

from reactivex import Observable

from ollama_rx.arguments import check_instance, check_seconds, check_whole
from ollama_rx.delivery.iterate import iterate
from ollama_rx.errors import OllamaError
from ollama_rx.web.event_log import Bounds, EventLog, LoggedEvent
from ollama_rx.web.web_event import StreamEvents, WebEvent, done_event, error_event, reset_event

_log = logging.getLogger(__name__)

Stream = Observable[Any]


class Replay:
    """Requests a stream once and keeps its events, so that readers can join at any time and resume.

    ::

        replays[id] = Replay()
        return sse_response(talk.say(prompt), replay=replays[id])    # begins, and reads
        return sse_response(replay=replays[id])                      # in another request: joins

    A reader that names the last event it has (``Last-Event-ID``, which browsers send when they reconnect)
    receives what follows; a new one receives everything. If the log no longer has it, the reader receives a
    "reset" event first, and then what there is. A slow reader never delays the model or the others.

    The model is stopped when there has been no reader for ``grace`` seconds, also if none has ever come.

    Args:
        max_events: how many events are kept.
        max_bytes: how many bytes of JSON are kept.
        max_age: seconds that an event is kept.
        grace: seconds without a reader after which the model is stopped; 0 stops it at once, None never.
    """

    def __init__(
        self,
        *,
        max_events: int = 10_000,
        max_bytes: int = 4 * 2**20,
        max_age: float = 600.0,
        grace: float | None = 10.0,
    ) -> None:
        check_whole("max_events", max_events, least=1)
        check_whole("max_bytes", max_bytes, least=1)
        check_seconds("max_age", max_age)
        if grace is not None:
            check_seconds("grace", grace, zero=True)
        self._log = EventLog(secrets.token_hex(4), Bounds(max_events, max_bytes, max_age))
        self._grace = grace
        self._clock = time.monotonic
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._readers: set[ReplayReader] = set()
        self._leaving: asyncio.TimerHandle | None = None
        self._is_over = False

    @property
    def has_started(self) -> bool:
        """Whether the stream was requested."""
        return self._loop is not None

    @property
    def is_over(self) -> bool:
        """Whether the stream has ended; its events can still be read."""
        return self._is_over

    @property
    def last_id(self) -> str:
        """The id of the newest event; a reader that joins after it receives only what is new."""
        return f"{self._log.run}-{self._log.last}"

    def start(self, stream: Stream) -> None:
        """Request the stream, on the running event loop.

        Raises:
            RuntimeError: this replay has started already, or there is no running event loop.
        """
        check_instance("stream", stream, Observable)
        if self._loop is not None:
            raise RuntimeError("this Replay has a stream already; each stream needs one of its own")
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(stream))
        self._wait_for_readers(self._loop)

    def stop(self) -> None:
        """Close the request; readers receive "done" with the reason "stopped". From any thread."""
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    def join(self, after: str | None = None) -> "ReplayReader":
        """Return a reader, on the event loop of the stream.

        Args:
            after: the id of the last event that the reader has; None gives everything.
        """
        self._log.expire(self._clock())
        reader = ReplayReader(self, self._log, after)
        self._readers.add(reader)
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        return reader

    def leave(self, reader: "ReplayReader") -> None:
        """Remove a reader; the last one starts the grace time."""
        self._readers.discard(reader)
        if not self._readers and self._loop is not None:
            self._wait_for_readers(self._loop)

    def _wait_for_readers(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._is_over or self._grace is None:
            return
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = loop.call_later(self._grace, self.stop)

    async def _run(self, stream: Stream) -> None:
        events = StreamEvents()
        try:
            async for item in iterate(stream):
                for event in events.of(item):
                    self._append(event)
        except asyncio.CancelledError:
            self._end(done_event("stopped"))
        except Exception as error:  # noqa: BLE001 - the stream's error is an event for its readers
            if not isinstance(error, OllamaError):
                _log.exception("a stream for the web has failed")
            self._end(error_event(error))
        else:
            self._end(done_event("completed"))

    def _end(self, last: WebEvent) -> None:
        self._is_over = True
        self._append(last)

    def _append(self, event: WebEvent) -> None:
        self._log.append(event, self._clock())
        for reader in self._readers:
            reader.wake()


class ReplayReader:
    """Reads the events of a `Replay` on its event loop; its place in the log is all that it has of a queue.

    A reader that is so slow that the log drops what it has not read yet receives a "reset" event.
    """

    __slots__ = ("__weakref__", "_has_left", "_last", "_log", "_needs_reset", "_replay", "_waiting")

    def __init__(self, replay: Replay, log: EventLog, after: str | None) -> None:
        self._replay = replay
        self._log = log
        last = 0 if after is None else log.number_of(after)
        self._needs_reset = last is None
        self._last = last or 0  # the number of the last event that was read
        self._waiting: asyncio.Future[bool] | None = None
        self._has_left = False

    async def read(self, heartbeat: float | None = None) -> Sequence[LoggedEvent] | None:
        """Wait for events; return those that have not been read, () after the last one.

        Args:
            heartbeat: seconds after which None is returned if there is no event.
        """
        while not (events := self.read_nowait()):
            if self.is_at_end:
                return ()
            if not await self._wait(heartbeat):
                return None
        return events

    async def _wait(self, seconds: float | None) -> bool:
        """Wait until there may be an event; False if there is none in time."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[bool] = loop.create_future()
        self._waiting = waiting
        timer = (
            None if seconds is None else loop.call_later(seconds, partial(_resolve, waiting, in_time=False))
        )
        try:
            return await waiting
        finally:
            if timer is not None:
                timer.cancel()

    def read_nowait(self) -> Sequence[LoggedEvent]:
        """Return the events that have not been read."""
        if self._has_left:
            return ()
        events = self._log.after(self._last)
        if self._last < self._log.missed or self._needs_reset:
            events = [LoggedEvent(reset_event(self._log.missed)), *events]
            self._needs_reset = False
        self._last = self._log.last
        return events

    @property
    def is_at_end(self) -> bool:
        """Whether nothing will follow: the last event was read, or the reader has left."""
        return self._has_left or (
            self._replay.is_over and self._last >= self._log.last and not self._needs_reset
        )

    def wake(self) -> None:
        """Let `read` look again."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            _resolve(waiting, in_time=True)

    def leave(self) -> None:
        """Stop reading; a `read` that waits returns ()."""
        if not self._has_left:
            self._has_left = True
            self._replay.leave(self)
            self.wake()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()


def _resolve(waiting: asyncio.Future[bool], *, in_time: bool) -> None:
    if not waiting.done():
        waiting.set_result(in_time)
