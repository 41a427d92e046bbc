"""What the fake server observes: every request, the progress of its answer, the client's disconnect.

Tests wait for these from a thread or from asyncio, without polling and without sleeping.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
_Find = Callable[[], T | None]


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    #: names in lower case
    headers: Mapping[str, str]
    body: bytes
    #: the parsed body, empty if it is not a JSON object
    json: Mapping[str, object]
    #: when it had arrived completely, by `time.monotonic()`
    at: float
    #: the connection it came on: 1 is the first that the server accepted
    connection: int


@dataclass(eq=False, slots=True)
class ObservedExchange:
    """One request and the progress of its answer; updated by the server while you read it."""

    request: Request
    status: int | None = None
    #: newlines written to the socket so far
    lines_written: int = 0
    #: bytes of the body written to the socket so far, without HTTP framing
    bytes_written: int = 0
    #: how often the server had to wait because the client did not read
    pauses: int = 0
    #: whether the server is waiting for that now
    paused: bool = False
    #: when the whole answer had been written to the socket, by `time.monotonic()`
    answered_at: float | None = None
    #: when the client disconnected before that, by `time.monotonic()`
    disconnected_at: float | None = None
    #: the exception that the script raised while the answer was written; the client sees a cut connection
    failure: Exception | None = None

    @property
    def disconnected(self) -> bool:
        """Whether the client disconnected before the whole answer was written."""
        return self.disconnected_at is not None

    def __str__(self) -> str:
        if self.failure is not None:
            state = f"the script failed: {self.failure!r}"
        elif self.disconnected:
            state = "client disconnected"
        elif self.answered_at is not None:
            state = "answered"
        else:
            state = "paused by the client" if self.paused else "open"
        return (
            f"{self.request.method} {self.request.path}: status {self.status}, {self.lines_written} lines, "
            f"{self.bytes_written} bytes, {state}"
        )


@dataclass(eq=False, slots=True)
class ServerLog:
    """All exchanges and connections of one server; wakes all waiters on each change."""

    exchanges: list[ObservedExchange] = field(default_factory=list[ObservedExchange])
    connections_open: int = 0
    connections_accepted: int = 0
    condition: threading.Condition = field(default_factory=threading.Condition)
    listeners: set[Callable[[], None]] = field(default_factory=set[Callable[[], None]])

    def changed(self) -> None:
        """Wake all waiters; the server calls this after each change."""
        with self.condition:
            self.condition.notify_all()
            for wake in self.listeners:
                wake()

    def __str__(self) -> str:
        lines = [f"{self.connections_open} of {self.connections_accepted} connections open"]
        return "\n  ".join([*lines, *map(str, self.exchanges)])


class Waits:
    """Blocking waits for threads. Each raises TimeoutError, with all exchanges so far in the message."""

    def __init__(self, log: ServerLog) -> None:
        self._log = log

    def wait_for_request(
        self, count: int = 1, *, path: str | None = None, timeout: float = 5.0
    ) -> ObservedExchange:
        """Wait until `count` requests (of that path) have arrived; return the last of them."""
        find = _find_request(self._log, count, path)
        return self._wait(find, f"request {count} of {path or 'any path'}", timeout)

    def wait_for_lines(
        self, count: int = 1, *, request: int | None = None, timeout: float = 5.0
    ) -> ObservedExchange:
        """Wait until `count` lines of an answer have been written; return its exchange.

        `request` is the number of the request, counted from 1; the default is any, also an earlier one.
        """
        return self._wait(_find_lines(self._log, count, request), f"{count} lines", timeout)

    def wait_for_pause(self, *, timeout: float = 5.0) -> ObservedExchange:
        """Wait until the server cannot write because a client does not read; return its exchange."""
        return self._wait(_find_pause(self._log), "a pause by back-pressure", timeout)

    def wait_for_disconnect(self, count: int = 1, *, timeout: float = 5.0) -> ObservedExchange:
        """Wait until `count` clients disconnected early; return the exchange that was requested last."""
        return self._wait(_find_disconnect(self._log, count), f"disconnect {count}", timeout)

    def wait_for_answer(self, count: int = 1, *, timeout: float = 5.0) -> ObservedExchange:
        """Wait until `count` answers are complete; return the one that was requested last."""
        return self._wait(_find_answer(self._log, count), f"answer {count}", timeout)

    def wait_for_connections(self, count: int = 0, *, timeout: float = 5.0) -> int:
        """Wait until exactly `count` connections are open."""
        return self._wait(_find_connections(self._log, count), f"{count} open connections", timeout)

    def _wait(self, find: _Find[T], awaited: str, seconds: float) -> T:
        deadline = time.monotonic() + seconds
        with self._log.condition:
            while (found := find()) is None:
                if not self._log.condition.wait(deadline - time.monotonic()):
                    raise TimeoutError(_describe_timeout(self._log, awaited, seconds))
        return found


class AsyncWaits:
    """The same waits for coroutines: `await fake.aio.wait_for_disconnect()`."""

    def __init__(self, log: ServerLog) -> None:
        self._log = log

    def wait_for_request(
        self, count: int = 1, *, path: str | None = None, timeout: float = 5.0
    ) -> Coroutine[None, None, ObservedExchange]:
        """Wait until `count` requests (of that path) have arrived; return the last of them."""
        find = _find_request(self._log, count, path)
        return self._wait(find, f"request {count} of {path or 'any path'}", timeout)

    def wait_for_lines(
        self, count: int = 1, *, request: int | None = None, timeout: float = 5.0
    ) -> Coroutine[None, None, ObservedExchange]:
        """Wait until `count` lines of an answer (of that request) have been written; return its exchange."""
        return self._wait(_find_lines(self._log, count, request), f"{count} lines", timeout)

    def wait_for_pause(self, *, timeout: float = 5.0) -> Coroutine[None, None, ObservedExchange]:
        """Wait until the server cannot write because a client does not read; return its exchange."""
        return self._wait(_find_pause(self._log), "a pause by back-pressure", timeout)

    def wait_for_disconnect(
        self, count: int = 1, *, timeout: float = 5.0
    ) -> Coroutine[None, None, ObservedExchange]:
        """Wait until `count` clients disconnected early; return the exchange that was requested last."""
        return self._wait(_find_disconnect(self._log, count), f"disconnect {count}", timeout)

    def wait_for_answer(
        self, count: int = 1, *, timeout: float = 5.0
    ) -> Coroutine[None, None, ObservedExchange]:
        """Wait until `count` answers are complete; return the one that was requested last."""
        return self._wait(_find_answer(self._log, count), f"answer {count}", timeout)

    def wait_for_connections(self, count: int = 0, *, timeout: float = 5.0) -> Coroutine[None, None, int]:
        """Wait until exactly `count` connections are open."""
        return self._wait(_find_connections(self._log, count), f"{count} open connections", timeout)

    async def _wait(self, find: _Find[T], awaited: str, seconds: float) -> T:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        with self._log.condition:
            self._log.listeners.add(wake)
        try:
            async with asyncio.timeout(seconds):
                while (found := find()) is None:
                    await changed.wait()
                    changed.clear()
        except TimeoutError as error:
            raise TimeoutError(_describe_timeout(self._log, awaited, seconds)) from error
        finally:
            with self._log.condition:
                self._log.listeners.discard(wake)
        return found


def _nth(log: ServerLog, count: int, matches: Callable[[ObservedExchange], bool]) -> ObservedExchange | None:
    if len(log.exchanges) < count:  # after thousands of requests, filtering all would be slow
        return None
    return next(islice(filter(matches, log.exchanges), count - 1, None), None)


def _find_lines(log: ServerLog, count: int, request: int | None) -> _Find[ObservedExchange]:
    def find() -> ObservedExchange | None:
        exchanges = log.exchanges if request is None else log.exchanges[request - 1 : request]
        return next((it for it in exchanges if it.lines_written >= count), None)

    return find


def _find_pause(log: ServerLog) -> _Find[ObservedExchange]:
    return lambda: _nth(log, 1, lambda it: it.paused)


def _find_request(log: ServerLog, count: int, path: str | None) -> _Find[ObservedExchange]:
    return lambda: _nth(log, count, lambda it: path in (None, it.request.path))


def _find_answer(log: ServerLog, count: int) -> _Find[ObservedExchange]:
    return lambda: _nth(log, count, lambda it: it.answered_at is not None)


def _find_disconnect(log: ServerLog, count: int) -> _Find[ObservedExchange]:
    return lambda: _nth(log, count, lambda it: it.disconnected)


def _find_connections(log: ServerLog, count: int) -> _Find[int]:
    return lambda: count if log.connections_open == count else None


def _describe_timeout(log: ServerLog, awaited: str, seconds: float) -> str:
    return f"waited {seconds} s for {awaited}; seen:\n  {log}"
