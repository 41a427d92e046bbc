"""An asynchronous generator as a cold Observable, for work that is more than one request.

It runs where a request of its client would run, and ends as one does: when it is disposed of, when the client
is closed, when its event loop ends.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Generic, Protocol, TypeVar

from ollama_rx.errors import ClientClosedError, IncompleteStreamError, UnreachableError
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.internal_loop import TASK_NAME, begin_where_subscribed
from ollama_rx.rx.loop_end import end_with_loop
from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.transport.open_calls import OpenCalls
from ollama_rx.transport.session import translate
from ollama_rx.transport.terminal_event import send_terminal

T = TypeVar("T")


class StreamOwner(Protocol):
    """What a stream belongs to, such as the session of a client."""

    @property
    def open_calls(self) -> OpenCalls:
        """The work that ends with the owner."""
        ...

    @property
    def shown_url(self) -> str:
        """The server, for messages."""
        ...


class GeneratorStream(ChainedObservable[T]):
    """Runs a new generator for each subscription, and emits what it yields.

    The generator is not resumed while the subscriber is too slow. Disposing cancels it, or closes it if that
    happens in a callback; the stream ends when its ``finally`` blocks have ended.
    """

    def __init__(
        self, owner: StreamOwner, generator: Callable[[], AsyncGenerator[T]], item_type: type[T] | None = None
    ) -> None:
        super().__init__()
        self.item_type = item_type
        self._owner = owner
        self._generator = generator

    def subscribe_chained(self, observer: ChainObserver[T], subscription: ChainSubscription) -> None:
        """Start the generator, on the subscriber's scheduler if there is one."""
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        run = _Run(self._owner, self._generator, observer, subscription)

        def no_loop(error: OSError) -> None:
            subscription.fail(UnreachableError(self._owner.shown_url, str(error)))

        subscription.add_teardown(run.stop)
        start = begin_where_subscribed(subscription.scheduler, run.begin, no_loop)
        if start is not None:
            subscription.add_teardown(start.dispose)


class _Run(Generic[T]):
    """One subscription: a task that emits what its generator yields.

    `stop` and `end_with_client` may be called from any thread at any moment.
    """

    def __init__(
        self,
        owner: StreamOwner,
        generator: Callable[[], AsyncGenerator[T]],
        observer: ChainObserver[T],
        subscription: ChainSubscription,
    ) -> None:
        self._owner = owner
        self._generator = generator
        self._emit = observer.on_next
        self._subscription = subscription
        scheduler = subscription.scheduler
        self._scheduler = scheduler if isinstance(scheduler, PausableScheduler) else None
        self._may_emit = asyncio.Event()
        self._may_emit.set()
        self._interruptible = True  # the task may be cancelled, because it is not closing its generator
        self._is_abandoned = False  # another thread has disposed
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[bool]":
        """Start on the running loop; the future is as in `Call.begin`."""
        self._thread = threading.get_ident()
        self._done: asyncio.Future[bool] = loop.create_future()
        self._task = loop.create_task(self._emit_all(), name=TASK_NAME)
        self._task.add_done_callback(self._ended)
        self._loop = loop  # from here on `stop` and `end_with_client` reach the task
        self._owner.open_calls.add(self)
        if self._scheduler is not None:
            self._scheduler.attach(self)
        return self._done

    def stop(self) -> None:
        """Cancel the generator of a disposed subscription."""
        self._run_on_loop(self._cancel)

    def end_with_client(self) -> None:
        """Fail, because the client is closed."""
        self._run_on_loop(partial(self._fail, ClientClosedError()))

    def _run_on_loop(self, ending: Callable[[], object]) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return  # not begun: the task looks itself; or the loop has ended with everything on it
        self._is_abandoned = self._is_abandoned or threading.get_ident() != self._thread
        with suppress(RuntimeError):  # the loop has just been closed
            loop.call_soon_threadsafe(ending)  # "soon" also on the loop: the caller may be the task itself

    def pause(self) -> None:
        """Emit nothing until `resume`."""
        self._may_emit.clear()

    def resume(self) -> None:
        """Emit again."""
        self._may_emit.set()

    async def _emit_all(self) -> None:
        try:
            await end_with_loop()
            if self._owner.open_calls.closed:
                raise ClientClosedError  # noqa: TRY301 - one place turns errors into events
            async with aclosing(self._generator()) as items:
                while not self._subscription.is_disposed:
                    self._interruptible = True
                    item = await anext(items)
                    await self._may_emit.wait()
                    self._interruptible = False
                    self._send(item)
        except StopAsyncIteration:
            self._send_terminal(self._subscription.complete)
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            self._fail(translate(error, url=self._owner.shown_url))

    def _send(self, item: T) -> None:
        try:
            self._emit(item)
        except BaseException as error:  # noqa: BLE001 - as above
            self._send_terminal(partial(self._subscription.handle_exception, error))

    def _fail(self, error: Exception) -> None:
        self._send_terminal(partial(self._subscription.fail, error))

    def _send_terminal(self, event: Callable[[], object]) -> None:
        assert self._loop is not None  # noqa: S101 - events come after `begin`
        send_terminal(self._loop, event)

    def _cancel(self) -> None:
        if self._interruptible:
            self._task.cancel()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if self._scheduler is not None:
            self._scheduler.detach(self)
        self._owner.open_calls.discard(self)
        if not task.cancelled():
            task.exception()  # a ``SystemExit``, which has ended the loop, is not to be logged as well
        elif not self._subscription.is_disposed:  # the loop has cancelled it, not `stop`
            message = "the event loop ended before the work was complete"
            self._fail(IncompleteStreamError(message, retryable=False))
        self._done.set_result(self._is_abandoned and self._subscription.is_cancelled)
