"""One subscription, many sinks: each gets its branch, each is closed once, however it ends."""

import asyncio
import threading
from typing import Any, cast

import pytest
import reactivex
from reactivex import of
from reactivex import operators as ops
from reactivex.scheduler import ImmediateScheduler
from reactivex.subject import Subject
from reactivex.testing import TestScheduler

from ollama_rx import SinkError, deliver
from ollama_rx import operators as op
from ollama_rx.sinks import Branch, Callback, Collector, StopSink
from tests.diary import Diary, watched

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture(params=[False, True], ids=["on the stream's thread", "on a thread of its own"])
def sink(request: pytest.FixtureRequest) -> Diary:
    return Diary(blocking=request.param)


def test_many_sinks_share_one_subscription(sink: Diary) -> None:
    source, notes = watched(of(1, 2))
    second = Diary()
    deliver(source, sink, second).wait(5)
    assert sink.calls == second.calls == ["next 1", "next 2", "completed", "close"]
    assert notes == ["subscribed", "left"]


def test_an_empty_stream_completes(sink: Diary) -> None:
    deliver(reactivex.empty(), sink).wait(5)
    assert sink.calls == ["completed", "close"]


def test_an_error_reaches_the_sinks_and_then_the_one_who_waits(sink: Diary) -> None:
    error = ValueError("no")
    delivery = deliver(of(1).pipe(ops.concat(reactivex.throw(error))), sink)
    with pytest.raises(ValueError, match="no") as caught:
        delivery.wait(5)
    assert caught.value is error
    assert sink.calls == ["next 1", "error no", "close"]


def test_a_source_that_raises_when_it_is_subscribed_to_is_an_error_of_the_stream(sink: Diary) -> None:
    def refuse(*_: object, **__: object) -> Any:
        raise ValueError("no")

    class Refusing(Subject[int]):
        subscribe = refuse

    delivery = deliver(Refusing(), sink)
    with pytest.raises(ValueError, match="no"):
        delivery.wait(5)
    assert sink.calls == ["error no", "close"]


def test_cancelling_closes_and_is_no_error(sink: Diary) -> None:
    source, notes = watched(reactivex.never())
    delivery = deliver(source, sink)
    assert not delivery.done
    delivery.cancel()
    delivery.wait(5)
    delivery.cancel()
    assert sink.calls == ["interrupt", "close"]
    assert notes == ["subscribed", "left"]
    assert delivery.done


def test_a_never_ending_synchronous_source_can_be_cancelled(sink: Diary) -> None:
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


def test_a_sink_that_makes_its_own_source_send_is_not_closed_in_between() -> None:
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
def test_a_failing_sink_is_closed_and_reported_and_cancels_the_others(sink: Diary, raises: str) -> None:
    source = Subject[int]()
    sink.raises = raises
    other = Diary()
    delivery = deliver(source, sink, other)
    source.on_next(1)
    source.on_completed()
    with pytest.raises(SinkError, match="sink Diary failed: OSError: broken") as caught:
        delivery.wait(5)
    assert caught.value.sink is sink
    assert caught.value.__cause__ is sink.error
    assert sink.calls.count("close") == other.calls.count("close") == 1
    assert delivery.sink_errors == (caught.value,)


def test_a_sink_that_fails_on_an_error_does_not_hide_that_error(sink: Diary) -> None:
    sink.raises = "error"
    delivery = deliver(reactivex.throw(ValueError("no")), sink)
    with pytest.raises(ValueError, match="no"):
        delivery.wait(5)
    assert [error.sink for error in delivery.sink_errors] == [sink]
    assert sink.calls == ["error no", "close"]


def test_a_failing_sink_closes_the_request(sink: Diary) -> None:
    source, notes = watched(reactivex.repeat_value(1))
    sink.raises = "next"
    delivery = deliver(source, sink)
    with pytest.raises(SinkError):
        delivery.wait(5)
    assert [call for call in sink.calls if call != "interrupt"] == ["next 1", "close"]
    assert notes == ["subscribed", "left"]


def test_the_others_go_on_if_asked_and_the_error_comes_at_the_end(sink: Diary) -> None:
    sink.raises = "next"
    other = Diary()
    delivery = deliver(of(1, 2), sink, other, on_sink_error="continue")
    with pytest.raises(SinkError) as caught:
        delivery.wait(5)
    assert caught.value.sink is sink
    assert sink.calls == ["next 1", "close"]
    assert other.calls == ["next 1", "next 2", "completed", "close"]


def test_when_all_sinks_have_failed_the_request_is_closed(sink: Diary) -> None:
    source, notes = watched(reactivex.repeat_value(1))
    sink.raises = "next"
    other = Diary(raises="next")
    delivery = deliver(source, sink, other, on_sink_error="continue")
    with pytest.raises(SinkError):
        delivery.wait(5)
    assert {error.sink for error in delivery.sink_errors} == {sink, other}
    assert notes == ["subscribed", "left"]


def test_a_sink_that_leaves_is_closed_without_an_error(sink: Diary) -> None:
    sink.raises, sink.error = "next", StopSink()
    other = Diary()
    deliver(of(1, 2), sink, other).wait(5)
    assert sink.calls == ["next 1", "close"]
    assert other.calls == ["next 1", "next 2", "completed", "close"]


def test_a_sink_that_fails_to_be_interrupted_is_closed_all_the_same(sink: Diary) -> None:
    class Stubborn(Diary):
        def interrupt(self) -> None:
            raise OSError("no")

    stubborn = Stubborn(blocking=sink.blocking)
    delivery = deliver(reactivex.never(), stubborn)
    delivery.cancel()
    with pytest.raises(SinkError, match="no"):
        delivery.wait(5)
    assert stubborn.calls == ["close"]


def test_even_an_exit_inside_a_sink_ends_the_delivery() -> None:
    sink = Diary(raises="next", error=SystemExit(3), blocking=True)
    delivery = deliver(of(1), sink)
    with pytest.raises(SinkError) as caught:
        delivery.wait(5)
    assert caught.value.__cause__ is sink.error
    assert sink.calls == ["next 1", "close"]


def test_a_blocking_sink_works_on_one_thread_of_its_own() -> None:
    own, plain = Diary(blocking=True), Diary()
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


def test_a_branch_that_completes_early_closes_its_sink_alone(sink: Diary) -> None:
    other = Diary()
    deliver(of(1, 2), sink.after(ops.take(1)), other).wait(5)
    assert sink.calls == ["next 1", "completed", "close"]
    assert other.calls == ["next 1", "next 2", "completed", "close"]


def test_when_all_branches_are_complete_the_request_is_closed(sink: Diary) -> None:
    source, notes = watched(reactivex.repeat_value(1))
    deliver(source, sink.after(ops.take(1)), Diary().after(ops.take(2))).wait(5)
    assert notes == ["subscribed", "left"]


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


def test_an_explicit_scheduler_works_inside_a_subscription_too() -> None:
    sink = Collector[int]()

    def nested(_: int) -> None:
        deliver(of(1, 2), sink, scheduler=ImmediateScheduler.singleton()).wait(5)

    of(0).subscribe(nested)
    assert sink.items == [1, 2]


def test_hot_sources_lose_nothing_after_deliver_has_returned() -> None:
    source = Subject[int]()
    sink = Collector[int]()
    with deliver(source, sink):
        source.on_next(1)
        source.on_completed()
    assert sink.items == [1]


def test_inside_a_running_loop_sinks_work_on_that_loop(sink: Diary) -> None:
    async def main() -> None:
        await deliver(of(1, 2), sink)
        assert (threading.current_thread() in sink.threads) is not sink.blocking

    asyncio.run(main())
    assert sink.calls == ["next 1", "next 2", "completed", "close"]


def test_a_cancel_from_a_thread_closes_the_sinks_on_the_loop() -> None:
    async def main() -> None:
        sink = Diary()
        delivery = deliver(reactivex.never(), sink)
        await asyncio.to_thread(delivery.cancel)
        await delivery
        assert sink.calls == ["interrupt", "close"]
        assert sink.threads == {threading.current_thread()}

    asyncio.run(main())


def test_a_cancel_after_the_loop_is_gone_still_closes_the_sinks() -> None:
    sink = Diary()

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


def test_a_sink_is_an_observer_without_deliver_too() -> None:
    sink = Collector[str]()
    with sink:
        of("a", "b").subscribe(sink)
    assert sink.text == "ab"
    assert sink.closed


@pytest.mark.parametrize(
    ("sinks", "message"),
    [
        ((), "expected at least one Sink, got none"),
        ((same := Diary(), same), "expected each Sink once, got the same Diary twice"),
        ((same, same.after(ops.take(1))), "expected each Sink once, got the same Diary twice"),
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
    sink = Diary()
    with pytest.raises(TypeError, match=r"^stream: expected an Observable, got builtin_function_or_method"):
        deliver(cast(Any, print), sink)
    assert sink.calls == []


def test_a_value_that_is_not_a_scheduler_is_refused() -> None:
    sink = Diary()
    with pytest.raises(TypeError, match=r"^scheduler: expected a SchedulerBase, got str$"):
        deliver(of(1), sink, scheduler=cast(Any, "loop"))
    assert sink.calls == []


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^on_sink_error: expected one of 'cancel', 'continue', got 'ignore'"
    ):
        deliver(of(1), Diary(), on_sink_error=cast(Any, "ignore"))


def test_wrong_attributes_of_a_sink_are_refused() -> None:
    sink = Diary()
    sink.max_waiting = 0
    with pytest.raises(ValueError, match=r"^max_waiting: expected a whole number of at least 1, got 0$"):
        deliver(of(1), sink)
    sink.max_waiting, sink.when_full = 1, cast(Any, "explode")
    with pytest.raises(ValueError, match=r"^when_full: expected one of .*, got 'explode'$"):
        deliver(of(1), sink)
