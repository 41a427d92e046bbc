"""A blocking sink: what happens when it is slower than the stream."""

import threading

import pytest
import reactivex
from reactivex import of
from reactivex import operators as ops
from reactivex.subject import Subject

from ollama_rx import SinkError, deliver
from ollama_rx.rx.mailbox import MailboxFull, WhenFull
from ollama_rx.sinks import Callback, Collector
from tests.diary import Diary

pytestmark = pytest.mark.usefixtures("no_thread_left")


class Gated:
    """A function that waits for a gate, and says when it has been called."""

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


def test_a_slow_sink_pauses_the_stream_and_gets_all() -> None:
    sent: list[int] = []
    function = Gated()
    delivery = deliver(of(*range(50)).pipe(ops.do_action(sent.append)), slow(function, "pause"))
    assert function.called.wait(5)
    assert len(sent) <= 4  # one in work, two waiting, one on its way
    function.gate.set()
    delivery.wait(5)
    assert function.items == list(range(50))


def test_the_oldest_are_dropped_if_asked() -> None:
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


def test_a_slow_sink_fails_if_asked() -> None:
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


def test_cancelling_wakes_a_stream_that_waits_for_a_sink_and_drops_what_waits() -> None:
    function = Gated()
    delivery = deliver(reactivex.repeat_value(1), slow(function, "pause"))
    assert function.called.wait(5)
    delivery.cancel()
    assert not delivery.done  # its last call has not returned
    function.gate.set()
    delivery.wait(5)
    assert function.items == [1]


def test_a_sink_that_fails_lets_the_stream_go_on_for_the_others() -> None:
    other = Collector[int]()
    failing = Diary(raises="next", blocking=True)
    failing.max_waiting = 1
    delivery = deliver(of(*range(50)), failing, other, on_sink_error="continue")
    with pytest.raises(SinkError):
        delivery.wait(5)
    assert other.items == list(range(50))


def test_a_sink_that_waits_in_its_last_call_is_interrupted() -> None:
    class Patient(Diary):
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
