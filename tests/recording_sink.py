"""A sink that records its calls, and sources for the tests of deliveries."""

import threading
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from ollama_rx.sinks import Sink

T = TypeVar("T")


class RecordingSink(Sink[object]):
    """Records each call; the call that is named by ``raises`` fails."""

    def __init__(
        self, *, raises: str = "", error: BaseException | None = None, blocking: bool = False
    ) -> None:
        self.calls: list[str] = []
        self.threads: set[threading.Thread] = set()
        self.raises = raises
        self.error = error or OSError("broken")
        self.blocking = blocking

    def _record(self, call: str) -> None:
        self.calls.append(call)
        self.threads.add(threading.current_thread())
        if call.partition(" ")[0] == self.raises:
            raise self.error

    def on_next(self, value: object) -> None:
        self._record(f"next {value}")

    def on_error(self, error: Exception) -> None:
        self._record(f"error {error}")

    def on_completed(self) -> None:
        self._record("completed")

    def interrupt(self) -> None:
        self.calls.append("interrupt")

    def close(self) -> None:
        self._record("close")


def record_subscriptions(source: Observable[T]) -> tuple[Observable[T], list[str]]:
    """Return the source, and a list that records each "subscribed" and "disposed"."""
    events: list[str] = []

    def subscribe(
        observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        events.append("subscribed")
        disposed = Disposable(lambda: events.append("disposed"))
        return CompositeDisposable(source.subscribe(observer, scheduler=scheduler), disposed)

    return Observable(subscribe), events


def emit_during_subscribe(count: int) -> Observable[int]:
    """Return a source that sends all its items before ``subscribe`` returns."""

    def subscribe(observer: abc.ObserverBase[int], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        for number in range(count):
            observer.on_next(number)
        observer.on_completed()
        return Disposable()

    return Observable(subscribe)
