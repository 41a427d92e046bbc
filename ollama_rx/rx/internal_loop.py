"""Where coroutines run: on the loop of the code that subscribes, else on an internal loop of this package.

An internal loop has a thread of its own, and ends with what runs on it. Code that runs there (a subscriber's
callback) counts as code on a plain thread.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from functools import cache

from reactivex import abc
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx.rx.event_loops import marked_as_internal, running_loop, user_loop

_WAKE_UP = 0.05  # seconds

TASK_NAME = "ollama-rx request"
"""The name of the tasks that are cancelled when their loop is closed by hand."""

THREAD_NAME = "ollama-rx"
"""The name of the threads of streams."""

Begin = Callable[[asyncio.AbstractEventLoop], asyncio.Future[bool]]
"""Starts something on the running loop.

The future is done when nothing of it is left; its result is whether another thread has disposed.
"""

NoLoop = Callable[[OSError], object]
"""Called if no event loop can be created (out of file descriptors)."""


def loop_for(scheduler: abc.SchedulerBase | None) -> asyncio.AbstractEventLoop | None:
    """Return the loop of this thread on which a stream with this scheduler runs; None if there is none."""
    # A scheduler of an internal loop was chosen on purpose: that loop counts too.
    return running_loop() if isinstance(scheduler, AsyncIOScheduler) else user_loop()


def begin_where_subscribed(
    scheduler: abc.SchedulerBase | None, begin: Begin, no_loop: NoLoop
) -> abc.DisposableBase | None:
    """Call ``begin`` on the running event loop, else on a new thread with an internal loop.

    If there is a scheduler, it decides when and on which thread that happens; it is not held any longer.
    Returns what cancels a scheduled call.
    """
    context = copy_context()  # callbacks on a thread see the subscriber's variables, as they do on its loop

    def start(*_: object) -> None:
        loop = loop_for(scheduler)
        if loop is not None:
            begin(loop)
        else:
            begin_on_thread(begin, no_loop, context=context)

    if scheduler is None:
        start()
        return None
    return scheduler.schedule(start)


def begin_on_thread(
    begin: Begin, no_loop: NoLoop, *, context: Context | None = None, name: str = THREAD_NAME
) -> None:
    """Call ``begin`` on a new thread with an internal loop, which end when nothing of it is left."""
    arguments = (_run_on_internal_loop, begin, no_loop)
    threading.Thread(target=(context or copy_context()).run, args=arguments, name=name, daemon=True).start()


@cache
def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return the factory of internal loops: uvloop's if it is installed, because it costs less per token."""
    try:
        import uvloop  # noqa: PLC0415 - an extra, and only needed by streams outside a user's loop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _run_on_internal_loop(begin: Begin, no_loop: NoLoop) -> None:
    runner = asyncio.Runner(loop_factory=_loop_factory())
    try:
        runner.get_loop()
    except OSError as error:
        no_loop(error)
        return
    with suppress(SystemExit), marked_as_internal(), runner:  # only the main thread can exit
        runner.run(_until_done(begin))


async def _until_done(begin: Begin) -> None:
    """Wait until nothing of the stream is left, and for the tasks that callbacks have started on this loop.

    These tasks are cancelled if another thread has disposed, as always when a loop ends.
    """
    is_abandoned = await begin(asyncio.get_running_loop())
    while not is_abandoned and (tasks := asyncio.all_tasks() - {asyncio.current_task()}):
        # RxPY cancels a future from any thread, which does not wake the loop up.
        await asyncio.wait(tasks, timeout=_WAKE_UP)
