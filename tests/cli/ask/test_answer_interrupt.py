"""Ctrl-C stops the answer, wherever it falls, and a second one ends the process."""

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager

import pytest
import reactivex
from reactivex import Observable, of

from ollama_rx import Delivery, deliver
from ollama_rx.cli.ask import answer_interrupt
from ollama_rx.cli.ask.answer_interrupt import AnswerInterrupt
from ollama_rx.cli.terminal import end_process
from ollama_rx.sinks import Callback, Collector
from tests.recording_sink import RecordingSink

pytestmark = pytest.mark.usefixtures("no_thread_left")

NEVER: Observable[str] = reactivex.never()


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


@contextmanager
def handler_of_the_signal(handler: signal.Handlers) -> Generator[None]:
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_answer_that_nobody_interrupts_is_waited_for() -> None:
    words = Collector[str]()
    with AnswerInterrupt() as interrupt:
        interrupt.wait(deliver(of("Hi"), words))
    interrupt.raise_if_happened()
    assert words.items == ["Hi"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_during_the_wait_cancels_the_answer() -> None:
    sink = RecordingSink()
    pressed = reactivex.timer(0.05)
    pressed.subscribe(lambda _: os.kill(os.getpid(), signal.SIGINT))
    with AnswerInterrupt() as interrupt:
        interrupt.wait(deliver(NEVER, sink))
    assert interrupt.happened
    assert sink.calls == ["interrupt", "close"]
    with pytest.raises(KeyboardInterrupt):
        interrupt.raise_if_happened()


@pytest.mark.parametrize("moment", ["before the delivery", "before the wait"])
def test_ctrl_c_before_the_wait_is_not_lost(moment: str) -> None:
    sink = RecordingSink()
    with AnswerInterrupt() as interrupt:
        if moment == "before the delivery":
            press_ctrl_c()
        delivery = deliver(NEVER, sink)
        if moment == "before the wait":
            press_ctrl_c()
        interrupt.wait(delivery)
    assert interrupt.happened
    assert sink.calls == ["interrupt", "close"]


class PressedWhileRead(AnswerInterrupt):
    """Ctrl-C is pressed directly after it was checked whether it had been."""

    _happened = False
    _has_been_read = False

    @property
    def happened(self) -> bool:
        before, is_first = self._happened, not self._has_been_read
        self._has_been_read = True
        if is_first:
            press_ctrl_c()
        return before

    @happened.setter
    def happened(self, value: bool) -> None:
        self._happened = value


def test_ctrl_c_at_the_beginning_of_the_wait_is_not_lost() -> None:
    sink = RecordingSink()
    with PressedWhileRead() as interrupt:
        interrupt.wait(deliver(NEVER, sink))
    assert interrupt.happened
    assert sink.calls == ["interrupt", "close"]


def test_ctrl_c_waits_while_a_sink_closes_its_file() -> None:
    class SlowToClose(RecordingSink):
        def close(self) -> None:
            threading.Event().wait(0.05)
            super().close()

    sink = SlowToClose(blocking=True)
    delivery = deliver(NEVER, sink)
    with AnswerInterrupt() as interrupt:
        press_ctrl_c()
        interrupt.wait(delivery)
    assert delivery.done
    assert sink.calls == ["interrupt", "close"]


def test_ctrl_c_does_not_wait_for_a_sink_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_interrupt, "_CLOSING_SECONDS", 0.0)
    monkeypatch.setattr(answer_interrupt, "_POLL_SECONDS", 0.01)
    entered, release = threading.Event(), threading.Event()

    def hang(_: object) -> None:
        entered.set()
        release.wait(60)

    sink = Callback[str](hang, blocking=True)
    delivery: Delivery = deliver(of("Hi"), sink)
    assert entered.wait(30)
    with AnswerInterrupt() as interrupt:
        press_ctrl_c()
        interrupt.wait(delivery)
    assert not delivery.done
    release.set()
    delivery.wait(30)


def test_the_error_of_the_answer_is_raised_also_a_timeout() -> None:
    failing: Observable[str] = reactivex.throw(TimeoutError("too slow"))
    with AnswerInterrupt() as interrupt, pytest.raises(TimeoutError, match="too slow"):
        interrupt.wait(deliver(failing, Collector[str]()))
    assert not interrupt.happened


def test_the_second_ctrl_c_ends_the_process() -> None:
    with AnswerInterrupt():
        press_ctrl_c()
        assert signal.getsignal(signal.SIGINT) is end_process
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_process_that_ignores_ctrl_c_keeps_ignoring_it() -> None:
    with handler_of_the_signal(signal.SIG_IGN), AnswerInterrupt() as interrupt:
        press_ctrl_c()
        interrupt.wait(deliver(of("Hi"), Collector[str]()))
        assert not interrupt.happened


def test_another_thread_cannot_take_the_signal_and_does_not_try() -> None:
    done = threading.Event()

    def run() -> None:
        with AnswerInterrupt() as interrupt:
            interrupt.wait(deliver(of("Hi"), Collector[str]()))
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert done.is_set()
