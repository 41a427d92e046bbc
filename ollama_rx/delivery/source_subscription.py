"""The one subscription of a delivery: on the caller's event loop, or on a thread of its own."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, copy_context
from typing import ClassVar, cast

from reactivex import abc
from reactivex.disposable import SingleAssignmentDisposable
from reactivex.scheduler.eventloop import AsyncIOScheduler

from ollama_rx.rx.backpressure import PausableScheduler, pausable
from ollama_rx.rx.event_loops import notify_before_blocking, run_on_loop, running_loop, user_loop
from ollama_rx.rx.trampoline import run_in_trampoline

Scheduler = abc.SchedulerBase | None


def _prepare_nothing(_: Scheduler) -> None:
    """The default for ``prepare``."""


class SourceSubscription:
    """Subscribes where the items are to arrive, and disposes there too.

    With a ``loop`` or a ``scheduler`` it subscribes on the calling thread, else on a new thread.
    """

    _thread: int | None = None  # that subscribes, while it does
    _current: ClassVar["ContextVar[SourceSubscription]"] = ContextVar("ollama_rx_source_subscription")

    def __init__(self, loop: asyncio.AbstractEventLoop | None, scheduler: Scheduler = None) -> None:
        self.upstream: PausableScheduler | None = None
        if isinstance(scheduler, AsyncIOScheduler):
            scheduler = self.upstream = pausable(scheduler)
        elif loop is not None and scheduler is None:
            scheduler = self.upstream = PausableScheduler(loop)
        self._scheduler = scheduler
        self._inner = SingleAssignmentDisposable()

    def start(
        self,
        subscribe: Callable[[Scheduler], abc.DisposableBase],
        on_error: Callable[[Exception], object],
        prepare: Callable[[Scheduler], object] = _prepare_nothing,
    ) -> None:
        """Call ``prepare``, then ``subscribe``, and ``on_error`` if one of them raises.

        Returns when the source is subscribed to, or when its thread is about to block.
        """

        def subscribe_unless_disposed() -> None:
            if not self._inner.is_disposed:  # `prepare` may have closed the last sink
                self._inner.disposable = subscribe(self._scheduler)
            subscribed.set()

        def run() -> None:
            try:
                prepare(self._scheduler)
                run_in_trampoline(subscribe_unless_disposed)
            except BaseException as error:
                on_error(cast("Exception", error))
                if not isinstance(error, Exception):
                    raise
            finally:
                subscribed.set()

        def run_marked() -> None:
            self._thread = threading.get_ident()
            self._current.set(self)  # a stream's own thread copies the context, and so can be told
            try:
                run()
            finally:
                self._thread = None  # another thread may get this number

        def run_on_thread() -> None:
            notify_before_blocking(subscribed)
            with suppress(SystemExit, asyncio.CancelledError):  # `on_error` has received it
                run_marked()

        subscribed = threading.Event()
        if self.upstream is not None and self.upstream.loop is user_loop():
            run()
            return
        context = copy_context()
        if self._scheduler is not None:
            context.run(run_marked)
        else:
            arguments = (run_on_thread,)
            threading.Thread(target=context.run, args=arguments, name="ollama-rx", daemon=True).start()
            subscribed.wait()

    def is_running_here(self) -> bool:
        """Return whether this is the thread that subscribes, or the own thread of a stream of the source."""
        is_streams_thread = running_loop() is not None or threading.get_ident() == self._thread
        return is_streams_thread and self._current.get(None) is self

    def dispose(self) -> None:
        """Dispose the subscription, from any thread."""
        self.run_on_source_loop(self._inner.dispose)

    def run_on_source_loop(self, action: Callable[[], object]) -> None:
        """Call ``action`` on the loop that the source runs on; here if there is none or it is closed."""
        if self.upstream is None or not run_on_loop(self.upstream.loop, action):
            action()
