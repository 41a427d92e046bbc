"""One subscription, many sinks: each sink is closed once, however the delivery ends."""

import asyncio
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any, cast

import pytest
import reactivex
from reactivex import Observable, of
from reactivex import operators as ops
from reactivex.scheduler import ImmediateScheduler
from reactivex.subject import Subject
from reactivex.testing import TestScheduler

from ollama_rx import SinkError, deliver
from ollama_rx import operators as op
from ollama_rx.delivery.deliver import close_all_deliveries
from ollama_rx.sinks import Branch, Callback, Collector, StopSink
from tests.recording_sink import RecordingSink, record_subscriptions

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture(params=[False, True], ids=["plain", "blocking"])
def sink(request: pytest.FixtureRequest) -> RecordingSink:
    return RecordingSink(blocking=request.param)


def test_many_sinks_share_one_subscription(sink: RecordingSink) -> None:
    source, events = record_subscriptions(of(1, 2))
    second = RecordingSink()
    deliver(source, sink, second).wait(5)
    assert sink.calls == second.calls == ["next 1", "next 2", "completed", "close"]
    assert events == ["subscribed", "disposed"]


def test_an_empty_stream_completes(sink: RecordingSink) -> None:
    deliver(reactivex.empty(), sink).wait(5)
    assert sink.calls == ["completed", "close"]


def test_an_error_reaches_the_sinks_and_is_then_raised_by_wait(sink: RecordingSink) -> None:
    error = ValueError("no")
    delivery = deliver(of(1).pipe(ops.concat(reactivex.throw(error))), sink)
    with pytest.raises(ValueError, match="no") as caught:
        delivery.wait(5)
    assert caught.value is error
    assert sink.calls == ["next 1", "error no", "close"]


def test_an_exception_raised_by_subscribe_is_an_error_of_the_stream(sink: RecordingSink) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise ValueError("no")

    class Refusing(Subject[int]):
        subscribe = refuse

    delivery = deliver(Refusing(), sink)
    with pytest.raises(ValueError, match="no"):
        delivery.wait(5)
    assert sink.calls == ["error no", "close"]


def test_cancelling_closes_the_sinks_and_raises_no_error(sink: RecordingSink) -> None:
    source, events = record_subscriptions(reactivex.never())
    delivery = deliver(source, sink)
    assert not delivery.done
    delivery.cancel()
    delivery.wait(5)
    delivery.cancel()
    assert sink.calls == ["interrupt", "close"]
    assert events == ["subscribed", "disposed"]
    assert delivery.done


def test_a_never_ending_synchronous_source_can_be_cancelled(sink: RecordingSink) -> None:
    arrived = threading.Event()
    delivery = deliver(reactivex.repeat_value(1), sink, Callback[int](lambda _: arrived.set()))
    arrived.wait(5)
    delivery.cancel()
    delivery.wait(5)
    assert sink.calls[-1] == "close"


def test_a_sink_may_cancel_its_delivery_and_is_closed_after_that_call() -> None:
    source = Subject[int]()
    calls: list[str] = []

    def cancel(_: int) -> None:
        delivery.cancel()
        calls.append("next")

    delivery = deliver(source, Callback(cancel, on_close=lambda: calls.append("close")))
    source.on_next(1)
    source.on_next(2)
    delivery.wait(5)
    assert calls == ["next", "close"]


def test_a_sink_that_makes_its_own_source_send_is_closed_after_its_outermost_call() -> None:
    source = Subject[int]()
    calls: list[str] = []

    def recurse(number: int) -> None:
        if number == 1:
            source.on_next(2)
            source.on_completed()
        calls.append(f"next {number}")

    with deliver(source, Callback(recurse, on_close=lambda: calls.append("close"))):
        source.on_next(1)
    assert calls == ["next 2", "next 1", "close"]


@pytest.mark.parametrize("raises", ["next", "completed", "close"])
def test_a_failing_sink_is_closed_and_reported_and_cancels_the_others(
    sink: RecordingSink, raises: str
) -> None:
    source = Subject[int]()
    sink.raises = raises
    other = RecordingSink()
    delivery = deliver(source, sink, other)
    source.on_next(1)
    source.on_completed()
    with pytest.raises(SinkError, match="sink RecordingSink failed: OSError: broken") as caught:
        delivery.wait(5)
    assert caught.value.sink is sink
    assert caught.value.__cause__ is sink.error
    assert sink.calls.count("close") == other.calls.count("close") == 1
    assert delivery.sink_errors == (caught.value,)


def test_a_sink_that_fails_on_an_error_does_not_hide_that_error(sink: RecordingSink) -> None:
    sink.raises = "error"
    delivery = deliver(reactivex.throw(ValueError("no")), sink)
    with pytest.raises(ValueError, match="no"):
        delivery.wait(5)
    assert [error.sink for error in delivery.sink_errors] == [sink]
    assert sink.calls == ["error no", "close"]


def test_a_failing_sink_closes_the_request(sink: RecordingSink) -> None:
    source, events = record_subscriptions(reactivex.repeat_value(1))
    sink.raises = "next"
    delivery = deliver(source, sink)
    with pytest.raises(SinkError):
        delivery.wait(5)
    assert [call for call in sink.calls if call != "interrupt"] == ["next 1", "close"]
    assert events == ["subscribed", "disposed"]


def test_with_continue_the_other_sinks_continue_and_the_error_is_raised_at_the_end(
    sink: RecordingSink,
) -> None:
    sink.raises = "next"
    other = RecordingSink()
    delivery = deliver(of(1, 2), sink, other, on_sink_error="continue")
    with pytest.raises(SinkError) as caught:
        delivery.wait(5)
    assert caught.value.sink is sink
    assert sink.calls == ["next 1", "close"]
    assert other.calls == ["next 1", "next 2", "completed", "close"]


def test_when_all_sinks_have_failed_the_request_is_closed(sink: RecordingSink) -> None:
    source, events = record_subscriptions(reactivex.repeat_value(1))
    sink.raises = "next"
    other = RecordingSink(raises="next")
    delivery = deliver(source, sink, other, on_sink_error="continue")
    with pytest.raises(SinkError):
        delivery.wait(5)
    assert {error.sink for error in delivery.sink_errors} == {sink, other}
    assert events == ["subscribed", "disposed"]


def test_a_sink_that_raises_stop_sink_is_closed_without_an_error(sink: RecordingSink) -> None:
    sink.raises, sink.error = "next", StopSink()
    other = RecordingSink()
    deliver(of(1, 2), sink, other).wait(5)
    assert sink.calls == ["next 1", "close"]
    assert other.calls == ["next 1", "next 2", "completed", "close"]


@pytest.mark.parametrize(
    ("stream", "raises"),
    [(of(1), "completed"), (reactivex.throw(ValueError("no")), "error"), (of(1), "close")],
)
def test_stop_sink_is_not_a_failure_in_any_call(
    sink: RecordingSink, stream: Observable[int], raises: str
) -> None:
    sink.raises, sink.error = raises, StopSink()
    with suppress(ValueError), deliver(stream, sink) as delivery:
        pass
    assert delivery.sink_errors == ()
    assert sink.calls[-1] == "close"
    assert sink.calls.count("close") == 1


def test_a_sink_whose_interrupt_raises_is_closed_all_the_same(sink: RecordingSink) -> None:
    class Stubborn(RecordingSink):
        def interrupt(self) -> None:
            raise OSError("no")

    stubborn = Stubborn(blocking=sink.blocking)
    delivery = deliver(reactivex.never(), stubborn)
    delivery.cancel()
    with pytest.raises(SinkError, match="no"):
        delivery.wait(5)
    assert stubborn.calls == ["close"]


def test_system_exit_raised_by_a_sink_ends_the_delivery() -> None:
    sink = RecordingSink(raises="next", error=SystemExit(3), blocking=True)
    delivery = deliver(of(1), sink)
    with pytest.raises(SinkError) as caught:
        delivery.wait(5)
    assert caught.value.__cause__ is sink.error
    assert sink.calls == ["next 1", "close"]


def test_a_blocking_sink_is_called_on_one_thread_of_its_own() -> None:
    own, plain = RecordingSink(blocking=True), RecordingSink()
    deliver(of(1, 2), own, plain).wait(5)
    assert len(own.threads) == len(plain.threads) == 1
    assert own.threads != plain.threads
    assert threading.current_thread() not in own.threads | plain.threads


def test_each_sink_has_operators_of_its_own() -> None:
    words, pieces, loud = Collector[str](), Collector[str](), Collector[str]()
    deliver(
        of("a b", "c d"),
        pieces,
        words.after(op.split_words()),
        loud.after(op.split_words(), ops.map(str.upper)),
    ).wait(5)
    assert pieces.items == ["a b", "c d"]
    assert words.items == ["a", "bc", "d"]
    assert loud.items == ["A", "BC", "D"]


def test_a_branch_that_completes_early_closes_its_sink_alone(sink: RecordingSink) -> None:
    other = RecordingSink()
    deliver(of(1, 2), sink.after(ops.take(1)), other).wait(5)
    assert sink.calls == ["next 1", "completed", "close"]
    assert other.calls == ["next 1", "next 2", "completed", "close"]


def test_when_all_branches_are_complete_the_request_is_closed(sink: RecordingSink) -> None:
    source, events = record_subscriptions(reactivex.repeat_value(1))
    deliver(source, sink.after(ops.take(1)), RecordingSink().after(ops.take(2))).wait(5)
    assert events == ["subscribed", "disposed"]


def test_an_explicit_scheduler_is_used_and_operators_share_it() -> None:
    scheduler = TestScheduler()
    plain, late = Collector[int](), Collector[int]()
    delivery = deliver(
        reactivex.interval(1.0), plain, late.after(ops.delay(10.0), ops.take(2)), scheduler=scheduler
    )
    scheduler.advance_to(11.5)
    assert len(plain.items) == 11
    assert late.items == [0]
    scheduler.advance_to(12.5)
    assert late.items == [0, 1]
    assert late.closed
    delivery.cancel()
    scheduler.advance_to(100.0)
    assert len(plain.items) == 12


def test_an_explicit_scheduler_works_inside_another_subscription() -> None:
    sink = Collector[int]()

    def nested(_: int) -> None:
        deliver(of(1, 2), sink, scheduler=ImmediateScheduler.singleton()).wait(5)

    of(0).subscribe(nested)
    assert sink.items == [1, 2]


def test_no_item_of_a_hot_source_is_lost_after_deliver_has_returned() -> None:
    source = Subject[int]()
    sink = Collector[int]()
    with deliver(source, sink):
        source.on_next(1)
        source.on_completed()
    assert sink.items == [1]


def test_inside_a_running_loop_sinks_are_called_on_that_loop(sink: RecordingSink) -> None:
    async def main() -> None:
        await deliver(of(1, 2), sink)
        assert (threading.current_thread() in sink.threads) is not sink.blocking

    asyncio.run(main())
    assert sink.calls == ["next 1", "next 2", "completed", "close"]


def test_a_cancel_from_a_thread_closes_the_sinks_on_the_loop() -> None:
    async def main() -> None:
        sink = RecordingSink()
        delivery = deliver(reactivex.never(), sink)
        await asyncio.to_thread(delivery.cancel)
        await delivery
        assert sink.calls == ["interrupt", "close"]
        assert sink.threads == {threading.current_thread()}

    asyncio.run(main())


def test_a_cancel_after_the_loop_is_gone_still_closes_the_sinks() -> None:
    sink = RecordingSink()

    async def main() -> Any:
        return deliver(reactivex.never(), sink)

    delivery = asyncio.run(main())
    delivery.cancel()
    delivery.wait(5)
    assert sink.calls == ["interrupt", "close"]


def test_deliver_inside_a_callback_of_a_delivery_works() -> None:
    inner = Collector[int]()
    deliver(of(1, 2), Callback(lambda item: deliver(of(item, item * 10), inner).wait(5))).wait(5)
    assert inner.items == [1, 10, 2, 20]


@pytest.mark.parametrize(
    ("sinks", "message"),
    [
        ((), "expected at least one Sink, got none"),
        ((same := RecordingSink(), same), "expected each Sink once, got the same RecordingSink twice"),
        ((same, same.after(ops.take(1))), "expected each Sink once, got the same RecordingSink twice"),
    ],
)
def test_no_sink_and_repeated_sinks_are_refused(sinks: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^sinks: {message}$"):
        deliver(of(1), *sinks)


def test_a_value_that_is_not_a_sink_is_refused_with_advice() -> None:
    not_a_sink: Any = print
    branch: Branch[int] = Branch(not_a_sink, ())
    expected = "^sinks: expected a Sink, or a function in a Callback, got builtin_function_or_method$"
    for sink in not_a_sink, branch:
        with pytest.raises(TypeError, match=expected):
            deliver(of(1), sink)


def test_a_value_that_is_not_a_stream_is_refused_before_anything_happens() -> None:
    sink = RecordingSink()
    with pytest.raises(TypeError, match=r"^stream: expected an Observable, got builtin_function_or_method"):
        deliver(cast(Any, print), sink)
    assert sink.calls == []


def test_a_value_that_is_not_a_scheduler_is_refused() -> None:
    sink = RecordingSink()
    with pytest.raises(TypeError, match=r"^scheduler: expected a SchedulerBase, got str$"):
        deliver(of(1), sink, scheduler=cast(Any, "loop"))
    assert sink.calls == []


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^on_sink_error: expected one of 'cancel', 'continue', got 'ignore'"
    ):
        deliver(of(1), RecordingSink(), on_sink_error=cast(Any, "ignore"))


def test_wrong_attributes_of_a_sink_are_refused() -> None:
    sink = RecordingSink()
    sink.max_waiting = 0
    with pytest.raises(ValueError, match=r"^max_waiting: expected a whole number of at least 1, got 0$"):
        deliver(of(1), sink)
    sink.max_waiting, sink.when_full = 1, cast(Any, "explode")
    with pytest.raises(ValueError, match=r"^when_full: expected one of .*, got 'explode'$"):
        deliver(of(1), sink)


_ENDS_AT_ONCE = """
import reactivex
from ollama_rx import deliver
from ollama_rx.sinks import Callback

class Told(Callback[int]):
    blocking = {blocking}

    def close(self) -> None:
        print("closed", flush=True)

deliver(reactivex.never(), Told(print))
raise KeyboardInterrupt  # before anything waits for the delivery
"""


@pytest.mark.parametrize("blocking", [False, True])
def test_a_process_that_ends_closes_the_sinks_of_what_still_runs(*, blocking: bool) -> None:
    program = [sys.executable, "-c", _ENDS_AT_ONCE.format(blocking=blocking)]
    ended = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - ours
    assert ended.stdout == "closed\n"
    assert ended.stderr.endswith("KeyboardInterrupt\n")


def test_the_end_of_the_process_closes_each_delivery_once(sink: RecordingSink) -> None:
    deliver(of(1), sink).wait(5)
    other = RecordingSink()
    delivery = deliver(reactivex.never(), other)
    close_all_deliveries()
    assert delivery.done
    assert sink.calls == ["next 1", "completed", "close"]
    assert other.calls == ["interrupt", "close"]


class SlowToClose(RecordingSink):
    """Closes when it is allowed to, or after some seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(blocking=True)
        self.may_close = threading.Event()
        self._seconds = seconds

    def close(self) -> None:
        self.may_close.wait(self._seconds)
        super().close()


def test_the_end_of_the_process_waits_while_a_sink_closes_its_file() -> None:
    slow = SlowToClose(seconds=0.05)
    delivery = deliver(reactivex.never(), slow)
    close_all_deliveries()
    assert delivery.done
    assert slow.calls == ["interrupt", "close"]


def test_the_end_of_the_process_does_not_wait_for_a_sink_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ollama_rx.delivery.deliver._CLOSING_SECONDS", 0.0)
    stuck = SlowToClose(seconds=30)
    delivery = deliver(reactivex.never(), stuck)
    close_all_deliveries()
    assert not delivery.done
    stuck.may_close.set()
    delivery.wait(30)
