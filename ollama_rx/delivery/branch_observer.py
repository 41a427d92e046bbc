"""The observer of a sink that has operators of its own."""

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, Generic, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import Disposable, SingleAssignmentDisposable

from ollama_rx.delivery.sink_guard import SinkDestination
from ollama_rx.rx.subscriber import ChainObserver, observer_of

T = TypeVar("T")


class BranchObserver(Generic[T]):
    """Sends the stream through a sink's operators; an error that they raise or emit fails the sink."""

    def __init__(self, destination: SinkDestination[Any], operators: Iterable[Callable[[Any], Any]]) -> None:
        self._destination = destination
        self._subject = _BranchSubject[T]()
        self._branch: Observable[Any] = self._subject.pipe(*operators)
        self._subscription = SingleAssignmentDisposable()
        self._stream_failed = False

    def subscribe(self, scheduler: abc.SchedulerBase | None) -> None:
        """Subscribe to the operators, with the scheduler of the delivery's one subscription."""
        destination = self._destination
        try:
            self._subscription.disposable = self._branch.subscribe(
                destination.on_next, self._on_branch_error, destination.on_completed, scheduler=scheduler
            )
        except Exception as error:  # noqa: BLE001 - fails this sink, not the stream
            destination.fail(error)

    def on_next(self, item: T, /) -> None:
        """Send an item through the operators."""
        try:
            for observer in self._subject.observers:
                observer.on_next(item)
        except Exception as error:  # noqa: BLE001 - fails this sink, not the stream
            self._destination.fail(error)

    def on_completed(self) -> None:
        """Complete the branch; its operators may still emit."""
        self._terminate(lambda observer: observer.on_completed())

    def on_error(self, error: Exception, /) -> None:
        """Fail the branch with the stream's error; its operators may still replace it."""
        self._stream_failed = True
        self._terminate(lambda observer: observer.on_error(error))

    def cancel(self) -> None:
        """Close the sink."""
        self._destination.cancel()

    def dispose(self) -> None:
        """Unsubscribe from the operators once the sink is closed."""
        self._subscription.dispose()

    def _on_branch_error(self, error: Exception) -> None:
        if self._stream_failed:
            self._destination.on_error(error)
        else:
            self._destination.fail(error)

    def _terminate(self, send: Callable[[ChainObserver[T]], object]) -> None:
        try:
            self._subject.terminate(send)
        except Exception as error:  # noqa: BLE001 - fails this sink, not the stream
            self._destination.fail(error)


class _BranchSubject(Observable[T]):
    """The source of a sink's operators; they may subscribe several times, also after the end."""

    def __init__(self) -> None:
        super().__init__()
        self.observers: tuple[ChainObserver[T], ...] = ()
        self._send_terminal: Callable[[ChainObserver[T]], object] | None = None
        self._lock = Lock()

    def subscribe(
        self,
        on_next: abc.ObserverBase[T] | abc.OnNext[T] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,  # noqa: ARG002 - items are passed on as they arrive
    ) -> abc.DisposableBase:
        observer = observer_of(on_next, on_error, on_completed)
        with self._lock:
            send_terminal = self._send_terminal
            if send_terminal is None:
                self.observers += (observer,)
        if send_terminal is not None:
            send_terminal(observer)
        return Disposable(lambda: self._remove(observer))

    def terminate(self, send: Callable[[ChainObserver[T]], object]) -> None:
        with self._lock:
            self._send_terminal = send
            observers, self.observers = self.observers, ()
        for observer in observers:
            send(observer)

    def _remove(self, observer: ChainObserver[T]) -> None:
        with self._lock:
            self.observers = tuple(other for other in self.observers if other is not observer)
