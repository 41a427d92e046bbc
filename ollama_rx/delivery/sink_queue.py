"""A sink behind a queue, because it takes time: a thread empties it, or a task on an event loop."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import Generic, Protocol, TypeVar

from ollama_rx.delivery.sink_guard import SinkGuard, sink_error
from ollama_rx.errors import SinkError
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.event_loops import run_on_loop, user_loop
from ollama_rx.rx.internal_loop import TASK_NAME, begin_on_thread
from ollama_rx.rx.loop_end import end_with_loop
from ollama_rx.rx.mailbox import Mailbox, MailboxFull
from ollama_rx.sinks._sink import Sink, StopSink

T = TypeVar("T")


class SinkEnd(Protocol):
    """What the worker of a `SinkQueue` calls after the last item; results that are awaitable are awaited."""

    def on_completed(self) -> object:
        """Complete the sink."""
        ...

    def on_error(self, error: Exception, /) -> object:
        """Pass the stream's error to the sink."""
        ...

    def fail(self, error: Exception, /) -> object:
        """Report a failure of the sink's operators, and pass it to the sink."""
        ...

    def close_when_idle(self) -> object:
        """End the sink without a further event."""
        ...

    def report_failure(self, error: BaseException, /) -> object:
        """Report a failure of the sink."""
        ...


class SinkQueue(Generic[T]):
    """Observes the stream for a sink: items wait in a mailbox until the worker takes them."""

    def __init__(self, sink: Sink[T], end: SinkEnd, upstream: PausableScheduler | None) -> None:
        self._end = end
        self._mailbox = Mailbox[T](sink.max_waiting, sink.when_full)
        self._mailbox.upstream = upstream
        self._final_call: Callable[[], object] = end.close_when_idle
        self.on_next = self._put_or_fail if sink.when_full == "fail" else self._mailbox.put

    @abstractmethod
    def start(self) -> None:
        """Start the worker; it ends with the sink."""

    @abstractmethod
    def interrupt(self) -> None:
        """Make a call of the sink that waits for something return, from any thread."""

    def on_completed(self) -> None:
        """Complete the sink after the waiting items."""
        self._finish(self._end.on_completed)

    def on_error(self, error: Exception, /) -> None:
        """Pass the stream's error to the sink after the waiting items."""
        self._finish(partial(self._end.on_error, error))

    def fail(self, error: Exception, /) -> None:
        """Report a failure of the sink's operators after the waiting items."""
        self._finish(partial(self._end.fail, error))

    def cancel(self) -> None:
        """Drop the waiting items; the worker closes the sink."""
        self._drop()
        self.interrupt()

    def _put_or_fail(self, item: T, /) -> None:
        try:
            self._mailbox.put(item)
        except MailboxFull as error:
            self._drop()
            self._end.report_failure(error)

    def _finish(self, final_call: Callable[[], object]) -> None:
        if not self._mailbox.ended:
            self._final_call = final_call
            self._mailbox.end()

    def _drop(self) -> None:
        self._final_call = self._end.close_when_idle
        self._mailbox.close()


class SinkThread(SinkQueue[T]):
    """Calls a blocking sink on a thread of its own."""

    def __init__(self, guard: SinkGuard[T], upstream: PausableScheduler | None) -> None:
        super().__init__(guard.sink, guard, upstream)
        self._guard = guard

    def start(self) -> None:
        """Start the thread."""
        context = copy_context()  # the sink sees the variables of the code that calls `deliver`
        Thread(target=context.run, args=(self._run,), name="ollama-rx-sink", daemon=True).start()

    def interrupt(self) -> None:
        """Ask the sink to stop waiting."""
        self._guard.interrupt()

    def _run(self) -> None:
        guard = self._guard
        try:
            with suppress(SystemExit):  # the guard has reported it, and only the main thread can exit
                guard.open()
                if guard.is_stopped:
                    return
                for item in self._mailbox:
                    guard.on_next(item)
                    if guard.is_stopped:
                        return
                self._final_call()
        finally:
            self._mailbox.close()


class SinkTask(SinkQueue[T]):
    """Calls a sink that has coroutine functions, in a task on the stream's loop, else on a thread's.

    The task makes all calls, so they never overlap. ``cancel`` cancels the call that is under way, unless
    that is ``close``.
    """

    def __init__(
        self,
        sink: Sink[T],
        on_failure: Callable[[SinkError], object],
        on_closed: Callable[[], object],
        upstream: PausableScheduler | None,
    ) -> None:
        super().__init__(sink, _AwaitedEnd(sink, on_failure), upstream)
        self._sink = sink
        self._on_closed = on_closed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_interrupted = False
        self._interruptible = False  # the task may be cancelled, because it has begun and is not closing

    def start(self) -> None:
        """Start the task."""
        upstream = self._mailbox.upstream
        loop = user_loop() if upstream is None else upstream.loop
        if loop is None:
            begin_on_thread(self._begin, self._no_loop, name="ollama-rx-sink")
        elif not run_on_loop(loop, partial(self._begin, loop)):
            raise RuntimeError("the event loop of the scheduler is closed")

    def interrupt(self) -> None:
        """Cancel the call that is under way."""
        self._is_interrupted = True
        if self._loop is not None:
            run_on_loop(self._loop, self._cancel_call)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[bool]":
        self._done: asyncio.Future[bool] = loop.create_future()
        self._loop = loop
        self._task = loop.create_task(self._run(), name=TASK_NAME)
        self._task.add_done_callback(_drop_exception)
        return self._done

    def _no_loop(self, error: OSError) -> None:
        self._mailbox.close()
        self._end.report_failure(error)
        self._on_closed()

    def _cancel_call(self) -> None:
        if self._interruptible:
            self._task.cancel()

    async def _run(self) -> None:
        await end_with_loop()
        try:
            await self._report(self._call_sink())
        finally:
            self._interruptible = False
            self._mailbox.close()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0)  # takes a cancel that the last call has not seen, so `close` does not
            try:
                await self._report(self._close_sink())
            finally:
                self._on_closed()
                if not self._done.done():  # as it is if an exception that exits has ended the loop
                    self._done.set_result(self._is_interrupted)

    async def _call_sink(self) -> None:
        if self._is_interrupted:
            return
        self._interruptible = True
        sink = self._sink
        await _result_of(sink.open())
        async for item in self._mailbox:
            await _result_of(sink.on_next(item))
        await _result_of(self._final_call())

    async def _close_sink(self) -> None:
        await _result_of(self._sink.close())

    async def _report(self, calls: Awaitable[None]) -> None:
        """Await calls of the sink and report what they raise, unless this task is cancelled."""
        try:
            await calls
        except StopSink:
            return
        except asyncio.CancelledError as error:
            if not self._task.cancelling():
                self._end.report_failure(error)
        except BaseException as error:
            self._interruptible = False  # a failure may cancel the delivery
            self._end.report_failure(error)
            if not isinstance(error, Exception):
                raise


class _AwaitedEnd:
    """The end of a sink whose functions may return awaitables."""

    def __init__(self, sink: Sink[T], on_failure: Callable[[SinkError], object]) -> None:
        self._sink = sink
        self._on_failure = on_failure
        self.on_completed = sink.on_completed
        self.on_error = sink.on_error

    def fail(self, error: Exception, /) -> object:
        """Report a failure of the sink's operators, and pass it to the sink."""
        self.report_failure(error)
        return self._sink.on_error(error)

    def close_when_idle(self) -> None:
        """Do nothing: the task closes the sink after this."""

    def report_failure(self, error: BaseException, /) -> None:
        """Report a failure of the sink."""
        self._on_failure(sink_error(self._sink, error))


def _drop_exception(task: asyncio.Task[None]) -> None:
    """Keep asyncio from logging an exception that exits, which was reported as the sink's failure."""
    with suppress(asyncio.CancelledError):
        task.exception()


async def _result_of(value: object) -> None:
    if isinstance(value, Awaitable):
        await value
