"""A bounded queue between threads and event loops; it keeps the order of the items.

Blocking sinks, `iterate`, the `Queue` sink and the embedded model all use it. A full mailbox makes its writer
wait: on the loop of ``upstream`` the sources are paused through that `PausableScheduler`; a plain thread (or
an internal loop, which serves a single stream) is blocked.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from enum import Enum
from functools import partial
from threading import Lock, RLock
from typing import Final, Generic, Literal, TypeVar, get_args

from ollama_rx.arguments import check_choice, check_whole
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.event_loops import about_to_block, run_on_loop, running_loop, user_loop

A = TypeVar("A")
T = TypeVar("T")

WhenFull = Literal["pause", "drop_oldest", "fail"]
"""What happens when ``max_waiting`` items wait and one more arrives."""

MAX_WAITING = 64
"""How many items may wait by default: the items of one read, or a second of speech."""


class MailboxFull(Exception):  # noqa: N818 - as queue.Full
    """More items wait than allowed, and ``when_full`` is "fail"."""


class Sentinel(Enum):
    """Values that no stream carries; members, so that type checkers understand ``is`` and ``is not``."""

    EMPTY = "no item is waiting"
    END = "no more items will arrive"

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


EMPTY: Final = Sentinel.EMPTY
END: Final = Sentinel.END

_Callback = Callable[[], object]


def check_waiting(max_waiting: int, when_full: WhenFull) -> None:
    """Refuse a limit below 1 and an unknown ``when_full``."""
    check_whole("max_waiting", max_waiting, least=1)
    check_choice("when_full", when_full, get_args(WhenFull))


class Mailbox(Generic[T]):
    """A bounded queue with an end; iterate over it with ``for`` or ``async for``.

    Args:
        max_waiting: how many items may wait, at least 1.
        when_full: "pause" makes the writer wait until half of them are taken. A source that cannot wait,
            because it pushes on the user's loop and reads from no request, continues and the mailbox grows.
            "drop_oldest" keeps the newest items, "fail" raises `MailboxFull` to the writer.
    """

    def __init__(self, max_waiting: int = MAX_WAITING, when_full: WhenFull = "pause") -> None:
        check_waiting(max_waiting, when_full)
        self.upstream: PausableScheduler | None = None
        self._limit = max_waiting
        self._when_full = when_full
        self._lock = RLock()  # re-entrant: garbage collection may call `close` inside `put`
        self._items: deque[T] = deque()
        self._readers: list[_Callback] = []
        self._writers: list[_Callback] = []
        self._ended = False
        self._error: Exception | None = None
        self._paused = False

    @property
    def ended(self) -> bool:
        """Whether the mailbox accepts no more items."""
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
            readers: list[_Callback] | None = None
            if self._readers:
                readers, self._readers = self._readers, []
            full = len(waiting) >= self._limit
        if readers is not None:
            _call_all(readers)
        if full:
            self._make_room()

    def end(self, error: Exception | None = None) -> None:
        """End the mailbox: readers receive the items that still wait, then the end or this error."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._error = error
            readers, self._readers = self._readers, []
        _call_all(readers)
        self._release_writers(waiting=0)

    def close(self) -> None:
        """End now: drop the waiting items and wake every reader and writer."""
        with self._lock:
            self._items.clear()
            self._error = None
        self.end()

    def when_ready(self, callback: _Callback) -> None:
        """Call ``callback`` once, as soon as an item can be taken or the end is reached, which may be now."""
        with self._lock:
            self._readers.append(callback)  # first, because a signal handler may call `end` at any moment
            ready = (bool(self._items) or self._ended) and self._forget_reader(callback)
        if ready:
            callback()

    def __iter__(self) -> "Mailbox[T]":
        return self

    def __next__(self) -> T:
        item = self.get(None, END)
        if isinstance(item, Sentinel):
            raise StopIteration
        return item

    def get(self, timeout: float | None, end: A) -> T | A:
        """Block until there is an item; return ``end`` after the last one."""
        while isinstance(item := self.get_nowait(), Sentinel):
            if item is END:
                return end
            arrived = Lock()
            arrived.acquire()
            self.when_ready(arrived.release)
            try:
                in_time = arrived.acquire(timeout=-1 if timeout is None else timeout)
            finally:
                self._forget_reader(arrived.release)  # unless it was called; Ctrl-C may have ended the wait
            if not in_time:
                raise TimeoutError(f"nothing arrived within {timeout:g} s")
        return item

    def __aiter__(self) -> "Mailbox[T]":
        return self

    async def __anext__(self) -> T:
        while isinstance(item := self.get_nowait(), Sentinel):
            if item is END:
                raise StopAsyncIteration
            await self.ready()
        return item

    async def ready(self) -> None:
        """Wait until `get_nowait` returns something other than `EMPTY`, unless another reader takes it."""
        loop = asyncio.get_running_loop()
        arrived = loop.create_future()
        callback = partial(run_on_loop, loop, partial(_resolve, arrived))
        self.when_ready(callback)
        try:
            await arrived
        except asyncio.CancelledError:
            self._forget_reader(callback)
            raise

    def _forget_reader(self, callback: _Callback) -> bool:
        """Remove a callback that has not been called; False if there is no such callback."""
        with self._lock:
            try:
                self._readers.remove(callback)
            except ValueError:
                return False
        return True

    def get_nowait(self) -> T | Sentinel:
        """Take an item without waiting; `EMPTY` if there is none yet, `END` after the last one.

        Raises the error that the mailbox was ended with, once, after the items.
        """
        with self._lock:
            if not self._items:
                return self._end_or_empty()
            item = self._items.popleft()
            waiting = len(self._items)
        if self._paused or self._writers:
            self._release_writers(waiting)
        return item

    def get_all_nowait(self) -> list[T] | Sentinel:
        """Take all waiting items in one call, in order; like `get_nowait`, and never an empty list."""
        with self._lock:
            if not self._items:
                return self._end_or_empty()
            items = list(self._items)
            self._items.clear()
        if self._paused or self._writers:
            self._release_writers(waiting=0)
        return items

    def _end_or_empty(self) -> Sentinel:
        if not self._ended:
            return EMPTY
        error, self._error = self._error, None
        if error is not None:
            raise error
        return END

    def _make_room(self) -> None:
        if self._when_full != "pause":
            self._drop_or_fail()
            return
        if self._paused:
            return  # a source that cannot be paused continues
        upstream = self.upstream
        if upstream is not None and upstream.loop is running_loop():
            self._pause(upstream)  # also on an internal loop: the reader may be a task on it
        elif user_loop() is None:
            self._block()

    def _pause(self, upstream: PausableScheduler) -> None:
        with self._lock:
            if self._ended or len(self._items) < self._limit:
                return  # another thread has just taken an item, or closed the mailbox
            self._paused = True
        upstream.pause()

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
            self._writers.append(room.release)  # first, because `close` may be called at any moment
            if self._ended or len(self._items) < self._limit:
                return  # another thread has just taken an item, or closed the mailbox
        about_to_block()
        room.acquire()

    def _release_writers(self, waiting: int) -> None:
        """Let the writers continue once half of the items are taken, so as not to wake for each item."""
        if waiting > self._limit // 2:
            return
        with self._lock:
            writers, self._writers = self._writers, []
            paused, self._paused = self._paused, False
        _call_all(writers)
        if paused and self.upstream is not None:
            run_on_loop(self.upstream.loop, self.upstream.resume)


def _call_all(callbacks: Iterable[_Callback]) -> None:
    for callback in callbacks:
        callback()


def _resolve(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)
