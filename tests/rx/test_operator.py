"""The plumbing keeps Rx's grammar, whatever machines and subscribers do."""

from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.observer import Observer
from reactivex.scheduler import ImmediateScheduler
from reactivex.subject import Subject

from ollama_rx.operators import accumulate_text, gather_stats, split_words, stop_at, throttle_latest
from ollama_rx.rx.operator import ChainedObservable, ChainObserver, Emitter, Machine, through
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.testing import check

BOOM = RuntimeError("boom")


class Recorded:
    """A subscriber that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def subscribe(self, stream: Observable[Any]) -> rx.abc.DisposableBase:
        return stream.subscribe(self.events.append, self.failed, self.completed)

    def failed(self, error: Exception) -> None:
        self.events.append(error)

    def completed(self) -> None:
        self.events.append("|")


class Double:
    """Emits each item twice and tells how it ended."""

    def __init__(self, out: Emitter[str], log: list[Any]) -> None:
        self._out = out
        self._log = log

    def feed(self, item: str, /) -> None:
        self._out.emit(item)
        self._out.emit(item)

    def flush(self) -> None:
        self._log.append("flush")
        self._out.emit("tail")

    def fail(self, error: Exception) -> None:
        self._log.append(error)

    def close(self) -> None:
        self._log.append("close")


def double(log: list[Any]) -> Callable[[Observable[str]], Observable[str]]:
    return through(lambda out: Double(out, log))


class Careless(Observable[str]):
    """A source that hears neither its end nor that it was disposed."""

    def __init__(self, *events: Any) -> None:
        super().__init__()
        self._events = events

    def subscribe(
        self, on_next: Any = None, on_error: Any = None, on_completed: Any = None, **_: Any
    ) -> Disposable:
        for event in self._events:
            if isinstance(event, Exception):
                on_error(event)
            elif event == "|":
                on_completed()
            else:
                on_next(event)
        return Disposable()


# how a stream ends


def test_on_completion_a_machine_is_flushed_then_closed_once() -> None:
    log: list[Any] = []
    seen = Recorded()
    subscription = seen.subscribe(rx.of("a").pipe(double(log)))
    subscription.dispose()
    assert seen.events == ["a", "a", "tail", "|"]
    assert log == ["flush", "close"]


def test_on_an_error_a_machine_is_told_then_closed_once() -> None:
    log: list[Any] = []
    seen = Recorded()
    subscription = seen.subscribe(rx.throw(BOOM).pipe(double(log)))
    subscription.dispose()
    assert seen.events == [BOOM]
    assert log == [BOOM, "close"]


def test_a_disposed_machine_is_closed_and_nothing_else() -> None:
    log: list[Any] = []
    source: Subject[str] = Subject()
    subscription = source.pipe(double(log)).subscribe()
    subscription.dispose()
    subscription.dispose()
    assert log == ["close"]
    assert not source.observers


def test_an_early_end_flushes_what_is_after_it_and_disposes_what_is_before_it() -> None:
    before: list[Any] = []
    after: list[Any] = []
    source: Subject[str] = Subject()
    seen = Recorded()
    seen.subscribe(source.pipe(double(before), stop_at("END"), double(after)))
    source.on_next("a")
    source.on_next("END")
    assert seen.events == ["a", "a", "a", "a", "tail", "|"]
    assert (before, after) == (["close"], ["flush", "close"])
    assert not source.observers


# nothing after the end


@pytest.mark.parametrize("end", ["|", BOOM])
def test_nothing_comes_after_the_one_terminal_event(end: Any) -> None:
    seen = Recorded()
    seen.subscribe(Careless("a", end, "b", "|", BOOM).pipe(double([])))
    assert seen.events == (["a", "a", "tail", "|"] if end == "|" else ["a", "a", BOOM])


def test_after_dispose_inside_on_next_the_outputs_that_are_pending_are_dropped() -> None:
    seen: list[str] = []
    source: Subject[str] = Subject()

    def on_next(word: str) -> None:
        seen.append(word)
        subscription.dispose()

    subscription = source.pipe(accumulate_text(), split_words(), double([])).subscribe(on_next)
    source.on_next("one two three ")
    source.on_next("four ")
    assert seen == ["one"]
    assert not source.observers


def test_a_machine_that_ends_twice_completes_once() -> None:
    class Eager:
        def __init__(self, out: Emitter[str]) -> None:
            self._out = out

        def feed(self, _: str, /) -> None:
            self._out.complete()
            self._out.complete()

    seen = Recorded()
    seen.subscribe(rx.of("a").pipe(through(Eager)))
    assert seen.events == ["|"]


def test_dispose_while_the_source_is_being_subscribed_stops_it() -> None:
    seen = Recorded()
    seen.subscribe(rx.of("a", "END", "b").pipe(stop_at("END")))
    assert seen.events == ["a", "|"]


# exceptions


def test_what_a_machine_raises_is_the_streams_error() -> None:
    class Broken:
        def __init__(self, out: Emitter[str]) -> None:
            del out

        def feed(self, _: str, /) -> None:
            raise BOOM

    source: Subject[str] = Subject()
    seen = Recorded()
    seen.subscribe(source.pipe(through(Broken)))
    source.on_next("a")
    assert seen.events == [BOOM]
    assert not source.observers


def test_what_a_flush_raises_is_the_streams_error() -> None:
    class Broken:
        def __init__(self, out: Emitter[str]) -> None:
            self.feed = out.emit

        def flush(self) -> None:
            raise BOOM

    seen = Recorded()
    seen.subscribe(rx.of("a").pipe(through(Broken)))
    assert seen.events == ["a", BOOM]


def test_what_a_subscriber_raises_reaches_its_on_error_and_ends_the_source() -> None:
    source: Subject[str] = Subject()
    errors: list[Exception] = []

    def on_next(_: str) -> None:
        raise BOOM

    source.pipe(double([])).subscribe(on_next, errors.append)
    source.on_next("a")
    assert errors == [BOOM]
    assert not source.observers


def test_what_a_subscriber_raises_without_on_error_reaches_whoever_feeds_the_source() -> None:
    source: Subject[str] = Subject()

    def on_next(_: str) -> None:
        raise BOOM

    source.pipe(double([])).subscribe(on_next)
    with pytest.raises(RuntimeError, match="boom"):
        source.on_next("a")


@pytest.mark.parametrize(
    ("stop", "ends_early"),
    [("never", False), ("tail", False), ("a", True)],
    ids=["completed", "ended by the last text", "ended early"],
)
def test_what_on_completed_raises_is_not_swallowed_and_no_second_event(
    stop: str,
    ends_early: bool,  # noqa: FBT001
) -> None:
    source: Subject[str] = Subject()
    seen: list[Any] = []

    def on_completed() -> None:
        raise BOOM

    source.pipe(double([]), stop_at(stop)).subscribe(seen.append, seen.append, on_completed)
    source.on_next("x")
    with pytest.raises(RuntimeError, match="boom"):
        source.on_next("a") if ends_early else source.on_completed()
    assert BOOM not in seen
    assert not source.observers


def test_what_is_raised_after_dispose_is_not_swallowed() -> None:
    source: Subject[str] = Subject()

    def on_next(_: str) -> None:
        subscription.dispose()
        raise BOOM

    subscription = source.pipe(double([])).subscribe(on_next, lambda _: None)
    with pytest.raises(RuntimeError, match="boom"):
        source.on_next("a")


def test_an_error_that_nobody_takes_is_raised() -> None:
    with pytest.raises(RuntimeError, match="boom"):
        Careless(BOOM).pipe(double([])).subscribe()


def test_errors_after_the_end_are_dropped() -> None:
    seen = Recorded()
    seen.subscribe(Careless("|", BOOM).pipe(double([])))
    assert seen.events == ["tail", "|"]


# with others


def test_any_observer_can_subscribe() -> None:
    events: list[Any] = []
    observer: Observer[str] = Observer(events.append, events.append, lambda: events.append("|"))
    rx.of("a").pipe(double([])).subscribe(observer)
    assert events == ["a", "a", "tail", "|"]


def test_a_subscriber_may_care_for_nothing() -> None:
    log: list[Any] = []
    rx.of("a").pipe(double(log)).subscribe()
    assert log == ["flush", "close"]


def test_rx_operators_go_before_between_and_after() -> None:
    found = (
        rx.of("a", "b")
        .pipe(
            ops.map(str.upper),
            double([]),
            ops.filter(lambda text: text != "B"),
            double([]),
            ops.take(3),
            ops.to_list(),
        )
        .run()
    )
    assert found == ["A", "A", "A"]


def test_an_rx_operator_that_takes_enough_disposes_the_source() -> None:
    check(
        lambda source: source.pipe(double([]), ops.take(3)),
        source="-a-b-c-|",
        expect="-(aa)-(b|)",
        life="^--!",
    )


def test_streams_can_be_flat_mapped_concatenated_and_repeated() -> None:
    stream = rx.of("a").pipe(double([]))

    def again(_: str) -> Observable[str]:
        return stream

    repeated: Observable[str] = stream.pipe(ops.flat_map(again))
    nested = repeated.pipe(ops.to_list()).run()
    assert nested == ["a", "a", "tail"] * 3
    twice: list[Observable[str]] = [rx.concat(stream, stream), stream.pipe(ops.repeat(2))]
    assert [each.pipe(ops.count()).run() for each in twice] == [6, 6]


def test_a_subscription_inside_a_callback_works() -> None:
    inner = Recorded()
    stream = rx.of("a").pipe(double([]))

    def subscribe_again(_: str) -> None:
        inner.subscribe(stream)

    stream.subscribe(subscribe_again)
    assert inner.events == ["a", "a", "tail", "|"] * 3


def test_the_scheduler_of_the_subscription_reaches_the_source() -> None:
    found: list[Any] = []

    class Asking(Careless):
        def subscribe(self, *args: Any, scheduler: Any = None, **more: Any) -> Disposable:
            found.append(scheduler)
            return super().subscribe(*args, **more)

    scheduler = ImmediateScheduler.singleton()
    Asking().pipe(accumulate_text(), accumulate_text()).subscribe(scheduler=scheduler)
    assert found == [scheduler]


# a chain of hops


def test_a_chain_of_streams_has_one_life_and_binds_hop_to_hop() -> None:
    lives: list[ChainSubscription] = []
    taps: list[ChainObserver[str]] = []

    class Source(ChainedObservable[str]):
        def subscribe_chained(self, observer: ChainObserver[str], subscription: ChainSubscription) -> None:
            lives.append(subscription)
            taps.append(observer)
            subscription.set_terminal_handlers(observer.on_error, observer.on_completed)

    machines: list[Machine[str]] = []

    def remembered(out: Emitter[str]) -> Machine[str]:
        machines.append(Double(out, []))
        return machines[-1]

    subscription = Source().pipe(through(remembered), through(remembered)).subscribe()
    assert lives == [subscription]
    assert taps[0].on_next == machines[-1].feed


def test_two_subscriptions_build_two_machines() -> None:
    built: list[Emitter[str]] = []

    def build(out: Emitter[str]) -> Machine[str]:
        built.append(out)
        return Double(out, [])

    stream = rx.of("a").pipe(through(build))
    stream.subscribe()
    stream.subscribe()
    assert len(built) == 2


def test_a_machine_tested_bare_may_ask_for_everything() -> None:
    emitted: list[str] = []
    out = Emitter(emitted.append)
    out.later(1.0, out.complete)()
    out.complete()
    out.emit("a")
    assert (emitted, out.now()) == (["a"], 0.0)


def test_timers_and_items_of_one_tick_keep_their_order() -> None:
    check(
        lambda source: source.pipe(throttle_latest(1), double([])),
        source="-abc|",
        expect="-(aa)(bb)(cc)(t|)",
        t="tail",
    )


def test_a_machine_that_is_told_of_an_error_late_does_not_hide_it() -> None:
    seen = Recorded()

    def into(_: object) -> None:
        raise KeyError("into")

    source: Subject[Any] = Subject()
    seen.subscribe(source.pipe(gather_stats(into)))
    with pytest.raises(KeyError):
        source.on_error(BOOM)
    assert seen.events == [BOOM]
