"""A sink's own operators: their failures fail the sink; a failure of the stream does not."""

import pytest
import reactivex
from reactivex import Observable, abc, of
from reactivex import operators as ops
from reactivex.scheduler import TimeoutScheduler

from ollama_rx import SinkError, deliver
from ollama_rx import operators as op
from tests.recording_sink import RecordingSink

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture(params=[False, True], ids=["plain", "blocking"])
def sink(request: pytest.FixtureRequest) -> RecordingSink:
    return RecordingSink(blocking=request.param)


def broken(_: object) -> int:
    raise KeyError("broken")


def broken_subscribe(_: Observable[int]) -> Observable[int]:
    class Refusing(reactivex.Observable[int]):
        subscribe = broken  # type: ignore[assignment]

    return Refusing()


class RaisingOperator:
    """An operator whose subscriber raises instead of sending an error."""

    def __init__(self, when: str) -> None:
        self.when = when

    def __call__(self, source: Observable[int]) -> Observable[int]:
        def call(name: str) -> None:
            if name == self.when:
                raise KeyError("broken")

        def subscribe(_: abc.ObserverBase[int], __: abc.SchedulerBase | None = None) -> abc.DisposableBase:
            return source.subscribe(
                lambda _: call("next"), lambda _: call("error"), lambda: call("completed")
            )

        return Observable(subscribe)


def inverse(number: int) -> int:
    return 1 // number


def negative(number: int) -> int:
    return -number


def test_an_operator_that_fails_fails_its_sink_after_the_items_before_it(sink: RecordingSink) -> None:
    other = RecordingSink()
    delivery = deliver(of(1, 0, 2), sink.after(ops.map(inverse)), other, on_sink_error="continue")
    with pytest.raises(SinkError, match="ZeroDivisionError") as caught:
        delivery.wait(5)
    assert caught.value.sink is sink
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert sink.calls == ["next 1", "error integer division or modulo by zero", "close"]
    assert other.calls == ["next 1", "next 0", "next 2", "completed", "close"]


@pytest.mark.parametrize("when", ["next", "completed"])
def test_an_operator_that_raises_fails_its_sink(sink: RecordingSink, when: str) -> None:
    delivery = deliver(of(1), sink.after(RaisingOperator(when)))
    with pytest.raises(SinkError, match="broken") as caught:
        delivery.wait(5)
    assert caught.value.sink is sink


def test_an_operator_that_raises_on_an_error_does_not_hide_that_error(sink: RecordingSink) -> None:
    delivery = deliver(reactivex.throw(ValueError("no")), sink.after(RaisingOperator("error")))
    with pytest.raises(ValueError, match="no"):
        delivery.wait(5)
    assert [error.sink for error in delivery.sink_errors] == [sink]


def test_an_operator_that_raises_on_subscribe_fails_its_sink(sink: RecordingSink) -> None:
    delivery = deliver(of(1), sink.after(broken_subscribe))
    with pytest.raises(SinkError, match="broken"):
        delivery.wait(5)


def test_an_error_of_the_stream_is_not_reported_as_a_failure_of_the_sink(sink: RecordingSink) -> None:
    delivery = deliver(reactivex.throw(ValueError("no")), sink.after(ops.map(str)))
    with pytest.raises(ValueError, match="no"):
        delivery.wait(5)
    assert delivery.sink_errors == ()
    assert sink.calls == ["error no", "close"]


def test_a_branch_may_replace_an_error_with_items(sink: RecordingSink) -> None:
    delivery = deliver(reactivex.throw(ValueError("no")), sink.after(ops.catch(of("sorry"))))
    with pytest.raises(ValueError, match="no"):
        delivery.wait(5)
    assert sink.calls == ["next sorry", "completed", "close"]


def test_a_branch_may_outlive_the_stream(sink: RecordingSink) -> None:
    deliver(of(1), sink.after(ops.delay(0.01, scheduler=TimeoutScheduler.singleton()))).wait(5)
    assert sink.calls == ["next 1", "completed", "close"]


def test_a_branch_may_subscribe_to_its_source_twice_and_emit_after_its_end(sink: RecordingSink) -> None:
    def twice(source: Observable[int]) -> Observable[int]:
        return reactivex.merge(source, source.pipe(ops.map(negative)))

    deliver(of(1, 2), sink.after(twice, ops.concat(of(0)))).wait(5)
    assert sink.calls == ["next 1", "next -1", "next 2", "next -2", "next 0", "completed", "close"]


def test_an_operator_that_subscribes_after_the_end_receives_the_terminal_event(sink: RecordingSink) -> None:
    deliver(of(1, 2), sink.after(lambda source: reactivex.concat(source, source))).wait(5)
    assert sink.calls == ["next 1", "next 2", "completed", "close"]


def test_an_operator_may_subscribe_with_an_observer_object(sink: RecordingSink) -> None:
    def same(source: Observable[int]) -> Observable[int]:
        return Observable(lambda observer, _: source.subscribe(observer))

    deliver(of(1), sink.after(same)).wait(5)
    assert sink.calls == ["next 1", "completed", "close"]


def test_cancelling_closes_a_sink_behind_operators(sink: RecordingSink) -> None:
    delivery = deliver(reactivex.never(), sink.after(op.split_words()))
    delivery.cancel()
    delivery.wait(5)
    assert sink.calls == ["interrupt", "close"]
