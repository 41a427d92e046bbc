"""One stream for any number of readers, who may come late, leave, and come back."""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from math import inf
from types import TracebackType
from typing import Self

from reactivex import Observable

from ollama_rx.arguments import check_instance, check_seconds, check_whole
from ollama_rx.errors import OllamaError
from ollama_rx.rx.event_loops import run_on_loop
from ollama_rx.web.event_log import Bounds, EventLog, LoggedEvent
from ollama_rx.web.loop_source import LoopSource
from ollama_rx.web.web_event import StreamEvents, WebEvent, done_event, error_event, reset_event

_log = logging.getLogger(__name__)

Stream = Observable[object]


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

    Everything happens on the event loop on which the stream was started; only ``stop`` may be called from
    another thread. A stream that sends from other threads is slowed down when the loop cannot keep up. One
    that sends all its items at once on the loop, as ``reactivex.from_iterable`` does, keeps the whole server
    waiting meanwhile; if they are far more than the log keeps, it ends with an error.

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
        self._source: LoopSource | None = None
        self._readers: set[ReplayReader] = set()
        self._stopping: asyncio.TimerHandle | None = None
        self._newest_before_turn: int | None = None
        self._is_over = False

    @property
    def has_started(self) -> bool:
        """Whether the stream was requested."""
        return self._source is not None

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
        if self._source is not None:
            raise RuntimeError("this Replay has a stream already; each stream needs one of its own")
        _running_loop("started")
        source = LoopSource(self._take, self._end)
        self._source = source
        self._now = source.loop.time
        self._events = StreamEvents(self._now)
        self._stop_without_readers()
        source.subscribe(stream)

    def stop(self) -> None:
        """Close the request; readers receive "done" with the reason "stopped". From any thread."""
        if self._source is not None:
            run_on_loop(self._source.loop, self._stop)

    def join(self, after: str | None = None) -> "ReplayReader":
        """Return a reader, on the event loop of the stream.

        Args:
            after: the id of the last event that the reader has; None gives everything.

        Raises:
            RuntimeError: the stream runs on another event loop, or there is no running event loop.
        """
        loop = _running_loop("joined")
        if self._source is not None and self._source.loop is not loop:
            raise RuntimeError("the stream of this Replay runs on another event loop; join it there")
        self._log.expire(loop.time())
        reader = ReplayReader(self, self._log, after)
        self._readers.add(reader)
        self._cancel_stop()
        return reader

    def leave(self, reader: "ReplayReader") -> None:
        """Remove a reader; the last one starts the grace time."""
        self._readers.discard(reader)
        self._stop_without_readers()

    def _stop_without_readers(self) -> None:
        if self._source is None or self._readers or self._is_over or self._grace is None:
            return
        self._cancel_stop()
        self._stopping = self._source.loop.call_later(self._grace, self._stop)

    def _cancel_stop(self) -> None:
        if self._stopping is not None:
            self._stopping.cancel()
            self._stopping = None

    def _stop(self) -> None:
        self._finish(done_event("stopped"))

    def _take(self, items: Sequence[object]) -> None:
        try:
            for item in items:
                for event in self._events.of(item):
                    self._log.append(event, self._now())
            if self._log.missed:
                self._refuse_flood()
        except Exception as error:  # noqa: BLE001 - what cannot be sent ends the stream
            self._end(error)
        else:
            self._wake_readers()

    def _refuse_flood(self) -> None:
        """Raise if events were dropped before the loop had a turn in which readers could read them."""
        if self._newest_before_turn is None:
            self._newest_before_turn = self._log.last
            asyncio.get_running_loop().call_soon(self._note_turn)
        elif self._log.missed > self._newest_before_turn:
            raise RuntimeError(
                "the stream keeps the event loop busy and has sent more than this Replay keeps: nobody can "
                "read it. Let it send from a thread (`subscribe_on`), or raise max_events and max_bytes"
            )

    def _note_turn(self) -> None:
        self._newest_before_turn = None

    def _end(self, error: Exception | None) -> None:
        if error is not None and not isinstance(error, OllamaError):
            _log.error("a stream for the web has failed", exc_info=error)
        self._finish(done_event("completed") if error is None else error_event(error))

    def _finish(self, last: WebEvent) -> None:
        """End with this event, unless it has ended, and close the request."""
        source = self._source
        if self._is_over or source is None:
            return
        self._is_over = True
        self._cancel_stop()
        self._log.append(last, self._now())
        self._wake_readers()
        source.close()

    def _wake_readers(self) -> None:
        for reader in self._readers:
            reader.wake()


def _running_loop(done: str) -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise RuntimeError(
            f"no running event loop; a Replay is {done} on that of the server, in an `async def`"
        ) from None


class ReplayReader:
    """Reads the events of a `Replay` on its event loop; its place in the log is all that it has of a queue.

    A reader that is so slow that the log drops what it has not read yet receives a "reset" event.
    """

    __slots__ = (
        "__weakref__",
        "_deadline",
        "_has_left",
        "_last",
        "_log",
        "_loop",
        "_needs_reset",
        "_replay",
        "_timer",
        "_waiting",
    )

    def __init__(self, replay: Replay, log: EventLog, after: str | None) -> None:
        self._replay = replay
        self._log = log
        self._loop = asyncio.get_running_loop()
        last = log.number_of(after) if after else 0
        self._needs_reset = last is None
        self._last = last or 0  # the number of the last event that was read
        self._waiting: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = inf  # of the wait; the timer is set once, and looks at it
        self._has_left = False

    async def read(self, heartbeat: float | None = None) -> Sequence[LoggedEvent] | None:
        """Wait for events; return those that have not been read, () after the last one.

        They are about 64 KiB of JSON at most, unless it is a single one; read again for the others.

        Args:
            heartbeat: seconds after which None is returned if there is no event.

        Raises:
            RuntimeError: another task is reading.
        """
        if self._waiting is not None:
            raise RuntimeError("another task reads with this reader; each needs one of its own")
        while not (events := self.read_nowait()):
            if self.is_at_end:
                return ()
            if not await self._wait(heartbeat):
                return None
        return events

    def read_nowait(self) -> Sequence[LoggedEvent]:
        """Return the events that have not been read, as ``read`` does; () if there are none."""
        log = self._log
        if self._has_left or (self._last == log.last and not self._needs_reset):
            return ()
        events = log.after(self._last)
        if self._needs_reset or self._last < log.missed:
            self._needs_reset = False
            events = [LoggedEvent(reset_event(log.missed)), *events]
        self._last = events[-1].number or self._last
        return events

    @property
    def is_at_end(self) -> bool:
        """Whether nothing will follow: the last event was read, or the reader has left."""
        return self._has_left or (
            self._replay.is_over and self._last >= self._log.last and not self._needs_reset
        )

    async def _wait(self, seconds: float | None) -> bool:
        """Wait until there may be an event; False if there is none in time."""
        waiting: asyncio.Future[bool] = self._loop.create_future()
        self._waiting = waiting
        self._deadline = inf if seconds is None else self._loop.time() + seconds
        self._set_timer()
        try:
            return await waiting
        finally:
            self._waiting = None

    def _set_timer(self) -> None:
        """Let the wait end in time; most waits end before, and leave the timer for the next one."""
        if self._timer is not None:
            if self._timer.when() <= self._deadline:
                return
            self._timer.cancel()
        self._timer = None if self._deadline == inf else self._loop.call_at(self._deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._waiting is None or self._waiting.done():
            return
        if self._loop.time() < self._deadline:
            self._set_timer()
        else:
            self._waiting.set_result(False)

    def wake(self) -> None:
        """Let `read` look again."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(True)

    def leave(self) -> None:
        """Stop reading; a `read` that waits returns ()."""
        if self._has_left:
            return
        self._has_left = True
        self._replay.leave(self)
        self.wake()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()
