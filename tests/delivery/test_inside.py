"""Who waits for a delivery in one of its own callbacks is told so, instead of waiting for ever."""

import threading
from collections.abc import Callable

import pytest
import reactivex
from reactivex import of
from reactivex import operators as ops

from ollama_rx import Delivery, SinkError, deliver
from ollama_rx.sinks import Branch, Callback, Collector, Sink

pytestmark = pytest.mark.usefixtures("no_thread_left")


class _Waits:
    """Waits for the delivery it belongs to, wherever it is called."""

    def __init__(self) -> None:
        self._there = threading.Event()
        self._delivery: Delivery | None = None

    def __call__(self, _: int = 0) -> None:
        self._there.wait(5)
        assert self._delivery is not None
        self._delivery.wait(2)

    def within(self, sink: Sink[int] | Branch[int]) -> None:
        self._delivery = deliver(of(1).pipe(ops.delay(0.01)), sink)
        self._there.set()
        self._delivery.wait(5)


def _nothing(_: object) -> None:
    pass


def _in_on_next(waits: _Waits) -> Sink[int]:
    return Callback[int](waits)


def _in_a_thread_of_its_own(waits: _Waits) -> Sink[int]:
    return Callback[int](waits, blocking=True)


def _in_on_completed(waits: _Waits) -> Sink[int]:
    return Callback[int](_nothing, on_completed=waits)


def _in_close(waits: _Waits) -> Sink[int]:
    return Callback[int](_nothing, on_close=waits, blocking=True)


def _in_an_operator(waits: _Waits) -> Branch[int]:
    return Collector[int]().after(ops.do_action(waits))


@pytest.mark.parametrize(
    "sink", [_in_on_next, _in_a_thread_of_its_own, _in_on_completed, _in_close, _in_an_operator]
)
def test_waiting_in_a_callback_of_the_same_delivery_is_refused(
    sink: Callable[[_Waits], Sink[int] | Branch[int]],
) -> None:
    waits = _Waits()
    with pytest.raises(SinkError, match="RuntimeError: a callback can't wait for its own delivery") as caught:
        waits.within(sink(waits))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_waiting_for_another_delivery_in_a_callback_is_fine() -> None:
    inner = Collector[int]()
    deliver(of(1), Callback[int](lambda item: deliver(of(item, 2), inner).wait(5))).wait(5)
    assert inner.items == [1, 2]


def test_a_thread_of_ones_own_may_wait_while_a_callback_is_at_work() -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def work(_: int) -> None:
        at_work.set()
        go_on.wait(5)

    delivery = deliver(reactivex.timer(0.0), Callback[int](work))
    at_work.wait(5)
    with pytest.raises(TimeoutError):
        delivery.wait(0.01)
    go_on.set()
    delivery.wait(5)
