"""A request as a cold Observable: it is sent when it is subscribed to.

Where it runs: on the loop of an `AsyncIOScheduler`; else on the event loop that is running; else on a thread
of its own with an internal event loop. Any other scheduler only starts it. Code that runs on an internal loop
(a subscriber's callback) counts as code on a plain thread.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import cache
from typing import TypeVar

from reactivex import abc
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx.errors import UnreachableError
from ollama_rx.protocol.readers import Reader
from ollama_rx.rx.event_loops import marked_as_internal, running_loop, user_loop
from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.transport.call import Call
from ollama_rx.transport.session import PreparedRequest, Session

T = TypeVar("T")

_WAKE_UP = 0.05  # seconds

Begin = Callable[[asyncio.AbstractEventLoop], asyncio.Future[bool]]
"""Starts something on the running loop.

The future is done when nothing of it is left; its result is whether another thread has disposed.
"""

NoLoop = Callable[[OSError], object]
"""Called if no event loop can be created (out of file descriptors)."""


class RequestStream(ChainedObservable[T]):
    """Sends its request once for each subscription."""

    def __init__(
        self,
        session: Session,
        request: Callable[[], PreparedRequest],
        reader: Callable[[], Reader[T]],
        item_type: type[T] | None = None,
    ) -> None:
        super().__init__()
        self.item_type = item_type
        self._session = session
        self._request = request
        self._reader = reader

    def subscribe_chained(self, observer: ChainObserver[T], subscription: ChainSubscription) -> None:
        """Build the request and start the call, on the subscriber's scheduler if there is one."""
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        try:
            call = Call(self._session, self._request(), self._reader(), observer, subscription)
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            subscription.fail(error)
            return

        def no_loop(error: OSError) -> None:
            subscription.fail(UnreachableError(self._session.shown_url, str(error)))

        subscription.add_teardown(call.stop)
        start = begin_where_subscribed(subscription.scheduler, call.begin, no_loop)
        if start is not None:
            subscription.add_teardown(start.dispose)


def begin_where_subscribed(
    scheduler: abc.SchedulerBase | None, begin: Begin, no_loop: NoLoop
) -> abc.DisposableBase | None:
    """Call ``begin`` on the running event loop, else on a new thread with an internal loop.

    If there is a scheduler, it decides when and on which thread that happens; it is not held any longer.
    Returns what cancels a scheduled call.
    """
    context = copy_context()  # callbacks on a thread see the subscriber's variables, as they do on its loop

    def start(loop: asyncio.AbstractEventLoop | None) -> None:
        if loop is not None:
            begin(loop)
            return
        arguments = (_run_on_internal_loop, begin, no_loop)
        threading.Thread(target=context.run, args=arguments, name="ollama-rx", daemon=True).start()

    if scheduler is None:
        start(user_loop())
        return None

    def scheduled(_scheduler: abc.SchedulerBase, _state: object = None) -> None:
        # A scheduler of an internal loop was chosen on purpose: that loop counts too.
        start(running_loop() if isinstance(scheduler, AsyncIOScheduler) else user_loop())

    return scheduler.schedule(scheduled)


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
