"""One request, many sinks: ``deliver(stream, Console(), JsonLines("answer.jsonl")).wait()``."""

import asyncio
import atexit
import logging
import time
from collections.abc import Callable, Generator
from concurrent import futures
from contextlib import suppress
from threading import RLock
from typing import Any, Final, Literal, Self, TypeVar, get_args
from weakref import WeakSet

from reactivex import Observable, abc

from ollama_rx.arguments import check_choice, check_instance, check_seconds, wrong_type
from ollama_rx.delivery.branch_observer import BranchObserver
from ollama_rx.delivery.sink_guard import (
    SinkDestination,
    SinkGuard,
    SinkObserver,
    is_on_call_stack,
)
from ollama_rx.delivery.sink_queue import SinkQueue, SinkTask, SinkThread
from ollama_rx.delivery.source_subscription import SourceSubscription
from ollama_rx.errors import SinkError
from ollama_rx.rx.event_loops import user_loop
from ollama_rx.rx.internal_loop import TASK_NAME
from ollama_rx.rx.loop_end import end_with_loop
from ollama_rx.rx.mailbox import END, Mailbox, check_waiting
from ollama_rx.sinks._sink import Branch, Sink, check_blocking

T = TypeVar("T")

_log = logging.getLogger(__name__)

OnSinkError = Literal["cancel", "continue"]

_CLOSING_SECONDS = 1.0  # how long Ctrl-C, or the end of the process, waits for sinks to close their files


def deliver(
    stream: Observable[T],
    *sinks: Sink[T] | Branch[T],
    on_sink_error: OnSinkError = "cancel",
    scheduler: abc.SchedulerBase | None = None,
) -> "Delivery":
    """Subscribe once and send each item to all sinks, in their order; return the running delivery.

    Inside a running event loop the stream runs on it, and so do sinks that are not ``blocking``; coroutine
    functions of sinks are awaited there. Elsewhere the stream has a thread of its own, and so has each sink
    with coroutine functions, for an event loop of its own. With a ``scheduler`` the stream is subscribed to
    with it; an `AsyncIOScheduler` decides on which loop the stream runs and coroutine functions are awaited.

    A sink that fails is closed and reported as a `SinkError`. With ``on_sink_error="cancel"`` this
    cancels the stream and closes the other sinks; with "continue" the other sinks continue, and the error is
    raised when all are closed. A sink whose operators complete, or that raises `StopSink`, is closed on
    its own. When no sink is left, the request is closed.

    A slow sink that is blocking or awaited pauses the stream, unless its ``when_full`` says otherwise. A
    source that cannot be paused, because it pushes on the user's loop and does not read from a request,
    continues, and the sink's queue grows.

    >>> from reactivex import of
    >>> from ollama_rx.sinks import Collector
    >>> words = Collector[str]()
    >>> deliver(of("Hello", "world"), words).wait()
    >>> words.items
    ['Hello', 'world']

    Raises:
        TypeError, ValueError: an argument is wrong; nothing has been sent.
    """
    check_instance("stream", stream, Observable)
    check_choice("on_sink_error", on_sink_error, get_args(OnSinkError))
    if scheduler is not None:
        check_instance("scheduler", scheduler, abc.SchedulerBase)
    branches: list[Branch[T]] = [sink if isinstance(sink, Branch) else Branch(sink, ()) for sink in sinks]
    _check_sinks([branch.sink for branch in branches])
    return Delivery(stream, branches, on_sink_error=on_sink_error, scheduler=scheduler)


class Delivery:
    """A running subscription with its sinks, returned by `deliver`.

    ``wait()`` and ``await`` wait until all sinks are closed. Both raise the stream's error if it failed, else
    the first `SinkError`; a cancelled delivery ends without an error. ``with`` and ``async with`` wait at
    the end of the block, and cancel if the block raises. An error that was not raised is logged when the
    delivery is garbage collected. A delivery that still runs when the process ends is cancelled, and its
    sinks have a second to close.
    """

    _unraised: Exception | None = None  # a failure that nobody has been told of

    def __init__(
        self,
        stream: Observable[T],
        branches: list[Branch[T]],
        *,
        on_sink_error: OnSinkError,
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        self._on_sink_error: OnSinkError = on_sink_error
        self._subscription = SourceSubscription(user_loop(), scheduler)
        self._closed = futures.Future[None]()
        self._closed.set_running_or_notify_cancel()  # so that an awaiting task can't cancel it
        self._waiters = Mailbox[None]()  # ends when ``_closed`` is done; see `_wait_until_done`
        self._lock = RLock()  # re-entrant: a signal handler may call `cancel`
        self._open_sinks = len(branches)
        self._cancelled = False
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._sink_errors: list[SinkError] = []
        self._queues: list[SinkQueue[Any]] = []
        self._branches: list[BranchObserver[Any]] = []
        self._guards: list[SinkGuard[Any]] = []
        self._observers: tuple[SinkObserver[Any], ...] = tuple(
            self._make_observer(branch) for branch in branches
        )
        if self._subscription.upstream is None:
            _ON_THREADS.add(self)
        self._subscribe(stream)

    @property
    def done(self) -> bool:
        """Whether the stream has ended and all sinks are closed."""
        return self._closed.done()

    @property
    def sink_errors(self) -> tuple[SinkError, ...]:
        """The failures of sinks so far."""
        if isinstance(self._unraised, SinkError):
            self._unraised = None
        return tuple(self._sink_errors)

    def wait(self, timeout: float | None = None) -> None:
        """Block until all sinks are closed, at most ``timeout`` seconds; Ctrl-C cancels.

        Raises:
            TimeoutError: the sinks are not closed after ``timeout`` seconds; the delivery continues.
            RuntimeError: the call would wait for itself: it is made in a callback of the delivery's own
                stream or sinks, or on a running event loop (use ``await`` there).
        """
        if timeout is not None:
            check_seconds("timeout", timeout, zero=True)
        try:
            if not self.done:
                self._check_wait()
            self._wait_until_done(timeout)
        except RuntimeError:  # of the check: the delivery continues
            raise
        except BaseException:
            self._cancel_and_close()
            raise
        if not self.done:
            raise TimeoutError(f"the delivery is not done after {timeout:g} s; it continues")
        self._raise_first_error()

    def cancel(self) -> None:
        """Close the request and all sinks; call it from any thread, any number of times."""
        with self._lock:
            if self._cancelled or self._closed.done():
                return
            self._cancelled = True
        self._subscription.run_on_source_loop(self._dispose)

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait_async().__await__()

    def __del__(self) -> None:
        if self._unraised is not None:
            _log.error(
                "a delivery failed, and neither `wait()` nor `await` was called", exc_info=self._unraised
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.wait()
            return
        self.cancel()
        if user_loop() is None:
            self._wait_until_done(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self
            return
        self.cancel()
        await asyncio.wrap_future(self._closed)

    async def _wait_async(self) -> None:
        if not self.done:
            self._check_callback()
        task = self._task
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            await self._await_or_cancel(asyncio.wrap_future(self._closed))
        else:
            await self._await_or_cancel(asyncio.shield(task))  # so that no task is left after the end
        self._raise_first_error()

    async def _cancel_with_loop(self) -> None:
        """Cancel a delivery that nobody awaits when its loop ends, which cancels this task."""
        await end_with_loop()
        await self._await_or_cancel(asyncio.wrap_future(self._closed))

    async def _await_or_cancel(self, closed: asyncio.Future[None]) -> None:
        try:
            await closed
        except asyncio.CancelledError:
            self.cancel()
            raise

    def _check_wait(self) -> None:
        if user_loop() is not None:
            raise RuntimeError("this thread runs an event loop: use `await delivery`, not `delivery.wait()`")
        if self._subscription.is_running_here():
            raise _waits_for_itself()
        self._check_callback()

    def _check_callback(self) -> None:
        if is_on_call_stack((*self._guards, *self._queues, *self._branches)):
            raise _waits_for_itself()

    def _wait_until_done(self, seconds: float | None) -> None:
        # `futures.wait` takes a lock that a signal handler, which calls `cancel` meanwhile, would wait for.
        with suppress(TimeoutError):
            self._waiters.get(seconds, END)

    def _cancel_and_close(self) -> None:
        """Cancel because of Ctrl-C, and give the sinks time to close their files before the process ends."""
        self.cancel()
        if user_loop() is None:
            self._wait_until_done(_CLOSING_SECONDS)

    def _raise_first_error(self) -> None:
        self._unraised = None
        if self._error is not None:
            raise self._error
        if self._sink_errors:
            raise self._sink_errors[0]

    def _make_observer(self, branch: Branch[Any]) -> SinkObserver[Any]:
        subscription = self._subscription
        sink = branch.sink
        sink.upstream = subscription.upstream
        sink.cancel_delivery = self.cancel
        disposals: list[BranchObserver[Any]] = []

        def on_closed() -> None:
            while disposals:  # no cycle is left, so that a delivery nobody waits for is freed immediately
                subscription.run_on_source_loop(disposals.pop().dispose)
            if sink.cancel_delivery == self.cancel:  # the sink may be part of the next delivery already
                sink.cancel_delivery = None
            self._on_sink_closed()

        destination = self._make_destination(sink, on_closed)
        if not branch.operators:
            return destination
        observer = BranchObserver[Any](destination, branch.operators)
        disposals.append(observer)
        self._branches.append(observer)
        return observer

    def _make_destination(self, sink: Sink[Any], on_closed: Callable[[], object]) -> SinkDestination[Any]:
        upstream = self._subscription.upstream
        if sink.has_coroutines:
            task = SinkTask[Any](sink, self._on_sink_failure, on_closed, upstream)
            self._queues.append(task)
            return task
        guard = SinkGuard[Any](sink, self._on_sink_failure, on_closed)
        self._guards.append(guard)
        if not sink.blocking:
            return guard
        thread = SinkThread[Any](guard, upstream)
        self._queues.append(thread)
        return thread

    def _subscribe(self, stream: Observable[T]) -> None:
        on_next = self._make_fan_out()

        def prepare(scheduler: abc.SchedulerBase | None) -> None:
            for guard in self._guards:
                if not guard.sink.blocking:
                    guard.open()
            for branch in self._branches:
                branch.subscribe(scheduler)

        def subscribe(scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
            return stream.subscribe(on_next, self._on_error, self._on_completed, scheduler=scheduler)

        try:
            for queue in self._queues:
                queue.start()
            self._subscription.start(subscribe, self._on_error, prepare)
        except BaseException:
            self._cancel_and_close()
            raise
        upstream = self._subscription.upstream
        if upstream is not None and upstream.loop is user_loop():
            self._task = upstream.loop.create_task(self._cancel_with_loop(), name=TASK_NAME)

    def _make_fan_out(self) -> Callable[[Any], None]:
        calls = tuple(observer.on_next for observer in self._observers)
        if len(calls) == 1:
            return calls[0]

        def call_each(item: object) -> None:
            for call in calls:
                call(item)

        return call_each

    def _on_error(self, error: Exception) -> None:
        self._error = self._unraised = error
        for observer in self._observers:
            observer.on_error(error)

    def _on_completed(self) -> None:
        for observer in self._observers:
            observer.on_completed()

    def _on_sink_failure(self, error: SinkError) -> None:
        self._sink_errors.append(error)
        self._unraised = self._unraised or error
        if self._on_sink_error == "cancel":
            self.cancel()

    def _dispose(self) -> None:
        try:
            self._subscription.dispose()
        finally:
            for observer in self._observers:
                observer.cancel()

    def _on_sink_closed(self) -> None:
        with self._lock:
            self._open_sinks -= 1
            if self._open_sinks:
                return
        self._subscription.dispose()
        self._observers = ()  # they refer to this delivery: without a cycle everything is freed immediately
        self._queues.clear()
        self._branches.clear()
        self._guards.clear()
        self._closed.set_result(None)
        self._waiters.end()


_ON_THREADS: Final[WeakSet[Delivery]] = WeakSet()


@atexit.register
def close_all_deliveries() -> None:
    """Close the sinks of a process that ends, for instance by a Ctrl-C just before `Delivery.wait`."""
    running = [delivery for delivery in tuple(_ON_THREADS) if not delivery.done]
    for delivery in running:
        delivery.cancel()
    deadline = time.monotonic() + _CLOSING_SECONDS
    for delivery in running:
        with suppress(Exception):  # nobody is left to be told
            delivery.wait(max(deadline - time.monotonic(), 0))


def _waits_for_itself() -> RuntimeError:
    return RuntimeError("a callback can't wait for its own delivery; it can call `cancel()`")


def _check_sinks(sinks: list[Sink[Any]]) -> None:
    if not sinks:
        raise ValueError("sinks: expected at least one Sink, got none")
    for sink in sinks:
        if not isinstance(sink, Sink):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise wrong_type("sinks", "a Sink, or a function in a Callback", sink)
        check_waiting(sink.max_waiting, sink.when_full)
        check_blocking(sink)
        if sum(other is sink for other in sinks) > 1:
            raise ValueError(f"sinks: expected each Sink once, got the same {type(sink).__name__} twice")
