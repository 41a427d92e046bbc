"""The branch of a sink that has operators of its own."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable

from ollama_rx.delivery.sink_guard import SinkOutlet
from ollama_rx.rx.operator import ChainObserver

T = TypeVar("T")


class BranchOutlet(Generic[T]):
    """Sends the stream through a sink's operators; what they raise or emit as error fails the sink."""

    def __init__(self, outlet: SinkOutlet[Any], operators: Iterable[Callable[[Any], Any]]) -> None:
        self._outlet = outlet
        self._head = _Head[T]()
        self._end: Observable[Any] = self._head.pipe(*operators)
        self._subscription = SingleAssignmentDisposable()
        self._stream_failed = False

    def subscribe(self, scheduler: abc.SchedulerBase | None) -> None:
        """Connect the operators; they find the scheduler of the one subscription."""
        outlet = self._outlet
        try:
            self._subscription.disposable = self._end.subscribe(
                outlet.on_next, self._failed, outlet.on_completed, scheduler=scheduler
            )
        except Exception as error:  # noqa: BLE001 - fails this sink, not the stream
            outlet.fail(error)

    def on_next(self, item: T, /) -> None:
        """Send an item through the operators."""
        try:
            for tap in self._head.taps:
                tap.on_next(item)
        except Exception as error:  # noqa: BLE001 - fails this sink, not the stream
            self._outlet.fail(error)

    def on_completed(self) -> None:
        """Complete the branch; its operators may still send something."""
        self._close(lambda tap: tap.on_completed())

    def on_error(self, error: Exception, /) -> None:
        """Fail the branch with the stream's error; its operators may still turn it into something."""
        self._stream_failed = True
        self._close(lambda tap: tap.on_error(error))

    def cancel(self) -> None:
        """Close the sink."""
        self._outlet.cancel()

    def dispose(self) -> None:
        """Leave the operators: the sink has ended."""
        self._subscription.dispose()

    def _failed(self, error: Exception) -> None:
        if self._stream_failed:
            self._outlet.on_error(error)
        else:
            self._outlet.fail(error)

    def _close(self, last: Callable[[ChainObserver[T]], object]) -> None:
        try:
            self._head.close(last)
        except Exception as error:  # noqa: BLE001 - fails this sink, not the stream
            self._outlet.fail(error)


class _Head(Observable[T]):
    """What a sink's operators subscribe to, once as a rule, more often if they please."""

    def __init__(self) -> None:
        super().__init__()
        self.taps: tuple[ChainObserver[T], ...] = ()
        self._last: Callable[[ChainObserver[T]], object] | None = None
        self._lock = Lock()

    def subscribe(
        self,
        on_next: abc.ObserverBase[T] | abc.OnNext[T] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,  # noqa: ARG002 - the items come as they come
    ) -> abc.DisposableBase:
        observer: Any = on_next
        if hasattr(observer, "on_next"):
            tap = ChainObserver[T](observer.on_next, observer.on_error, observer.on_completed)
        else:
            tap = ChainObserver[T](observer or _ignore, on_error or _ignore, on_completed or _ignore)
        with self._lock:
            last = self._last
            if last is None:
                self.taps += (tap,)
        if last is not None:
            last(tap)
        return Disposable(lambda: self._remove(tap))

    def close(self, last: Callable[[ChainObserver[T]], object]) -> None:
        with self._lock:
            self._last = last
            taps, self.taps = self.taps, ()
        for tap in taps:
            last(tap)

    def _remove(self, tap: ChainObserver[T]) -> None:
        with self._lock:
            self.taps = tuple(other for other in self.taps if other is not tap)


def _ignore(*_: object) -> None:
    """Take the place of a callback that was not given."""
