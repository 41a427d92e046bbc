"""Map each item with a function that waits, a few at once, in order."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any, Generic, TypeVar, cast, overload

from reactivex import Observable
from reactivex.disposable import SingleAssignmentDisposable
from reactivex.internal import noop
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx.arguments import check_callable, check_whole, refuse_async_generator
from ollama_rx.rx import Emitter, through
from ollama_rx.rx.backpressure import PausableScheduler, pausable
from ollama_rx.rx.event_loops import run_on_loop, running_loop
from ollama_rx.rx.internal_loop import TASK_NAME, begin_on_thread, loop_for
from ollama_rx.rx.loop_end import end_with_loop
from ollama_rx.rx.mailbox import Mailbox
from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.rx.trampoline import run_in_trampoline
from ollama_rx.rx.worker_thread import as_coroutine_function

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

_Call = Callable[[A], Coroutine[Any, Any, B]]


@overload
def map_async(
    function: Callable[[A], Awaitable[B]], max_concurrent: int = 1
) -> Callable[[Observable[A]], Observable[B]]: ...
@overload
def map_async(
    function: Callable[[A], B], max_concurrent: int = 1
) -> Callable[[Observable[A]], Observable[B]]: ...
def map_async(
    function: Callable[[Any], Any], max_concurrent: int = 1
) -> Callable[[Observable[Any]], Observable[Any]]:
    """Call ``function`` with each item, and emit the results in the order of the items.

    ::

        source   -a-b-c----|             each call takes three ticks
        results  ----A--B--C|            map_async(function)
        results  ----A-B-C--|            map_async(function, max_concurrent=2)

    A coroutine function is awaited: on the event loop of the code that subscribes, else on a loop that a
    thread of this subscription runs. Any other function is called on a worker thread, so it may block; if it
    returns an awaitable, that is awaited too (awaiting a stream gives its last item).

    While ``max_concurrent`` calls run and as many items wait, the source is paused. A call counts until its
    result is emitted. A source that cannot be paused, because it pushes on the event loop and does not read
    from a request, is queued without a limit.

    On completion the calls that run are finished first. On error and on cancel they are cancelled, and their
    results are dropped; so too if ``function`` raises, which closes the request and is the stream's error in
    the place of the result. A thread cannot be cancelled: it ends when the blocking function returns, and the
    result is dropped.

    In virtual time, as in `ollama_rx.testing.check`, one item is mapped after the other, and takes no time.

    Args:
        function: called with each item; a coroutine function, or a function that may block.
        max_concurrent: how many calls may run at once, at least 1.

    >>> from reactivex import of
    >>> async def translate(sentence: str) -> str:
    ...     return sentence.replace("Hello", "Bonjour")
    >>> of("Hello.", "Hello again.").pipe(map_async(translate)).to_list().run()
    ['Bonjour.', 'Bonjour again.']
    """
    check_callable("function", function)
    refuse_async_generator("function", function)
    check_whole("max_concurrent", max_concurrent, least=1)
    call = as_coroutine_function(function)

    def operator(source: Observable[Any]) -> Observable[Any]:
        return _MapAsync(source, call, max_concurrent)

    return operator


class _MapAsync(ChainedObservable[B], Generic[A, B]):
    def __init__(self, source: Observable[A], call: _Call[A, B], max_concurrent: int) -> None:
        super().__init__()
        self._source = source
        self._call = call
        self._max_concurrent = max_concurrent

    def subscribe_chained(self, observer: ChainObserver[B], subscription: ChainSubscription) -> None:
        scheduler = subscription.scheduler
        if isinstance(scheduler, VirtualTimeScheduler):
            self._map_in_virtual_time().subscribe_chained(observer, subscription)
            return
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        calls = _Calls(self._source, self._call, self._max_concurrent, observer.on_next, subscription)
        subscription.set_foreign_source(calls.close)
        if isinstance(scheduler, AsyncIOScheduler) and running_loop() is None:
            subscription.add_teardown(scheduler.schedule(calls.start).dispose)
        else:
            calls.start()  # at once, for a hot source may send its first item next

    def _map_in_virtual_time(self) -> ChainedObservable[B]:
        def machine(out: Emitter[B]) -> _InVirtualTime[A, B]:
            return _InVirtualTime(out, self._call)

        operator: Callable[[Observable[A]], Observable[B]] = through(machine)
        return cast("ChainedObservable[B]", operator(self._source))


class _InVirtualTime(Generic[A, B]):
    """The machine for virtual time, in which nothing can be waited for."""

    def __init__(self, out: Emitter[B], call: _Call[A, B]) -> None:
        self._emit = out.emit
        self._call = call

    def feed(self, item: A, /) -> None:
        with ThreadPoolExecutor(1) as thread:  # this one may run a loop
            result = thread.submit(copy_context().run, asyncio.run, self._call(item)).result()
        self._emit(result)


class _Calls(Generic[A, B]):
    """The calls of one subscription: the source fills a mailbox, which two tasks on an event loop empty.

    One task starts a call for each item as soon as a call is free; the other one, the worker, emits the
    results in order. ``close`` may be called from any thread.
    """

    def __init__(
        self,
        source: Observable[A],
        call: _Call[A, B],
        max_concurrent: int,
        on_next: Callable[[B], object],
        subscription: ChainSubscription,
    ) -> None:
        self._source = source
        self._call = call
        self._emit = subscription.serialize_foreign(on_next)
        self._subscription = subscription
        self._source_subscription = SingleAssignmentDisposable()
        self._waiting = Mailbox[A](max_concurrent)
        self._free = asyncio.Semaphore(max_concurrent)
        self._calls: asyncio.Queue[asyncio.Task[B] | None] = asyncio.Queue()  # in order; None is the end
        self._tasks: set[asyncio.Task[Any]] = set()  # all but the worker
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_abandoned = False  # another thread has disposed
        self._detach: Callable[[], object] = noop  # from the scheduler below

    def start(self, *_: object) -> None:
        """Start the worker, on a thread of its own if no loop runs here, and subscribe to the source here."""
        scheduler = self._subscription.scheduler
        loop = loop_for(scheduler)
        if loop is None:
            begin_on_thread(self._begin, self._subscription.fail)
        else:
            self._begin(loop)
            if scheduler is None or isinstance(scheduler, AsyncIOScheduler):
                scheduler = self._waiting.upstream = self._scheduler_above(
                    scheduler or AsyncIOScheduler(loop)
                )

        def subscribe() -> None:
            self._source_subscription.disposable = self._source.subscribe(
                self._waiting.put, self._subscription.fail, self._waiting.end, scheduler=scheduler
            )

        run_in_trampoline(subscribe)

    def _scheduler_above(self, below: AsyncIOScheduler) -> PausableScheduler:
        """Return a scheduler that pauses this source only, and is paused by the scheduler from below."""
        if not isinstance(below, PausableScheduler):
            return pausable(below)
        above = type(below)(below.loop)
        below.attach(above)
        self._detach = partial(below.detach, above)
        return above

    def close(self) -> None:
        """Dispose the source and cancel the calls."""
        self._waiting.close()
        self._source_subscription.dispose()
        if self._loop is not None:
            self._is_abandoned = threading.get_ident() != self._thread
            run_on_loop(self._loop, self._worker.cancel)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[bool]":
        self._thread = threading.get_ident()
        self._done: asyncio.Future[bool] = loop.create_future()
        self._worker = loop.create_task(self._emit_in_order(), name=TASK_NAME)
        self._worker.add_done_callback(partial(self._worked, loop))
        self._loop = loop  # from here on `close` reaches the worker
        if self._subscription.is_disposed:
            self._worker.cancel()
        return self._done

    async def _emit_in_order(self) -> None:
        await end_with_loop()
        self._add_task(self._start_calls())
        try:
            while (call := await self._calls.get()) is not None:
                result = await call
                self._emit(result)
                if self._subscription.is_disposed:
                    return
                self._free.release()
            self._subscription.complete()
        except BaseException as error:  # noqa: BLE001 - a stream turns it into on_error
            self._subscription.handle_exception(error)
        finally:
            for task in self._tasks:
                task.cancel()

    async def _start_calls(self) -> None:
        await self._free.acquire()
        async for item in self._waiting:
            self._calls.put_nowait(self._add_task(self._call(item)))
            await self._free.acquire()
        self._calls.put_nowait(None)

    def _add_task(self, coroutine: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.get_running_loop().create_task(coroutine, name=TASK_NAME)
        self._tasks.add(task)
        task.add_done_callback(self._forget_task)
        return task

    def _forget_task(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # what a call raises after the end is not to be logged

    def _worked(self, loop: asyncio.AbstractEventLoop, worker: "asyncio.Task[None]") -> None:
        """Report what no ``on_error`` has handled; the loop has raised an exception that exits."""
        self._detach()
        error = None if worker.cancelled() else worker.exception()
        if isinstance(error, Exception):
            loop.call_exception_handler(
                {"message": "unhandled exception in a stream of ollama_rx", "exception": error}
            )
        if not self._done.done():  # as it is if an exception that exits has ended the loop
            self._done.set_result(self._is_abandoned and self._subscription.is_cancelled)
