"""One subscription, many sinks: each closed once, however it ends."""

import threading

import pytest
import reactivex
from reactivex import Observable, abc, of
from reactivex import operators as ops
from reactivex.disposable import CompositeDisposable, Disposable

from ollama_rx import deliver
from ollama_rx.sinks import Sink


class Diary(Sink[object]):
    """Writes down each call it gets; a call that is named in `raises` fails."""

    def __init__(self, *, raises: str = "", error: Exception | None = None, blocking: bool = False) -> None:
        self.calls: list[str] = []
        self.threads: set[str] = set()
        self.raises = raises
        self.error = error or OSError("broken")
        self.blocking = blocking

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.threads.add(threading.current_thread().name)
        if call.partition(" ")[0] == self.raises:
            raise self.error

    def on_next(self, value: object) -> None:
        self._note(f"next {value}")

    def on_error(self, error: Exception) -> None:
        self._note(f"error {error}")

    def on_completed(self) -> None:
        self._note("completed")

    def interrupt(self) -> None:
        self._note("interrupt")

    def close(self) -> None:
        self._note("close")


def counted(source: Observable[int]) -> tuple[Observable[int], list[str]]:
    """Note when the source is subscribed to and left."""
    notes: list[str] = []

    def subscribe(
        observer: abc.ObserverBase[int], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        notes.append("subscribed")
        return CompositeDisposable(
            source.subscribe(observer, scheduler=scheduler),
            Disposable(lambda: notes.append("left")),
        )

    return Observable(subscribe), notes


@pytest.fixture(params=[False, True], ids=["on the stream's thread", "on a thread of its own"])
def sink(request: pytest.FixtureRequest) -> Diary:
    return Diary(blocking=request.param)


def test_many_sinks_share_one_subscription(sink: Diary) -> None:
    source, notes = counted(of(1, 2))
    second = Diary()
    deliver(source, sink, second).wait(5)
    assert sink.calls == second.calls == ["next 1", "next 2", "completed", "close"]
    assert notes == ["subscribed", "left"]


def test_an_error_reaches_the_sinks_and_then_the_one_who_waits(sink: Diary) -> None:
    error = ValueError("no")
    delivery = deliver(of(1).pipe(ops.concat(reactivex.throw(error))), sink)
    with pytest.raises(ValueError, match="no") as caught:
        delivery.wait(5)
    assert caught.value is error
    assert sink.calls == ["next 1", "error no", "close"]


def test_cancelling_closes_and_is_no_error(sink: Diary) -> None:
    source, notes = counted(reactivex.never())
    delivery = deliver(source, sink)
    assert not delivery.done
    delivery.cancel()
    delivery.wait(5)
    delivery.cancel()
    assert sink.calls == ["interrupt", "close"]
    assert notes == ["subscribed", "left"]
    assert delivery.done
