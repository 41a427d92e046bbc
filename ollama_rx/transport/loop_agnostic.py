"""Transports that may be used from any event loop and any thread.

httpx's own transport keeps connections and locks of the event loop on which it was first used.
`LoopBridgeTransport` runs such a transport on a loop in a thread of its own, and calls into that loop for
each read. The thread lives while requests are under way. This is slower than `HttpTransport`, but works with
any transport.
"""

import asyncio
import threading
import weakref
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar, cast

import httpx

T = TypeVar("T")

_LINGER = 0.001  # seconds for which the thread outlives its last request: the next one may come immediately
_QUIET_TURNS = 3  # turns of the loop after which no callback that was due can start another task
_PATIENCE = 0.5  # seconds for which a transport that is closed waits for requests under way


class LoopAgnosticTransport(httpx.AsyncBaseTransport):
    """An httpx transport that is not bound to an event loop: a request runs on the loop it is sent from."""

    default_model: str | None = None
    """The model for requests that do not name one."""
    url: str | None = None
    """What it is connected to, without credentials, if that is not the host of the client."""
    has_runs = False
    """Whether its answers are runs with an id, which other clients can join; see `RunRequest`."""

    @abstractmethod
    def close(self) -> None:
        """Close what is idle, from any thread."""


class LoopBridgeTransport(LoopAgnosticTransport):
    """Runs another httpx transport on an event loop of its own."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._portal = _Portal()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on the inner transport's loop."""
        inner_request = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content if isinstance(request.stream, httpx.ByteStream) else None,
            stream=None if isinstance(request.stream, httpx.ByteStream) else request.stream,
            extensions=request.extensions,
        )
        responses: list[httpx.Response] = []

        async def send() -> None:
            responses.append(await self._inner.handle_async_request(inner_request))

        async def close_late_response() -> None:
            for response in responses:  # one that arrived just as the request was cancelled
                await response.aclose()

        self._portal.acquire()
        try:
            await self._portal.call(send())
        except BaseException:
            self._portal.start(close_late_response())
            self._portal.release()
            raise
        response = responses[0]
        extensions = {
            name: response.extensions[name] for name in ("reason_phrase",) if name in response.extensions
        }
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_BridgedBody(self._portal, response),
            extensions=extensions,
        )

    async def aclose(self) -> None:
        """Close the inner transport on its loop, then the loop."""
        self._portal.acquire()
        try:
            await self._portal.call(self._close_inner())
        finally:
            self._portal.close()

    def close(self) -> None:
        """Do what `aclose` does, from a thread without an event loop; blocks until it is done."""
        self._portal.acquire()
        try:
            self._portal.start(self._close_inner()).result()
        finally:
            self._portal.close()

    async def _close_inner(self) -> None:
        """Close the inner transport, if possible when the requests under way have ended.

        httpcore's pool forgets a connection that is still being opened, which then stays open.
        """
        await self._portal.until_unused(_PATIENCE)
        await self._inner.aclose()


class _BridgedBody(httpx.AsyncByteStream):
    """The body of an inner response, read on the portal's loop."""

    def __init__(self, portal: "_Portal", response: httpx.Response) -> None:
        self._portal = portal
        self._response = response
        # Not `aiter_raw`: it refuses a response that has been read already.
        self._pieces = aiter(cast(httpx.AsyncByteStream, response.stream))
        self._reading: asyncio.Task[bytes | None] | None = None
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            piece = await self._portal.call(self._next())
            if piece is None:
                return
            yield piece

    async def aclose(self) -> None:
        if not self._closed:  # pragma: no branch - httpx closes a response once, others may not
            self._closed = True
            try:
                await self._portal.call(self._close())
            finally:
                self._portal.release()

    async def _next(self) -> bytes | None:
        self._reading = asyncio.current_task()
        return await anext(self._pieces, None)

    async def _close(self) -> None:
        if self._reading is not None and not self._reading.done():
            if not self._reading.cancelling():  # pragma: no cover - the caller is cancelled before it closes
                self._reading.cancel()  # once: a second time would interrupt httpcore's cleaning up
            await asyncio.wait([self._reading])  # a generator that is running cannot be closed
        try:
            close: Callable[[], Awaitable[None]] | None = getattr(self._pieces, "aclose", None)
            if close is not None:  # pragma: no branch - all bodies but those read already are generators
                await close()
        finally:
            await self._response.aclose()


class _Portal:
    """An event loop in a thread of its own, which lives while the loop has users."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._acquired = False  # since the loop was last found to be quiet
        self._closing = False
        self._serving = False  # the thread takes new users
        self._thread: threading.Thread | None = None
        self._main: asyncio.Task[Any] | None = None  # runs `_serve`
        self._renew()

    def _renew(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._released = asyncio.Event()
        weakref.finalize(self, _close_idle, self._loop)

    def acquire(self) -> None:
        """Add a user; the loop runs until each has called `release` or `close`."""
        with self._lock:
            self._users += 1
            self._acquired = True
            self._closing = False
            if self._serving:
                return
            if self._thread is not None:
                self._thread.join()  # it is about to end
            if self._loop.is_closed():
                self._renew()
            self._serving = True
            self._thread = threading.Thread(target=self._run, name="ollama-rx-transport", daemon=True)
            self._thread.start()

    def release(self) -> None:
        """Remove a user."""
        with self._lock:
            self._users -= 1
            self._loop.call_soon_threadsafe(self._released.set)

    def close(self) -> None:
        """Remove a user and close the loop as soon as there are no others; wait a moment for that."""
        with self._lock:
            self._closing = True
            thread = self._thread
        self.release()
        if thread is not None:  # pragma: no branch - `acquire` has started it
            thread.join(_PATIENCE)

    async def until_unused(self, seconds: float) -> None:
        """Wait on the loop until the caller is its only user, at most so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._users > 1:  # noqa: ASYNC110 - `_serve` takes the event of a release
                    await asyncio.sleep(_LINGER)
                await _until_quiet(self._main)

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start something on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something on the loop; cancelling the caller cancels it there."""
        return await asyncio.wrap_future(self.start(work))

    def _run(self) -> None:
        if self._loop.run_until_complete(self._serve()):
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(_until_quiet())
            self._loop.close()

    async def _serve(self) -> bool:
        """Return when the loop has neither users nor work; True if it is to be closed then."""
        self._main = asyncio.current_task()
        while True:
            await self._released.wait()
            self._released.clear()
            await asyncio.sleep(_LINGER)
            with self._lock:
                self._acquired = False
            await _until_quiet()
            with self._lock:
                if not self._users and not self._acquired:
                    self._serving = False
                    return self._closing


async def _until_quiet(besides: "asyncio.Task[Any] | None" = None) -> None:
    """Wait until the running loop has no other task, and no callback that is about to start one.

    An asynchronous generator that is dropped half-way is closed by a task that the loop starts in its next
    turn; closing it may drop another generator. A loop that stopped in between would never run that task.
    """
    turns = 0
    while turns < _QUIET_TURNS:
        tasks = asyncio.all_tasks() - {asyncio.current_task(), besides}
        if tasks:
            turns = 0
            await asyncio.wait(tasks)
        else:
            turns += 1
            await asyncio.sleep(0)


def _close_idle(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_running():  # pragma: no branch - at the interpreter's end it may be running
        loop.close()
