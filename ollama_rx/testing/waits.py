"""Wait for what a client does, from a thread or from asyncio, without polling and without sleeping."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from itertools import islice
from typing import TypeVar

from ollama_rx.testing.record import Exchange, Record

T = TypeVar("T")
_Look = Callable[[], T | None]


class Waits:
    """Blocking waits, for tests that run in threads. Each raises TimeoutError with what was seen instead."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def wait_for_request(self, count: int = 1, *, path: str | None = None, timeout: float = 5.0) -> Exchange:
        """Wait until `count` requests (of that path) have arrived; give the last of them."""
        look = _request(self._record, count, path)
        return self._wait(look, f"request {count} of {path or 'any path'}", timeout)

    def wait_for_lines(self, count: int = 1, *, request: int | None = None, timeout: float = 5.0) -> Exchange:
        """Wait until `count` lines of an answer have been written; give its exchange.

        `request` is the number of the request, from 1 on; without it any answer will do, an earlier one too.
        """
        return self._wait(_lines(self._record, count, request), f"{count} lines", timeout)

    def wait_for_pause(self, *, timeout: float = 5.0) -> Exchange:
        """Wait until the server cannot write on because a client does not read; give its exchange."""
        return self._wait(_pause(self._record), "a pause by back-pressure", timeout)

    def wait_for_disconnect(self, count: int = 1, *, timeout: float = 5.0) -> Exchange:
        """Wait until `count` clients left before the end of their answer; give the last to ask."""
        return self._wait(_disconnect(self._record, count), f"disconnect {count}", timeout)

    def wait_for_answer(self, count: int = 1, *, timeout: float = 5.0) -> Exchange:
        """Wait until `count` answers have been written to their end; give the last to be asked for."""
        return self._wait(_answer(self._record, count), f"answer {count}", timeout)

    def wait_for_connections(self, count: int = 0, *, timeout: float = 5.0) -> int:
        """Wait until exactly `count` connections are open."""
        return self._wait(_connections(self._record, count), f"{count} open connections", timeout)

    def _wait(self, look: _Look[T], what: str, seconds: float) -> T:
        deadline = time.monotonic() + seconds
        with self._record.condition:
            while (found := look()) is None:
                if not self._record.condition.wait(deadline - time.monotonic()):
                    raise TimeoutError(_missed(self._record, what, seconds))
        return found


class AsyncWaits:
    """The same waits for coroutines: `await fake.aio.wait_for_disconnect()`."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def wait_for_request(
        self, count: int = 1, *, path: str | None = None, timeout: float = 5.0
    ) -> Coroutine[None, None, Exchange]:
        """Wait until `count` requests (of that path) have arrived; give the last of them."""
        look = _request(self._record, count, path)
        return self._wait(look, f"request {count} of {path or 'any path'}", timeout)

    def wait_for_lines(
        self, count: int = 1, *, request: int | None = None, timeout: float = 5.0
    ) -> Coroutine[None, None, Exchange]:
        """Wait until `count` lines of an answer (of that request) have been written; give its exchange."""
        return self._wait(_lines(self._record, count, request), f"{count} lines", timeout)

    def wait_for_pause(self, *, timeout: float = 5.0) -> Coroutine[None, None, Exchange]:
        """Wait until the server cannot write on because a client does not read; give its exchange."""
        return self._wait(_pause(self._record), "a pause by back-pressure", timeout)

    def wait_for_disconnect(self, count: int = 1, *, timeout: float = 5.0) -> Coroutine[None, None, Exchange]:
        """Wait until `count` clients left before the end of their answer; give the last to ask."""
        return self._wait(_disconnect(self._record, count), f"disconnect {count}", timeout)

    def wait_for_answer(self, count: int = 1, *, timeout: float = 5.0) -> Coroutine[None, None, Exchange]:
        """Wait until `count` answers have been written to their end; give the last to be asked for."""
        return self._wait(_answer(self._record, count), f"answer {count}", timeout)

    def wait_for_connections(self, count: int = 0, *, timeout: float = 5.0) -> Coroutine[None, None, int]:
        """Wait until exactly `count` connections are open."""
        return self._wait(_connections(self._record, count), f"{count} open connections", timeout)

    async def _wait(self, look: _Look[T], what: str, seconds: float) -> T:
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        with self._record.condition:
            self._record.listeners.add(wake)
        try:
            async with asyncio.timeout(seconds):
                while (found := look()) is None:
                    await changed.wait()
                    changed.clear()
        except TimeoutError as error:
            raise TimeoutError(_missed(self._record, what, seconds)) from error
        finally:
            with self._record.condition:
                self._record.listeners.discard(wake)
        return found


def _nth(record: Record, count: int, fits: Callable[[Exchange], bool]) -> Exchange | None:
    if len(record.exchanges) < count:  # after thousands of requests a look at each would be slow
        return None
    return next(islice(filter(fits, record.exchanges), count - 1, None), None)


def _lines(record: Record, count: int, request: int | None) -> _Look[Exchange]:
    def look() -> Exchange | None:
        asked = record.exchanges if request is None else record.exchanges[request - 1 : request]
        return next((it for it in asked if it.lines_written >= count), None)

    return look


def _pause(record: Record) -> _Look[Exchange]:
    return lambda: _nth(record, 1, lambda it: it.paused)


def _request(record: Record, count: int, path: str | None) -> _Look[Exchange]:
    return lambda: _nth(record, count, lambda it: path in (None, it.request.path))


def _answer(record: Record, count: int) -> _Look[Exchange]:
    return lambda: _nth(record, count, lambda it: it.answered_at is not None)


def _disconnect(record: Record, count: int) -> _Look[Exchange]:
    return lambda: _nth(record, count, lambda it: it.disconnected)


def _connections(record: Record, count: int) -> _Look[int]:
    return lambda: count if record.connections_open == count else None


def _missed(record: Record, what: str, timeout: float) -> str:
    return f"waited {timeout} s for {what}; seen:\n  {record}"
