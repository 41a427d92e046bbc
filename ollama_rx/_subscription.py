"""The one subscription of a delivery: on the caller's loop, or on a thread of its own."""

import asyncio
from collections.abc import Callable
from threading import Thread, local

from reactivex import abc
from reactivex.disposable import SingleAssignmentDisposable
from reactivex.scheduler import CurrentThreadScheduler

from ollama_rx.flow import Flow
from ollama_rx.transport.loops import on_loop

Subscribe = Callable[[abc.SchedulerBase | None], abc.DisposableBase]


_thread = local()


def about_to_block() -> None:
    """Say that this thread will wait for a reader: who waits for its subscription shall wait no more.

    For sources that send while they are subscribed to.
    """
    ready: Callable[[], object] | None = getattr(_thread, "ready", None)
    if ready is not None:
        ready()


class Subscription:
    """Subscribes where the items shall come, and disposes there too."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop | None, scheduler: abc.SchedulerBase | None = None
    ) -> None:
        if loop is not None and scheduler is None:
            scheduler = Flow(loop)
        self.scheduler = scheduler
        self.flow = scheduler if isinstance(scheduler, Flow) else None
        self._inner = SingleAssignmentDisposable()

    def begin(
        self, subscribe: Subscribe, failed: Callable[[Exception], object], ready: Callable[[], object]
    ) -> None:
        """Call ``subscribe(scheduler)``, then ``ready``, and ``failed`` if it raises."""
        if self.scheduler is None:

            def enter() -> None:
                _thread.ready = ready
                self._enter(subscribe, failed, ready)

            Thread(target=enter, name="ollama-rx", daemon=True).start()
        else:
            self._enter(subscribe, failed, ready)

    def _enter(
        self, subscribe: Subscribe, failed: Callable[[Exception], object], ready: Callable[[], object]
    ) -> None:
        def action(_scheduler: abc.SchedulerBase | None = None, _state: object = None) -> None:
            if not self._inner.is_disposed:
                self._inner.disposable = subscribe(self.scheduler)
            ready()

        # Inside RxPY's trampoline `subscribe` returns before a synchronous source sends its items,
        # so that those can be disposed of between two items too.
        trampoline = CurrentThreadScheduler.singleton()
        try:
            if trampoline.schedule_required():
                trampoline.schedule(action)
            else:
                action()
        except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
            failed(error)
            ready()

    def dispose(self) -> None:
        """End it, from any thread."""
        self.there(self._inner.dispose)

    def there(self, action: Callable[[], object]) -> None:
        """Do something on the subscription's loop if it has one, else here."""
        if self.flow is None or not on_loop(self.flow.loop, action):
            action()
