"""Items on their way from one thread or loop to another: in order, none lost, few waiting.

The one queue behind blocking sinks, `iterate` and the `Queue` sink. A full mailbox makes its writer
wait, in the way that fits where the writer runs: a plain thread (or a loop of ours, which serves one
stream only) is blocked; on the user's loop the streams are paused through their `Flow`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from threading import Lock, RLock
from typing import Generic, TypeVar

from ollama_rx.flow.beginning import about_to_block
from ollama_rx.flow.flow import Flow
from ollama_rx.flow.loops import on_loop, users_loop
from ollama_rx.flow.waiting import MAX_WAITING, MailboxFull, WhenFull, check_waiting

A = TypeVar("A")
T = TypeVar("T")


class Mark:
    """A value that no stream carries."""


NOTHING = Mark()
"""There is no item yet."""
END = Mark()
"""There will be no more items."""

_Bell = Callable[[], object]


class Mailbox(Generic[T]):
    """A bounded queue with an end; iterate over it with ``for`` or ``async for``.

    Args:
        max_waiting: how many items may wait, at least 1.
        when_full: "pause" makes the writer wait until half of them are taken. A source that can't
            wait, because it pushes on the user's loop and reads from no request, goes on and the
            mailbox grows. "drop_oldest" keeps the newest, "fail" raises `MailboxFull` to the writer.
    """

    def __init__(self, max_waiting: int = MAX_WAITING, when_full: WhenFull = "pause") -> None:
        check_waiting(max_waiting, when_full)
        self.flow: Flow | None = None
        self._limit = max_waiting
        self._when_full = when_full
        self._lock = RLock()  # re-entrant: garbage collection may call `close` inside `put`
        self._items: deque[T] = deque()
        self._readers: list[_Bell] = []
        self._writers: list[_Bell] = []
        self._ended = False
        self._error: Exception | None = None
        self._paused = False

    @property
    def ended(self) -> bool:
        """Whether nothing more can be put in."""
        return self._ended

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item; ignored after the end."""
        with self._lock:
            if self._ended:
                return
            waiting = self._items
            waiting.append(item)
            readers: list[_Bell] | None = None
            if self._readers:
                readers, self._readers = self._readers, []
            full = len(waiting) >= self._limit
        if readers is not None:
            _ring(readers)
        if full:
            self._make_room()

    def end(self, error: Exception | None = None) -> None:
        """Let readers come to an end, or to this error, after the items that still wait."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._error = error
            readers, self._readers = self._readers, []
        _ring(readers)
        self._release(waiting=0)

    def close(self) -> None:
        """End now: what waits is dropped, whoever waits goes on."""
        with self._lock:
            self._items.clear()
            self._error = None
        self.end()

    def when_ready(self, bell: _Bell) -> None:
        """Ring once as soon as there is something to take or the end is reached; at once if it is."""
        with self._lock:
            ready = bool(self._items) or self._ended
            if not ready:
                self._readers.append(bell)
        if ready:
            bell()

    def __iter__(self) -> "Mailbox[T]":
        return self

    def __next__(self) -> T:
        item = self.get(None, END)
        if isinstance(item, Mark):
            raise StopIteration
        return item

    def get(self, timeout: float | None, end: A) -> T | A:
        """Block until there is an item; return ``end`` after the last one."""
        while isinstance(item := self.poll(), Mark):
            if item is END:
                return end
            arrived = Lock()
            arrived.acquire()
            self.when_ready(arrived.release)
            if not arrived.acquire(timeout=-1 if timeout is None else timeout):
                raise TimeoutError(f"nothing came within {timeout:g} s")
        return item

    def __aiter__(self) -> "Mailbox[T]":
        return self

    async def __anext__(self) -> T:
        while isinstance(item := self.poll(), Mark):
            if item is END:
                raise StopAsyncIteration
            await self.ready()
        return item

    async def ready(self) -> None:
        """Wait until `poll` gives something other than `NOTHING`, as far as nobody else takes it."""
        loop = asyncio.get_running_loop()
        arrived = loop.create_future()
        self.when_ready(partial(on_loop, loop, partial(_resolve, arrived)))
        await arrived

    def poll(self) -> T | Mark:
        """Take an item without waiting; `NOTHING` if there is none yet, `END` after the last one.

        Raises the error the mailbox has ended with, once, after the items.
        """
        with self._lock:
            if not self._items:
                if not self._ended:
                    return NOTHING
                error, self._error = self._error, None
                if error is not None:
                    raise error
                return END
            item = self._items.popleft()
            waiting = len(self._items)
        if self._paused or self._writers:
            self._release(waiting)
        return item

    def _make_room(self) -> None:
        if self._when_full != "pause":
            self._drop_or_fail()
            return
        if self._paused:
            return  # a source that goes on all the same
        loop = users_loop()
        flow = self.flow
        if loop is None:
            self._block()
        elif flow is not None and flow.loop is loop:
            self._pause(flow)

    def _pause(self, flow: Flow) -> None:
        with self._lock:
            if self._ended or len(self._items) < self._limit:
                return  # another thread has just read, or left
            self._paused = True
        flow.pause()

    def _drop_or_fail(self) -> None:
        with self._lock:
            if len(self._items) <= self._limit:
                return
            if self._when_full == "drop_oldest":
                self._items.popleft()
                return
            self._items.pop()
        raise MailboxFull(f"{self._limit} items wait already (max_waiting)")

    def _block(self) -> None:
        room = Lock()
        room.acquire()
        with self._lock:
            if self._ended or len(self._items) < self._limit:
                return  # another thread has just read, or left
            self._writers.append(room.release)
        about_to_block()
        room.acquire()

    def _release(self, waiting: int) -> None:
        """Let the writers go on; half empty at least, so that they don't wake for each item."""
        if waiting > self._limit // 2:
            return
        with self._lock:
            writers, self._writers = self._writers, []
            paused, self._paused = self._paused, False
        _ring(writers)
        if paused and self.flow is not None:
            on_loop(self.flow.loop, self.flow.resume)


def _ring(bells: Iterable[_Bell]) -> None:
    for bell in bells:
        bell()


def _resolve(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)
