"""Carries a transport that belongs to one loop to all loops and threads.

httpx's own transport keeps connections and locks of the loop it was first used on. Here a user's
transport gets a loop on a thread of its own, which runs while requests are under way; each read is
asked for from the loop that wants it. Slower than `HttpTransport`, but any transport works.
"""

import asyncio
import threading
import weakref
from abc import abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast

import httpx

T = TypeVar("T")

PUSH = "ollama_rx.push"
"""The response extension with the `Exchange` whose ``push(receiver)`` delivers the body as it arrives."""

_MOMENT = 0.001  # seconds between two looks whether the loop is quiet
_PATIENCE = 0.5  # seconds a closing transport waits for requests that are under way


class LoopAgnosticTransport(httpx.AsyncBaseTransport):
    """An httpx transport without a home: each request belongs to the loop it is sent on."""

    default_model: str | None = None
    """What is asked for when nobody names a model."""

    @abstractmethod
    def close(self) -> None:
        """Close what is idle, from any thread."""


class LoopBridgeTransport(LoopAgnosticTransport):
    """An httpx transport that runs another one on a loop of its own."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._home = _Home()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on the inner loop."""
        carried = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=await request.aread(),
            extensions=request.extensions,
        )
        arrived: list[httpx.Response] = []

        async def send() -> None:
            arrived.append(await self._inner.handle_async_request(carried))

        async def give_up() -> None:
            for late in arrived:  # came in the very moment in which it was cancelled
                await late.aclose()

        self._home.enter()
        try:
            await self._home.carry(send())
        except BaseException:
            asyncio.run_coroutine_threadsafe(give_up(), self._home.loop)
            self._home.leave()
            raise
        response = arrived[0]
        known = {
            name: response.extensions[name] for name in ("reason_phrase",) if name in response.extensions
        }
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_CarriedBody(self._home, response),
            extensions=known,
        )

    async def aclose(self) -> None:
        """Close the inner transport on its loop, and the loop."""
        self._home.enter()
        try:
            await self._home.carry(self._inner.aclose())
        finally:
            self._home.leave()
            self._home.close()

    def close(self) -> None:
        """Do what `aclose` does, from a thread without a loop; waits for it."""
        self._home.enter()
        try:
            asyncio.run_coroutine_threadsafe(self._inner.aclose(), self._home.loop).result()
        finally:
            self._home.leave()
            self._home.close()


class _CarriedBody(httpx.AsyncByteStream):
    def __init__(self, home: "_Home", response: httpx.Response) -> None:
        self._home = home
        self._response = response
        self._pieces = aiter(cast(httpx.AsyncByteStream, response.stream))  # aiter_raw refuses what is read
        self._reading: asyncio.Task[bytes | None] | None = None
        self._left = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            piece = await self._home.carry(self._next())
            if piece is None:
                return
            yield piece

    async def aclose(self) -> None:
        if not self._left:  # pragma: no branch - httpx closes a response once, others may not
            self._left = True
            try:
                await self._home.carry(self._close())
            finally:
                self._home.leave()

    async def _next(self) -> bytes | None:
        self._reading = asyncio.current_task()
        return await anext(self._pieces, None)

    async def _close(self) -> None:
        if self._reading is not None and not self._reading.done():
            if not self._reading.cancelling():  # pragma: no cover - who cancels closes in the same moment
                self._reading.cancel()  # once: a second time would interrupt httpcore's cleaning up
            await asyncio.wait([self._reading])  # a generator that runs can't be closed
        try:
            close: Callable[[], Awaitable[None]] | None = getattr(self._pieces, "aclose", None)
            if close is not None:  # pragma: no branch - all but bodies read already are generators
                await close()
        finally:
            await self._response.aclose()


class _Home:
    """A loop, and the thread it runs on while there are guests."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._guests = 0
        self._thread: threading.Thread | None = None
        self._leaving: threading.Thread | None = None
        self._renew()

    def _renew(self) -> None:
        self.loop = asyncio.new_event_loop()
        weakref.finalize(self, _close_idle, self.loop)

    def enter(self) -> None:
        with self._guard:
            self._guests += 1
            if self._thread is not None:
                return
            if self._leaving is not None:
                self._leaving.join()  # its loop has been stopped: a matter of microseconds
            if self.loop.is_closed():
                self._renew()
            self._thread = threading.Thread(
                target=self.loop.run_forever, name="ollama-rx-transport", daemon=True
            )
            self._thread.start()

    def leave(self) -> None:
        with self._guard:
            self._guests -= 1
            self.loop.call_soon_threadsafe(self._look_later)

    def _look_later(self) -> None:
        self.loop.call_later(_MOMENT, self._stop_when_quiet)

    def _stop_when_quiet(self) -> None:
        """Stop unless there are guests; generators that were left halfway are closed first."""
        if not self._guard.acquire(blocking=False):
            self._look_later()  # whoever holds it may be waiting for this thread to end
            return
        try:
            if self._guests or self._thread is None:
                return
            if asyncio.all_tasks(self.loop):
                self._look_later()
                return
            self._leaving, self._thread = self._thread, None
            self.loop.call_soon(self.loop.stop)  # after what is due already: connections that are closing
        finally:
            self._guard.release()

    def close(self) -> None:
        """Close the loop unless somebody still needs it."""
        thread = self._thread or self._leaving
        if thread is not None:  # pragma: no branch - None if it has ended between the two lines
            thread.join(_PATIENCE)
        with self._guard:
            if self._thread is None:  # pragma: no branch - else a request began just now
                if self._leaving is not None:  # pragma: no branch - None only before the first request
                    self._leaving.join()
                self.loop.close()

    async def carry(self, work: Coroutine[Any, Any, T]) -> T:
        """Await something on the home loop; being cancelled here cancels it there."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))


def _close_idle(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_running():  # pragma: no branch - at the interpreter's end it may be
        loop.close()
