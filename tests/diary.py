"""A sink that writes down what it is told, and sources for the tests of deliveries."""

import threading
from typing import TypeVar

from reactivex import Observable, abc
from reactivex.disposable import CompositeDisposable, Disposable

from ollama_rx.sinks import Sink

T = TypeVar("T")


class Diary(Sink[object]):
    """Notes each call; the one that is named in `raises` fails."""

    def __init__(
        self, *, raises: str = "", error: BaseException | None = None, blocking: bool = False
    ) -> None:
        self.calls: list[str] = []
        self.threads: set[threading.Thread] = set()
        self.raises = raises
        self.error = error or OSError("broken")
        self.blocking = blocking

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.threads.add(threading.current_thread())
        if call.partition(" ")[0] == self.raises:
            raise self.error

    def on_next(self, value: object) -> None:
        self._note(f"next {value}")

    def on_error(self, error: Exception) -> None:
        self._note(f"error {error}")

    def on_completed(self) -> None:
        self._note("completed")

    def interrupt(self) -> None:
        self.calls.append("interrupt")

    def close(self) -> None:
        self._note("close")


def watched(source: Observable[T]) -> tuple[Observable[T], list[str]]:
    """Return the source, and the list it writes down in when it is subscribed to and left."""
    notes: list[str] = []

    def subscribe(
        observer: abc.ObserverBase[T], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        notes.append("subscribed")
        left = Disposable(lambda: notes.append("left"))
        return CompositeDisposable(source.subscribe(observer, scheduler=scheduler), left)

    return Observable(subscribe), notes


def pushed_at_once(count: int) -> Observable[int]:
    """Send while it is being subscribed to."""

    def subscribe(observer: abc.ObserverBase[int], _: abc.SchedulerBase | None = None) -> abc.DisposableBase:
        for number in range(count):
            observer.on_next(number)
        observer.on_completed()
        return Disposable()

    return Observable(subscribe)
