"""Sinks on threads of their own, and callbacks that wait for their own delivery."""

import gc
import threading
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import reactivex
from reactivex import of
from reactivex import operators as ops
from reactivex.subject import Subject

from ollama_rx import Delivery, OllamaError, SinkError, deliver
from ollama_rx.delivery.sink_guard import is_on_call_stack, sink_error
from ollama_rx.rx.mailbox import MailboxFull, WhenFull
from ollama_rx.sinks import Branch, Callback, Collector, Sink
from tests.recording_sink import RecordingSink

pytestmark = pytest.mark.usefixtures("no_thread_left")


class Gated:
    """A function that waits for its gate to open and records that it has been called."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.called = threading.Event()
        self.gate = threading.Event()

    def __call__(self, item: int) -> None:
        self.called.set()
        assert self.gate.wait(5)
        self.items.append(item)


def slow(function: Gated, when_full: WhenFull, max_waiting: int = 2) -> Callback[int]:
    return Callback(function, blocking=True, max_waiting=max_waiting, when_full=when_full)


def test_a_slow_sink_pauses_the_stream_and_receives_every_item() -> None:
    sent: list[int] = []
    function = Gated()
    delivery = deliver(of(*range(50)).pipe(ops.do_action(sent.append)), slow(function, "pause"))
    assert function.called.wait(5)
    assert len(sent) <= 4  # one in its call, two waiting, one being put
    function.gate.set()
    delivery.wait(5)
    assert function.items == list(range(50))


def test_with_drop_oldest_the_oldest_items_are_dropped() -> None:
    source = Subject[int]()
    function = Gated()
    delivery = deliver(source, slow(function, "drop_oldest"))
    source.on_next(0)
    assert function.called.wait(5)
    for number in range(1, 10):
        source.on_next(number)
    source.on_completed()
    function.gate.set()
    delivery.wait(5)
    assert function.items == [0, 8, 9]


def test_with_fail_a_slow_sink_fails() -> None:
    source = Subject[int]()
    function = Gated()
    other = Collector[int]()
    delivery = deliver(source, slow(function, "fail"), other, on_sink_error="continue")
    source.on_next(0)
    assert function.called.wait(5)
    for number in range(1, 10):
        source.on_next(number)
    source.on_completed()
    function.gate.set()
    with pytest.raises(SinkError, match=r"2 items wait already \(max_waiting\)") as caught:
        delivery.wait(5)
    assert isinstance(caught.value.__cause__, MailboxFull)
    assert function.items == [0]
    assert other.items == list(range(10))


def test_cancelling_wakes_a_stream_that_waits_for_a_sink_and_drops_the_waiting_items() -> None:
    function = Gated()
    delivery = deliver(reactivex.repeat_value(1), slow(function, "pause"))
    assert function.called.wait(5)
    delivery.cancel()
    assert not delivery.done  # its last call has not returned
    function.gate.set()
    delivery.wait(5)
    assert function.items == [1]


def test_a_sink_that_fails_does_not_stop_the_stream_for_the_others() -> None:
    other = Collector[int]()
    failing = RecordingSink(raises="next", blocking=True)
    failing.max_waiting = 1
    delivery = deliver(of(*range(50)), failing, other, on_sink_error="continue")
    with pytest.raises(SinkError):
        delivery.wait(5)
    assert other.items == list(range(50))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OllamaError("hibari: could not download " + "a" * 100), "hibari: could not download " + "a" * 100),
        (ValueError("a" * 100), "ValueError: " + "a" * 27 + "…" + "a" * 40),
    ],
)
def test_an_error_of_ours_is_told_whole_and_another_with_its_type_and_shortened(
    error: Exception, message: str
) -> None:
    failure = sink_error(RecordingSink(), error)
    assert str(failure) == f"sink RecordingSink failed: {message}"
    assert failure.__cause__ is error


def test_a_sink_that_waits_in_on_next_is_interrupted_and_receives_no_more_items() -> None:
    class Waits(RecordingSink):
        woken = threading.Event()

        def on_next(self, value: object) -> None:
            super().on_next(value)
            assert self.woken.wait(5)

        def interrupt(self) -> None:
            super().interrupt()
            self.woken.set()

    sink = Waits(blocking=True)
    delivery = deliver(of(1, 2), sink)
    while not sink.calls:
        threading.Event().wait(0.001)
    delivery.cancel()
    delivery.wait(5)
    assert sink.calls == ["next 1", "interrupt", "close"]


def test_a_sink_that_waits_in_on_completed_is_interrupted() -> None:
    class Patient(RecordingSink):
        woken = threading.Event()

        def on_completed(self) -> None:
            super().on_completed()
            assert self.woken.wait(5)

        def interrupt(self) -> None:
            super().interrupt()
            self.woken.set()

    sink = Patient(blocking=True)
    source = Subject[int]()
    delivery = deliver(source, sink)
    source.on_completed()
    while not sink.calls:
        threading.Event().wait(0.001)
    delivery.cancel()
    delivery.wait(5)
    assert sink.calls == ["completed", "interrupt", "close"]


class WaitForOwnDelivery:
    """A callback that waits for the delivery it is called by."""

    def __init__(self) -> None:
        self._started = threading.Event()
        self._delivery: Delivery | None = None

    def __call__(self, _: int = 0) -> None:
        self._started.wait(5)
        assert self._delivery is not None
        self._delivery.wait(2)

    def deliver_to(self, sink: Sink[int] | Branch[int]) -> None:
        self._delivery = deliver(of(1).pipe(ops.delay(0.01)), sink)
        self._started.set()
        self._delivery.wait(5)


def _ignore(_: object) -> None:
    pass


def _in_on_next(callback: WaitForOwnDelivery) -> Sink[int]:
    return Callback[int](callback)


def _in_a_thread_of_its_own(callback: WaitForOwnDelivery) -> Sink[int]:
    return Callback[int](callback, blocking=True)


def _in_on_completed(callback: WaitForOwnDelivery) -> Sink[int]:
    return Callback[int](_ignore, on_completed=callback)


def _in_close(callback: WaitForOwnDelivery) -> Sink[int]:
    return Callback[int](_ignore, on_close=callback, blocking=True)


def _in_an_operator(callback: WaitForOwnDelivery) -> Branch[int]:
    return Collector[int]().after(ops.do_action(callback))


@pytest.mark.parametrize(
    "sink", [_in_on_next, _in_a_thread_of_its_own, _in_on_completed, _in_close, _in_an_operator]
)
def test_waiting_in_a_callback_of_the_same_delivery_is_refused(
    sink: Callable[[WaitForOwnDelivery], Sink[int] | Branch[int]],
) -> None:
    callback = WaitForOwnDelivery()
    with pytest.raises(SinkError, match="RuntimeError: a callback can't wait for its own delivery") as caught:
        callback.deliver_to(sink(callback))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_waiting_for_another_delivery_in_a_callback_is_allowed() -> None:
    inner = Collector[int]()
    deliver(of(1), Callback[int](lambda item: deliver(of(item, 2), inner).wait(5))).wait(5)
    assert inner.items == [1, 2]


def test_another_thread_may_wait_while_a_callback_runs() -> None:
    running, release = threading.Event(), threading.Event()

    def work(_: int) -> None:
        running.set()
        release.wait(5)

    delivery = deliver(reactivex.timer(0.0), Callback[int](work))
    running.wait(5)
    with pytest.raises(TimeoutError):
        delivery.wait(0.01)
    release.set()
    delivery.wait(5)


def test_looking_for_a_callback_on_the_call_stack_keeps_nothing_alive() -> None:
    def look() -> weakref.ref[object]:
        local = type("Local", (), {})()
        assert not is_on_call_stack([local])
        return weakref.ref(local)

    gc.disable()
    try:
        assert look()() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("call", ["on_next", "on_completed", "on_close"])
@pytest.mark.parametrize("blocking", [False, True])
def test_a_function_that_returns_a_coroutine_fails_the_sink(call: str, blocking: bool) -> None:  # noqa: FBT001
    async def send() -> None: ...

    def start_sending(*_: object) -> object:
        return send()

    functions: dict[str, Any] = {"on_next": print, call: start_sending}
    sink = Callback[int](**functions, blocking=blocking)
    with pytest.raises(SinkError, match="it returned a coroutine; only `async def` functions are awaited"):
        deliver(of(1), sink).wait(5)


def test_an_open_that_returns_a_coroutine_fails_the_sink() -> None:
    async def connect() -> None: ...

    class Connecting(Collector[int]):
        def open(self) -> Awaitable[None]:
            return connect()

    sink = Connecting()
    with pytest.raises(SinkError, match="it returned a coroutine"):
        deliver(of(1), sink).wait(5)
    assert (sink.items, sink.closed) == ([], True)
