"""One request, many sinks: ``deliver(stream, Console(), JsonLines("answer.jsonl")).wait()``."""

import asyncio
from collections.abc import Callable, Generator
from concurrent import futures
from threading import Lock
from typing import Any, Literal, Self, TypeVar, get_args

from reactivex import Observable, abc

from ollama_rx.arguments import check_choice
from ollama_rx.delivery.branch import BranchOutlet
from ollama_rx.delivery.sink_guard import Guard, Outlet, SinkOutlet, Worker, is_inside
from ollama_rx.delivery.source_subscription import Subscription, check_stream
from ollama_rx.errors import SinkError
from ollama_rx.rx.event_loops import user_loop
from ollama_rx.rx.mailbox import check_waiting
from ollama_rx.sinks._sink import Branch, Sink

T = TypeVar("T")

OnSinkError = Literal["cancel", "continue"]

_GRACE = 1.0  # seconds that Ctrl-C leaves to the sinks' threads to close what they write


def deliver(
    stream: Observable[T],
    *sinks: Sink[T] | Branch[T],
    on_sink_error: OnSinkError = "cancel",
    scheduler: abc.SchedulerBase | None = None,
) -> "Delivery":
    """Subscribe once and send each item to all sinks, in their order; return the running delivery.

    Inside a running event loop the stream runs on it, and so do sinks that are not ``blocking``.
    Elsewhere the stream has a thread of its own. An explicit scheduler wins.

    A sink that fails is closed and reported as a `SinkError`. With ``on_sink_error="cancel"`` this
    cancels the stream and closes the other sinks; with "continue" the others go on, and the error is
    raised when all are done. A sink whose operators complete, or that raises `StopSink`, is closed
    alone. When no sink is left the request is closed.

    A slow blocking sink pauses the stream, unless its ``when_full`` says otherwise. A source that
    can't be paused, because it pushes on the user's loop and reads from no request, fills its queue.

    >>> from reactivex import of
    >>> from ollama_rx.sinks import Collector
    >>> words = Collector[str]()
    >>> deliver(of("Hello", "world"), words).wait()
    >>> words.items
    ['Hello', 'world']
    """
    check_choice("on_sink_error", on_sink_error, get_args(OnSinkError))
    check_stream(stream)
    branches: list[Branch[T]] = [sink if isinstance(sink, Branch) else Branch(sink, ()) for sink in sinks]
    _check([branch.sink for branch in branches])
    return Delivery(stream, branches, on_sink_error=on_sink_error, scheduler=scheduler)


class Delivery:
    """A stream on its way to its sinks; made by `deliver`.

    Wait for its end with ``wait()`` or ``await``. Both raise the stream's error if it failed, else
    the first `SinkError`; a cancelled delivery ends without an error. ``with`` and ``async with`` wait
    at the end of the block, and cancel if the block raises.
    """

    def __init__(
        self,
        stream: Observable[T],
        branches: list[Branch[T]],
        *,
        on_sink_error: OnSinkError,
        scheduler: abc.SchedulerBase | None,
    ) -> None:
        self._on_sink_error: OnSinkError = on_sink_error
        self._subscription = Subscription(user_loop(), scheduler)
        self._ended = futures.Future[None]()
        self._ended.set_running_or_notify_cancel()  # so that an awaiting task can't cancel it
        self._lock = Lock()
        self._open = len(branches)
        self._cancelled = False
        self._task: asyncio.Task[None] | None = None
        self._error: Exception | None = None
        self._sink_errors: list[SinkError] = []
        self._workers: list[Worker[Any]] = []
        self._operated: list[BranchOutlet[Any]] = []
        self._guards: list[Guard[Any]] = []
        self._outlets: tuple[Outlet[Any], ...] = tuple(self._outlet(branch) for branch in branches)
        self._begin(stream)

    @property
    def done(self) -> bool:
        """Whether the stream has ended and all sinks are closed."""
        return self._ended.done()

    @property
    def sink_errors(self) -> tuple[SinkError, ...]:
        """What went wrong in sinks so far."""
        return tuple(self._sink_errors)

    def wait(self, timeout: float | None = None) -> None:
        """Block until all sinks are closed, at most ``timeout`` seconds; Ctrl-C cancels.

        Raises:
            TimeoutError: it is not done in time; it goes on.
            RuntimeError: called where it would wait for itself: in a callback of one of its own sinks,
                or on a running event loop, where `await` does it.
        """
        if not self.done:
            self._check_wait()
        try:
            self._settle(timeout)
        except BaseException:
            self.cancel()
            self._settle(_GRACE)
            raise
        if not self.done:
            raise TimeoutError(f"the delivery is not done after {timeout:g} s; it goes on")
        self._raise()

    def cancel(self) -> None:
        """Close the request and all sinks; from any thread, any number of times."""
        with self._lock:
            if self._cancelled or self._ended.done():
                return
            self._cancelled = True
        self._subscription.there(self._stop)

    def __await__(self) -> Generator[Any, None, None]:
        return self._wait().__await__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.wait()
            return
        self.cancel()
        if user_loop() is None:
            self._settle(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            await self
            return
        self.cancel()
        await asyncio.wrap_future(self._ended)

    async def _wait(self) -> None:
        task = self._task
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            await self._until(asyncio.wrap_future(self._ended))
        else:
            await self._until(asyncio.shield(task))  # so that no task is left after the end
        self._raise()

    async def _until(self, ended: asyncio.Future[None]) -> None:
        try:
            await ended
        except asyncio.CancelledError:
            self.cancel()
            raise

    def _check_wait(self) -> None:
        if user_loop() is not None:
            raise RuntimeError("this thread runs an event loop: use `await delivery`, not `delivery.wait()`")
        if is_inside((*self._guards, *self._operated)):
            raise RuntimeError("a callback can't wait for its own delivery; `cancel()` ends it from there")

    def _settle(self, seconds: float | None) -> None:
        futures.wait([self._ended], seconds)

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error
        if self._sink_errors:
            raise self._sink_errors[0]

    def _outlet(self, branch: Branch[Any]) -> Outlet[Any]:
        subscription = self._subscription
        sink = branch.sink
        sink.upstream = subscription.upstream
        disposals: list[BranchOutlet[Any]] = []

        def ended() -> None:
            for operated in disposals:
                subscription.there(operated.dispose)
            self._one_ended()

        guard = Guard[Any](sink, self._report, ended)
        self._guards.append(guard)
        outlet: SinkOutlet[Any] = guard
        if sink.blocking:
            outlet = worker = Worker[Any](guard, subscription.upstream)
            self._workers.append(worker)
        if not branch.operators:
            return outlet
        operated = BranchOutlet[Any](outlet, branch.operators)
        disposals.append(operated)
        self._operated.append(operated)
        return operated

    def _begin(self, stream: Observable[T]) -> None:
        feed = self._feed()

        def connect_branches(scheduler: abc.SchedulerBase | None) -> None:
            for operated in self._operated:
                operated.subscribe(scheduler)

        def subscribe(scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
            return stream.subscribe(feed, self._failed, self._completed, scheduler=scheduler)

        try:
            for worker in self._workers:
                worker.start()
            self._subscription.begin(subscribe, self._failed, connect_branches)
        except BaseException:
            self.cancel()
            raise
        upstream = self._subscription.upstream
        if upstream is not None and upstream.loop is user_loop():
            # Loops cancel their tasks when they end: what nobody awaits is cancelled too.
            self._task = upstream.loop.create_task(self._until(asyncio.wrap_future(self._ended)))

    def _feed(self) -> Callable[[Any], None]:
        calls = tuple(outlet.on_next for outlet in self._outlets)
        if len(calls) == 1:
            return calls[0]

        def each(item: object) -> None:
            for call in calls:
                call(item)

        return each

    def _failed(self, error: Exception) -> None:
        self._error = error
        for outlet in self._outlets:
            outlet.on_error(error)

    def _completed(self) -> None:
        for outlet in self._outlets:
            outlet.on_completed()

    def _report(self, error: SinkError) -> None:
        self._sink_errors.append(error)
        if self._on_sink_error == "cancel":
            self.cancel()

    def _stop(self) -> None:
        try:
            self._subscription.dispose()
        finally:
            for outlet in self._outlets:
                outlet.cancel()

    def _one_ended(self) -> None:
        with self._lock:
            self._open -= 1
            if self._open:
                return
        self._subscription.dispose()
        self._outlets = ()  # they know this delivery: without a circle all is freed at once
        self._workers.clear()
        self._operated.clear()
        self._guards.clear()
        self._ended.set_result(None)


def _check(sinks: list[Sink[Any]]) -> None:
    if not sinks:
        raise ValueError("sinks: at least one is needed")
    for sink in sinks:
        if not isinstance(sink, Sink):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"sinks: {sink!r} is no Sink; Callback makes one of a function")
        check_waiting(sink.max_waiting, sink.when_full)
    if len({id(sink) for sink in sinks}) < len(sinks):
        raise ValueError("sinks: the same sink twice; it can't be closed twice")
