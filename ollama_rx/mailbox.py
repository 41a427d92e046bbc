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
from typing import TYPE_CHECKING, Generic, Literal, TypeVar, get_args

from ollama_rx._subscription import about_to_block
from ollama_rx.loops import on_loop, users_loop

if TYPE_CHECKING:
    from ollama_rx.flow import Flow

A = TypeVar("A")
T = TypeVar("T")

WhenFull = Literal["pause", "drop_oldest", "fail"]
"""What happens when ``max_waiting`` items wait and one more comes."""

MAX_WAITING = 64
"""How many items may wait where nobody says otherwise: a burst of one read, a second of speech."""


class MailboxFull(Exception):  # noqa: N818 - as queue.Full
    """More items wait than allowed, and ``when_full`` is "fail"."""


class _Mark:
    """A value that no stream carries."""


_NOTHING = _Mark()
_END = _Mark()
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
            readers = self._readers
            if readers:
                self._readers = []
            full = len(waiting) >= self._limit
        if readers:
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
        item = self.get(None, _END)
        if isinstance(item, _Mark):
            raise StopIteration
        return item

    def get(self, timeout: float | None, end: A) -> T | A:
        """Block until there is an item; return ``end`` after the last one."""
        while isinstance(item := self._take(), _Mark):
            if item is _END:
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
        while isinstance(item := self._take(), _Mark):
            if item is _END:
                raise StopAsyncIteration
            loop = asyncio.get_running_loop()
            arrived = loop.create_future()
            self.when_ready(partial(on_loop, loop, partial(_resolve, arrived)))
            await arrived
        return item

    def _take(self) -> T | _Mark:
        with self._lock:
            if not self._items:
                if not self._ended:
                    return _NOTHING
                error, self._error = self._error, None
                if error is not None:
                    raise error
                return _END
            item = self._items.popleft()
            waiting = len(self._items)
        if self._paused or self._writers:
            self._release(waiting)
        return item

    def _make_room(self) -> None:
        if self._when_full != "pause":
            self._drop_or_fail()
            return
        loop = users_loop()
        flow = self.flow
        if loop is None:
            self._block()
        elif flow is not None and flow.loop is loop:
            with self._lock:
                if self._paused or self._ended or len(self._items) < self._limit:
                    return
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
                return
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


def check_waiting(max_waiting: int, when_full: WhenFull) -> None:
    """Refuse values that can't be meant."""
    if max_waiting < 1:
        raise ValueError(f"max_waiting: at least 1 item must be allowed to wait, got {max_waiting}")
    if when_full not in get_args(WhenFull):
        raise ValueError(f"when_full: one of {', '.join(get_args(WhenFull))}, got {when_full!r}")


def _ring(bells: Iterable[_Bell]) -> None:
    for bell in bells:
        bell()


def _resolve(arrived: asyncio.Future[None]) -> None:
    if not arrived.done():
        arrived.set_result(None)
