"""The one subscription of a delivery: on the caller's loop, or on a thread of its own."""

import asyncio
from collections.abc import Callable
from threading import Event, Thread

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable
from reactivex.scheduler import CurrentThreadScheduler

from ollama_rx.arguments import check_instance
from ollama_rx.rx.backpressure import PausableScheduler
from ollama_rx.rx.event_loops import run_on_loop, set_before_blocking

Scheduler = abc.SchedulerBase | None


def check_stream(stream: object) -> None:
    """Refuse what is no Observable, such as a method that was not called."""
    check_instance("stream", stream, Observable)


def _nothing(_: Scheduler) -> None:
    """Prepare nothing."""


class Subscription:
    """Subscribes where the items shall come, and disposes there too."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None, scheduler: Scheduler = None) -> None:
        if loop is not None and scheduler is None:
            scheduler = PausableScheduler(loop)
        self.upstream = scheduler if isinstance(scheduler, PausableScheduler) else None
        self._scheduler = scheduler
        self._inner = SingleAssignmentDisposable()

    def begin(
        self,
        subscribe: Callable[[Scheduler], abc.DisposableBase],
        failed: Callable[[Exception], object],
        prepare: Callable[[Scheduler], object] = _nothing,
    ) -> None:
        """Call ``prepare``, then ``subscribe``, and ``failed`` if one raises; return when it is done."""

        def action(_scheduler: Scheduler = None, _state: object = None) -> None:
            if not self._inner.is_disposed:  # else nobody is left to ask for anything
                self._inner.disposable = subscribe(self._scheduler)
            begun.set()

        def enter() -> None:
            try:
                prepare(self._scheduler)
                _in_trampoline(action)
            except Exception as error:  # noqa: BLE001 - a stream turns it into on_error
                failed(error)
            finally:
                begun.set()

        def enter_thread() -> None:
            set_before_blocking(begun)
            enter()

        begun = Event()
        if self._scheduler is not None:
            enter()
        else:
            Thread(target=enter_thread, name="ollama-rx", daemon=True).start()
            begun.wait()

    def dispose(self) -> None:
        """End it, from any thread."""
        self.there(self._inner.dispose)

    def there(self, action: Callable[[], object]) -> None:
        """Do something on the subscription's loop if it has one, else here."""
        if self.upstream is None or not run_on_loop(self.upstream.loop, action):
            action()


def _in_trampoline(action: Callable[..., None]) -> None:
    """Subscribe where RxPY queues what synchronous sources send.

    So ``subscribe`` returns before they send, and they can be disposed of between two items.
    """
    trampoline = CurrentThreadScheduler.singleton()
    if trampoline.schedule_required():
        trampoline.schedule(action)
    else:
        action()
