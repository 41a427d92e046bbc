"""One subscription to a client's stream: sends the request and emits the response, on one event loop."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from enum import Enum
from functools import partial
from typing import Final, Generic, TypeVar, cast

import httpx
from reactivex.internal import noop

from ollama_rx.errors import ClientClosedError, IncompleteStreamError, TimedOutError
from ollama_rx.protocol.readers import Reader
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.transport.exchange import PushedBody
from ollama_rx.transport.session import PreparedRequest, Session, read_status_error, translate
from ollama_rx.transport.terminal_event import send_terminal
from ollama_rx.transport.timeouts import Watchdog

T = TypeVar("T")

_LINGER = 0.25  # seconds by which the end of the body may follow the last chunk before we hang up


class _State(Enum):
    """What a call is doing; changed on its loop only."""

    OPENING = "the request is on its way, nothing has arrived"
    STREAMING = "items are emitted as they arrive"
    PAUSED = "the subscriber is too slow: what arrives is deferred"
    CLOSING = "nothing is emitted any more; the connection is being closed"
    DONE = "nothing of the call is left"


_STREAMING: Final = _State.STREAMING  # looked up for each token


class Call(Generic[T]):
    """Carries one request from its subscription to the last event.

    Events are emitted from the loop's callbacks as bytes arrive, without a task in between. `stop` and
    `end_with_client` may be called from any thread at any moment; everything else happens on the loop.
    """

    def __init__(
        self,
        session: Session,
        request: PreparedRequest,
        reader: Reader[T],
        observer: ChainObserver[T],
        subscription: ChainSubscription,
    ) -> None:
        self._session = session
        self._request = request
        self._reader = reader
        self._emit = observer.on_next
        self._subscription = subscription
        scheduler = subscription.scheduler
        self._scheduler = scheduler if isinstance(scheduler, PausableScheduler) else None
        self._state = _State.OPENING
        self._deferred: list[Callable[[], None]] = []  # what to do first when a pause is over
        self._draining = False  # the deferred actions are being called, further up the stack
        self._resumed: asyncio.Future[None] | None = None
        self._exchange: PushedBody | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_abandoned = False  # another thread has disposed
        self._has_ended = False  # the last event was sent
        self._was_left = False  # the subscriber has disposed before
        self._interruptible = False  # the task may be cancelled, because it is not closing its response
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[bool]":
        """Start on the running loop.

        The future is done when nothing of the call is left; its result tells whether another thread has
        disposed. A callback that disposes may be an operator, such as RxPY's ``take``, whose subscriber still
        waits for what other callbacks have started.
        """
        self._thread = threading.get_ident()
        self._done: asyncio.Future[bool] = loop.create_future()
        self._watchdog = Watchdog(loop, self._session.timeouts, self._expired)
        self._now = loop.time
        self._loop = loop  # from here on `stop` and `end_with_client` reach the loop
        self._session.open_calls.add(self)
        if self._subscription.is_disposed:
            self._close()
            return self._done
        if self._session.open_calls.closed:
            self._fail(ClientClosedError())
            return self._done
        self._interruptible = True
        self._task = loop.create_task(self._open(), name=TASK_NAME)
        self._task.add_done_callback(self._opened)
        if self._scheduler is not None:
            self._scheduler.attach(self)
        return self._done

    def stop(self) -> None:
        """Close the connection of a disposed subscription; from any thread, any number of times."""
        self._was_left = self._was_left or not self._has_ended
        self._run_on_loop(self._close)

    def end_with_client(self) -> None:
        """Fail, because the client is closed; from any thread."""
        self._run_on_loop(partial(self._fail, ClientClosedError()))

    def _run_on_loop(self, ending: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return  # not begun, then `begin` closes the call; or the loop has ended with everything on it
        if threading.get_ident() != self._thread:
            self._is_abandoned = True
        elif self._state is not _State.OPENING:
            ending()
            return  # else the caller may be a signal handler that interrupts `begin` or `_open`
        exchange = self._exchange
        if exchange is not None and not self._reader.done:
            exchange.shut_down_threadsafe()  # the loop may be busy with a callback that blocks
        try:
            loop.call_soon_threadsafe(ending)
        except RuntimeError:  # pragma: no cover - the loop was closed between the two lines
            return

    # the response

    async def _open(self) -> None:
        response: httpx.Response | None = None
        try:
            if self._subscription.is_disposed:
                return
            opened = await self._session.open(self._request, lambda: self._was_left)
            if not isinstance(opened, httpx.Response):
                self._exchange = opened  # from here on it is closed with this call
            if self._state is _State.OPENING:
                self._state = _STREAMING
            if not isinstance(opened, httpx.Response):
                opened.send_body_to(self)
                if self._state is _State.PAUSED:
                    opened.pause()
                return
            response = opened
            if not response.is_success:
                raise await read_status_error(response)  # noqa: TRY301 - one place turns errors into events
            await self._pull(response)
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            self._fail(error)
        finally:
            self._interruptible = False
            if response is not None:
                await response.aclose()

    async def _pull(self, response: httpx.Response) -> None:
        """Read the body by iteration: the slow path, for any transport."""
        async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_bytes())) as payloads:
            async for payload in payloads:
                self.received(payload)
                while self._state is _State.PAUSED:
                    self._resumed = asyncio.get_running_loop().create_future()
                    await self._resumed
                if self._subscription.is_disposed:
                    return
        self._finish(None)

    def received(self, payload: bytes) -> None:
        """Handle a payload of the body."""
        self._watchdog.last_received = self._now()
        if self._state is _STREAMING:
            self._send(self._reader.read(payload))
        elif self._state is _State.PAUSED:
            self._deferred.append(partial(self.received, payload))

    def ended(self, error: Exception | None) -> None:
        """Handle the end of the body."""
        self._exchange = None
        if self._linger is not None:
            self._linger.cancel()  # otherwise thousands of ended streams would keep a timer each
        self._finish(error)
        self._check_done()

    def _send(self, items: Iterable[T]) -> None:
        emit, subscription = self._emit, self._subscription
        if subscription.is_disposed:
            return  # from another thread: what the reader finds now, an error too, has no subscriber
        rest = iter(items)
        try:
            for item in rest:
                emit(item)
                if subscription.is_disposed:
                    return
                if self._state is not _STREAMING:
                    self._deferred.insert(0, partial(self._send, rest))
                    return
        except BaseException as error:  # noqa: BLE001 - a stream turns it into on_error
            self._send_terminal(partial(subscription.handle_exception, error))
            return
        if self._reader.done:
            self._send_terminal(subscription.complete)

    def _finish(self, error: Exception | None) -> None:
        if self._subscription.is_disposed:
            return
        if self._state is _State.PAUSED:
            self._deferred.append(partial(self._finish, error))
        elif error is not None:
            self._fail(error)
        else:
            self._send(self._reader.end())

    # a slow subscriber

    def pause(self) -> None:
        """Send nothing until `resume`, and make the server wait."""
        self._state = _State.PAUSED  # only an open call is attached to a scheduler that calls this
        self._watchdog.pause()
        if self._exchange is not None:
            self._exchange.pause()

    def resume(self) -> None:
        """Send what was deferred, then read on."""
        self._state = _STREAMING
        self._watchdog.resume()
        if self._draining:
            return  # an item sent below has paused and resumed this call; the loop below continues
        self._draining = True
        while self._deferred and self._state is _STREAMING:
            self._deferred.pop(0)()
        self._draining = False
        if self._state is _STREAMING:
            if self._exchange is not None:
                self._exchange.resume()
            self._wake_pull()

    def _wake_pull(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    # the end

    def _expired(self, error: TimedOutError) -> None:
        error.partial = self._reader.partial
        self._fail(error)

    def _fail(self, error: Exception) -> None:
        text = self._reader.partial
        if self._session.open_calls.closed:  # which closes the connection: ``error`` is its consequence
            seen: Exception = ClientClosedError(partial=text)
        else:
            seen = translate(error, url=self._session.shown_url, partial=text)
        self._send_terminal(partial(self._subscription.fail, seen))

    def _send_terminal(self, event: Callable[[], object]) -> None:
        assert self._loop is not None  # noqa: S101 - events come after `begin`
        self._has_ended = True
        send_terminal(self._loop, event)

    def _close(self) -> None:
        """Release everything; on the loop."""
        assert self._loop is not None  # noqa: S101 - called after `begin`
        if self._state in {_State.CLOSING, _State.DONE}:
            return
        self._state = _State.CLOSING
        self._watchdog.cancel()
        self._deferred.clear()
        if self._scheduler is not None:
            self._scheduler.detach(self)
        if self._exchange is not None:
            if self._reader.done:
                self._exchange.resume()
                self._linger = self._loop.call_later(_LINGER, self._exchange.abort)
            else:
                self._exchange.abort()
        self._wake_pull()
        if (
            self._task is not None
            and self._interruptible
            and asyncio.current_task(self._loop) is not self._task
        ):
            self._task.cancel()
        self._check_done()

    def _opened(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        if not task.cancelled():
            task.exception()  # a ``SystemExit``, which has ended the loop, is not to be logged as well
        if task.cancelled() and not self._subscription.is_disposed:  # the loop has cancelled it, not `stop`
            message = "the event loop ended before the answer was complete"
            error = IncompleteStreamError(message, partial=self._reader.partial, retryable=False)
            self._fail(error)
        self._check_done()

    def _check_done(self) -> None:
        if self._state is _State.CLOSING and self._task is None and self._exchange is None:
            self._state = _State.DONE
            self._emit = noop
            self._session.open_calls.discard(self)
            self._done.set_result(self._is_abandoned and self._subscription.is_cancelled)
