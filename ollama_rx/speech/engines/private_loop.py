"""Use asyncio in an engine without a thread: the loop runs in the thread that asks for the next piece.

An event loop can give up at once whatever it waits for: a name look-up, a connection, a handshake, an answer.
A thread that is blocked in a socket cannot be woken in all of these.
"""

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from typing import Any, TypeVar

from ollama_rx.rx.event_loops import run_on_loop, running_loop

T = TypeVar("T")


class PrivateLoop:
    """Runs the coroutines of one engine, and stops them from any thread.

    Between two pieces nothing runs, so a server that is faster waits, by TCP's flow control. What is put into
    ``resources`` is closed by ``close``, or when nobody refers to this object any more. After ``close`` it
    can be used again.
    """

    def __init__(self) -> None:
        self.resources = AsyncExitStack()
        self._running = threading.Lock()  # held while the loop runs
        self._loop: asyncio.AbstractEventLoop | None = None
        self._call = _StoppableCall()

    def iterate(self, pieces: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Return an iterator over the items of an asynchronous generator; it ends if `stop` is called."""
        call = self._call = _StoppableCall()
        return self._iterate(pieces, call)

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> bool:
        """Run a coroutine function; returns False if `stop` has ended it."""

        async def once() -> AsyncGenerator[bool, None]:
            await work()
            yield True

        return any(list(self.iterate(once())))

    def stop(self) -> None:
        """End the last iteration or run that was begun, from any thread."""
        call = self._call
        call.stopped = True  # first: a loop that is created later sees it
        loop = self._loop
        if loop is not None:
            run_on_loop(loop, call.cancel)

    def close(self) -> None:
        """End the last iteration, and close the loop and the resources."""
        self.stop()
        with self._running:
            if self._loop is not None:
                self._loop = None
                self._close_loop()

    def _iterate(self, pieces: AsyncGenerator[T, None], call: "_StoppableCall") -> Generator[T, None, None]:
        async def next_piece() -> T:
            return await anext(pieces)

        try:
            while True:
                yield self._complete(next_piece(), call)
        except StopAsyncIteration:
            return
        except (Exception, asyncio.CancelledError):
            if not call.stopped:
                raise
        finally:
            if self._loop is not None:  # else nothing has begun, or `close` has ended it
                self._complete(_end(pieces.aclose()), _StoppableCall())

    def _complete(self, coroutine: Coroutine[Any, Any, T], call: "_StoppableCall") -> T:
        with self._running:
            loop = self._loop or self._open()
            call.task = task = loop.create_task(coroutine)
            if call.stopped:
                task.cancel()
            try:
                return _run(loop, task)
            finally:
                if not task.done():  # Ctrl-C
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        _run(loop, task)

    def _open(self) -> asyncio.AbstractEventLoop:
        loop = self._loop = asyncio.new_event_loop()
        self._close_loop = weakref.finalize(self, _close, loop, self.resources)
        self._close_loop.atexit = False  # the process takes the loop with it, which another thread may run
        return loop


class _StoppableCall:
    def __init__(self) -> None:
        self.stopped = False
        self.task: asyncio.Task[Any] | None = None

    def cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()


def _run(loop: asyncio.AbstractEventLoop, task: "asyncio.Task[T]") -> T:
    if running_loop() is None:
        return loop.run_until_complete(task)
    with ThreadPoolExecutor(1) as thread:  # a thread cannot run two loops
        return thread.submit(loop.run_until_complete, task).result()


async def _end(*closing: Coroutine[Any, Any, None]) -> None:
    for each in closing:
        await each
    await asyncio.sleep(0)  # asyncio closes a socket in the next round of its loop


def _close(loop: asyncio.AbstractEventLoop, resources: AsyncExitStack) -> None:
    try:
        _run(loop, loop.create_task(_end(loop.shutdown_asyncgens(), resources.aclose())))
    finally:
        loop.close()
