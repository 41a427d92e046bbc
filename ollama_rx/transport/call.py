"""One subscription: a request goes out, its answer becomes events, on one loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import Generic, TypeVar, cast

import httpx

from ollama_rx.errors import TimedOutError
from ollama_rx.flow.flow import Flow
from ollama_rx.operators._burst import eventful
from ollama_rx.operators._life import Life
from ollama_rx.operators._through import Tap
from ollama_rx.transport.exchange import Exchange
from ollama_rx.transport.failures import refusal, translate
from ollama_rx.transport.http import PUSH
from ollama_rx.transport.session import Request, Session
from ollama_rx.transport.watchdog import Watchdog
from ollama_rx.wire import Reader

T = TypeVar("T")

_LINGER = 0.25  # seconds the end of the body may lag behind the last chunk before we hang up


class Call(Generic[T]):
    """Carries one request from the subscription to the last event.

    Events are sent from the loop's callbacks as bytes arrive, without a task in between. `stop` may
    be called from any thread at any moment; everything else happens on the loop.
    """

    def __init__(
        self, session: Session, request: Request, reader: Reader[T], down: Tap[T], life: Life
    ) -> None:
        self._session = session
        self._request = request
        self._reader = reader
        self._emit = down.on_next
        self._absorb = down.absorb
        self._life = life
        self._flow = life.scheduler if isinstance(life.scheduler, Flow) else None
        self._over = False  # send nothing more, ever
        self._halted = False  # send nothing for now, or ever
        self._held: list[Callable[[], None]] = []  # what to do first when a pause is over
        self._resumed: asyncio.Future[None] | None = None
        self._resuming = False
        self._leaving = False  # the response is being closed, which nothing may interrupt
        self._exchange: Exchange | None = None
        self._lingering: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
        """Start on the running loop; the future is done when nothing of the call is left."""
        self._thread = threading.get_ident()
        self._gone: asyncio.Future[None] = loop.create_future()
        self._watchdog = Watchdog(loop, self._session.timeouts, self._expired)
        self._now = loop.time
        self._loop = loop  # from here on `stop` comes to the loop
        if self._over:
            self._release()
            return self._gone
        self._task = loop.create_task(self._open())
        self._task.add_done_callback(self._opened)
        if self._flow is not None:
            self._flow.attach(self)
        return self._gone

    def stop(self) -> None:
        """Send nothing more and close the connection; from any thread, any number of times."""
        self._over = self._halted = True
        loop = self._loop
        if loop is None or loop.is_closed():
            return  # not begun: `begin` will see it; or ended with everything on it
        if threading.get_ident() == self._thread:
            self._release()
            return
        exchange = self._exchange
        if exchange is not None and not self._reader.done:
            exchange.hang_up()  # the loop may be busy with a callback that takes its time
        try:
            loop.call_soon_threadsafe(self._release)
        except RuntimeError:  # pragma: no cover - the loop was closed between the two lines
            return

    # what arrives

    async def _open(self) -> None:
        response: httpx.Response | None = None
        try:
            response = await self._session.send(self._request)
            if not response.is_success:
                raise await refusal(response)  # noqa: TRY301 - one place turns errors into events
            exchange = response.extensions.get(PUSH)
            if isinstance(exchange, Exchange) and "content-encoding" not in response.headers:
                response = None
                self._exchange = exchange
                exchange.push(self)
                if self._halted:
                    exchange.pause()
            else:
                await self._pull(response)
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            self._fail(error)
        finally:
            self._leaving = True
            if response is not None:
                await response.aclose()

    async def _pull(self, response: httpx.Response) -> None:
        """Read the body piece by piece: the slow path, for any transport."""
        async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_bytes())) as pieces:
            async for payload in pieces:
                self.received(payload)
                while self._halted and not self._over:
                    self._resumed = asyncio.get_running_loop().create_future()
                    await self._resumed
                if self._over:
                    return
        self._finish(None)

    def received(self, payload: bytes) -> None:
        """Take a piece of the body."""
        self._watchdog.heard = self._now()
        if not self._halted:
            self._send(self._reader.read(payload))
        elif not self._over:
            self._held.append(partial(self.received, payload))

    def ended(self, error: Exception | None) -> None:
        """Take the end of the body."""
        self._exchange = None
        if self._lingering is not None:
            self._lingering.cancel()  # or thousands of ended streams would wait for nothing
        self._finish(error)
        if self._over:
            self._settle()

    def _send(self, items: Iterable[T]) -> None:
        emit, absorb = self._emit, self._absorb
        if absorb is not None and isinstance(items, list) and len(items) > 1:
            items = eventful(items, absorb)
        rest = iter(items)
        try:
            for item in rest:
                emit(item)
                if self._halted:
                    if not self._over:
                        self._held.insert(0, partial(self._send, rest))
                    return
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            self._tell(partial(self._life.raised, error))
            return
        if self._reader.done:
            self._tell(self._life.complete)

    def _finish(self, error: Exception | None) -> None:
        if self._over:
            return
        if self._halted:
            self._held.append(partial(self._finish, error))
        elif error is not None:
            self._fail(error)
        else:
            self._send(self._reader.end())

    # waiting for a slow subscriber

    def pause(self) -> None:
        """Send nothing until `resume`, and let the server wait."""
        self._halted = True
        self._watchdog.pause()
        if self._exchange is not None:
            self._exchange.pause()

    def resume(self) -> None:
        """Send what was held up, then read on."""
        self._halted = self._over
        self._watchdog.resume()
        if self._resuming:
            return  # paused and resumed by an item sent below, where it goes on
        self._resuming = True
        self._catch_up()
        self._resuming = False

    def _catch_up(self) -> None:
        while self._held and not self._halted:
            self._held.pop(0)()
        if self._halted:
            return
        if self._exchange is not None:
            self._exchange.resume()
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    # the end

    def _expired(self, error: TimedOutError) -> None:
        error.partial = self._reader.partial
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        seen = translate(error, url=self._session.shown_url, partial=self._reader.partial)
        self._tell(partial(self._life.fail, seen))

    def _tell(self, event: Callable[[], object]) -> None:
        """Send a terminal event; what the subscriber raises then has nowhere to go but the loop."""
        try:
            event()
        except Exception as error:  # noqa: BLE001 - reported, not swallowed
            assert self._loop is not None  # noqa: S101 - events come after `begin`
            self._loop.call_exception_handler(
                {"message": "a subscriber of ollama_rx raised at the end of its stream", "exception": error}
            )

    def _release(self) -> None:
        """Let go of everything; on the loop."""
        assert self._loop is not None  # noqa: S101 - called after `begin`
        self._watchdog.cancel()
        self._held.clear()
        if self._flow is not None:
            self._flow.detach(self)
        if self._exchange is not None:
            if self._reader.done:
                self._exchange.resume()
                self._lingering = self._loop.call_later(_LINGER, self._exchange.abort)
            else:
                self._exchange.abort()
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)
        on_its_way = self._leaving or asyncio.current_task(self._loop) is self._task
        if self._task is not None and not on_its_way:
            self._task.cancel()
        self._settle()

    def _opened(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        if task.cancelled() and not self._over:  # not by `stop`: the loop ends
            self._fail(httpx.ReadError("the event loop ended"))
        self._settle()

    def _settle(self) -> None:
        if self._over and self._task is None and self._exchange is None and not self._gone.done():
            self._gone.set_result(None)
