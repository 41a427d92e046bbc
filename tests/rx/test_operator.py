"""Operators keep Rx's grammar and the contract of machines, whatever machines and subscribers do."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.disposable import Disposable
from reactivex.observer import Observer
from reactivex.scheduler import ImmediateScheduler, VirtualTimeScheduler
from reactivex.subject import Subject

from ollama_rx.operators import accumulate_text, gather_stats, split_words, stop_at, throttle_latest
from ollama_rx.rx.operator import ChainedObservable, Emitter, Machine, through
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription
from ollama_rx.testing import check

BOOM = RuntimeError("boom")
DEADLINE = 5.0  # seconds; only reached when something is broken


class RecordingSubscriber:
    """A subscriber that records its events."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def subscribe(self, stream: Observable[Any]) -> rx.abc.DisposableBase:
        return stream.subscribe(self.events.append, self.failed, self.completed)

    def failed(self, error: Exception) -> None:
        self.events.append(error)

    def completed(self) -> None:
        self.events.append("|")


class Double:
    """Emits each item twice and records how it ended."""

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


class Forwards:
    """Passes everything on."""

    def __init__(self, out: Emitter[str]) -> None:
        self._emit = out.emit

    def feed(self, item: str, /) -> None:
        self._emit(item)


class UnsafeSource(Observable[str]):
    """A source that sends events after its end and after it was disposed."""

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
    seen = RecordingSubscriber()
    subscription = seen.subscribe(rx.of("a").pipe(double(log)))
    subscription.dispose()
    assert seen.events == ["a", "a", "tail", "|"]
    assert log == ["flush", "close"]


def test_on_an_error_a_machine_fails_then_is_closed_once() -> None:
    log: list[Any] = []
    seen = RecordingSubscriber()
    subscription = seen.subscribe(rx.throw(BOOM).pipe(double(log)))
    subscription.dispose()
    assert seen.events == [BOOM]
    assert log == [BOOM, "close"]


def test_on_dispose_a_machine_is_only_closed() -> None:
    log: list[Any] = []
    source: Subject[str] = Subject()
    subscription = source.pipe(double(log)).subscribe()
    subscription.dispose()
    subscription.dispose()
    assert log == ["close"]
    assert not source.observers


def test_an_early_completion_flushes_downstream_machines_and_disposes_the_upstream() -> None:
    before: list[Any] = []
    after: list[Any] = []
    source: Subject[str] = Subject()
    seen = RecordingSubscriber()
    seen.subscribe(source.pipe(double(before), stop_at("END"), double(after)))
    source.on_next("a")
    source.on_next("END")
    assert seen.events == ["a", "a", "a", "a", "tail", "|"]
    assert (before, after) == (["close"], ["flush", "close"])
    assert not source.observers


# nothing after the end


@pytest.mark.parametrize("end", ["|", BOOM])
def test_nothing_follows_the_terminal_event(end: Any) -> None:
    seen = RecordingSubscriber()
    seen.subscribe(UnsafeSource("a", end, "b", "|", BOOM).pipe(double([])))
    assert seen.events == (["a", "a", "tail", "|"] if end == "|" else ["a", "a", BOOM])


def test_after_dispose_inside_on_next_pending_outputs_are_dropped() -> None:
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


def test_a_machine_that_completes_twice_completes_the_stream_once() -> None:
    class CompletesTwice:
        def __init__(self, out: Emitter[str]) -> None:
            self._out = out

        def feed(self, _: str, /) -> None:
            self._out.complete()
            self._out.complete()

    seen = RecordingSubscriber()
    seen.subscribe(rx.of("a").pipe(through(CompletesTwice)))
    assert seen.events == ["|"]


def test_completing_during_subscribe_stops_the_source() -> None:
    seen = RecordingSubscriber()
    seen.subscribe(rx.of("a", "END", "b").pipe(stop_at("END")))
    assert seen.events == ["a", "|"]


# exceptions


def test_an_exception_in_feed_is_the_streams_error() -> None:
    class Broken:
        def __init__(self, out: Emitter[str]) -> None:
            del out

        def feed(self, _: str, /) -> None:
            raise BOOM

    source: Subject[str] = Subject()
    seen = RecordingSubscriber()
    seen.subscribe(source.pipe(through(Broken)))
    source.on_next("a")
    assert seen.events == [BOOM]
    assert not source.observers


def test_an_exception_in_flush_is_the_streams_error() -> None:
    class Broken:
        def __init__(self, out: Emitter[str]) -> None:
            self.feed = out.emit

        def flush(self) -> None:
            raise BOOM

    seen = RecordingSubscriber()
    seen.subscribe(rx.of("a").pipe(through(Broken)))
    assert seen.events == ["a", BOOM]


def test_an_exception_of_the_subscriber_reaches_its_on_error_and_disposes_the_source() -> None:
    source: Subject[str] = Subject()
    errors: list[Exception] = []

    def on_next(_: str) -> None:
        raise BOOM

    source.pipe(double([])).subscribe(on_next, errors.append)
    source.on_next("a")
    assert errors == [BOOM]
    assert not source.observers


def test_without_on_error_an_exception_of_the_subscriber_is_raised_to_the_producer() -> None:
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
def test_an_exception_in_on_completed_is_raised_and_not_sent_as_an_error(
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


def test_an_exception_after_dispose_is_raised() -> None:
    source: Subject[str] = Subject()

    def on_next(_: str) -> None:
        subscription.dispose()
        raise BOOM

    subscription = source.pipe(double([])).subscribe(on_next, lambda _: None)
    with pytest.raises(RuntimeError, match="boom"):
        source.on_next("a")


def test_without_on_error_an_error_of_the_source_is_raised() -> None:
    with pytest.raises(RuntimeError, match="boom"):
        UnsafeSource(BOOM).pipe(double([])).subscribe()


def test_errors_after_the_end_are_dropped() -> None:
    seen = RecordingSubscriber()
    seen.subscribe(UnsafeSource("|", BOOM).pipe(double([])))
    assert seen.events == ["tail", "|"]


# an operator that completes early


class FailsIn(Forwards):
    """A machine that fails in one of its methods."""

    def __init__(self, out: Emitter[str], method: str) -> None:
        super().__init__(out)
        self._method = method

    def feed(self, item: str, /) -> None:
        self._fail_in("feed")
        super().feed(item)

    def flush(self) -> None:
        self._fail_in("flush")

    def close(self) -> None:
        self._fail_in("close")

    def _fail_in(self, method: str) -> None:
        if method == self._method:
            raise BOOM


class FailsWith(Forwards):
    """A machine that emits when it is flushed, and records the errors that it receives."""

    def __init__(self, out: Emitter[str], errors: list[Exception]) -> None:
        super().__init__(out)
        self._errors = errors

    def flush(self) -> None:
        self.feed("tail")

    def fail(self, error: Exception) -> None:
        self._errors.append(error)


def fails_in(method: str) -> Callable[[Observable[str]], Observable[str]]:
    return through(lambda out: FailsIn(out, method))


def fails_with(errors: list[Exception]) -> Callable[[Observable[str]], Observable[str]]:
    return through(lambda out: FailsWith(out, errors))


@pytest.mark.parametrize("ends_early", [True, False], ids=["ended early", "completed"])
def test_a_failure_in_flush_below_is_the_streams_error(ends_early: bool) -> None:  # noqa: FBT001
    above: list[Exception] = []
    below: list[Exception] = []
    source: Subject[str] = Subject()
    seen = RecordingSubscriber()
    seen.subscribe(
        source.pipe(
            fails_with(above),
            stop_at("END"),
            fails_in("flush"),
            fails_with(below),
        )
    )
    source.on_next("a")
    source.on_next("END") if ends_early else source.on_completed()
    assert seen.events == (["a", BOOM] if ends_early else ["a", "tail", BOOM])
    assert (above, below) == ([], [BOOM])
    assert not source.observers


def test_a_failure_in_feed_while_the_operators_above_are_flushed_is_the_streams_error() -> None:
    source: Subject[str] = Subject()
    seen = RecordingSubscriber()
    seen.subscribe(source.pipe(stop_at("END"), double([]), fails_in("feed"), double([])))
    source.on_next("END")
    assert seen.events == [BOOM]
    assert not source.observers


def test_what_is_above_is_closed_before_the_subscriber_is_notified() -> None:
    log: list[Any] = []
    source: Subject[str] = Subject()
    source.pipe(double(log), stop_at("END")).subscribe(on_completed=lambda: log.append("|"))
    source.on_next("END")
    assert log == ["close", "|"]


def test_a_failure_in_close_is_raised_and_keeps_nothing_else_from_being_closed() -> None:
    log: list[Any] = []
    source: Subject[str] = Subject()
    seen = RecordingSubscriber()
    seen.subscribe(source.pipe(double(log), fails_in("close"), double(log), stop_at("END")))
    with pytest.raises(RuntimeError, match="boom"):
        source.on_next("END")
    assert seen.events == ["|"]
    assert log == ["close", "close"]
    assert not source.observers


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), SystemExit(3)])
@pytest.mark.parametrize("method", ["feed", "flush"])
def test_an_exception_that_is_not_an_error_leaves_no_subscriber_waiting(
    method: str, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "BOOM", failure)
    source: Subject[str] = Subject()
    seen = RecordingSubscriber()
    seen.subscribe(source.pipe(double([]), fails_in(method)))
    with pytest.raises(type(failure)):
        source.on_next("a") if method == "feed" else source.on_completed()
    assert seen.events[-1] is failure
    assert not source.observers


def test_a_synchronous_source_is_left_at_once() -> None:
    pulled: list[str] = []
    rx.of("a", "END", "b", "c").pipe(ops.do_action(pulled.append), stop_at("END")).subscribe()
    assert pulled == ["a", "END"]


@pytest.mark.parametrize("below", [[], [ops.map(str)], [stop_at("END")]], ids=["alone", "map", "stop_at"])
def test_an_endless_source_is_left(below: list[Any]) -> None:
    words: Any = rx.from_iterable(itertools.cycle(["a", "END"]))
    assert words.pipe(double([]), stop_at("END"), *below, ops.to_list()).run() == ["a", "a"]


# re-entrant calls


class Reentrant(Observable[str]):
    """A source that a subscriber can make go on from inside its callbacks, also after its end."""

    def subscribe(
        self, on_next: Any = None, on_error: Any = None, on_completed: Any = None, **_: Any
    ) -> Disposable:
        self.send = {"item": lambda: on_next("again"), "|": on_completed, "error": lambda: on_error(BOOM)}
        return Disposable()


@pytest.mark.parametrize("again", ["item", "|", "error"])
@pytest.mark.parametrize("end", ["|", "error"])
def test_a_source_that_goes_on_inside_a_terminal_handler_is_not_heard(end: str, again: str) -> None:
    source = Reentrant()
    events: list[Any] = []

    def ended(event: object) -> None:
        events.append(event)
        source.send[again]()

    source.pipe(through(Forwards)).subscribe(events.append, ended, lambda: ended("|"))
    source.send[end]()
    assert events == ["|" if end == "|" else BOOM]


def test_a_source_that_goes_on_while_the_machines_flush_is_not_heard() -> None:
    source = Reentrant()
    events: list[Any] = []

    def on_next(item: str) -> None:
        events.append(item)
        for send in source.send.values():
            send()

    source.pipe(double([])).subscribe(on_next, events.append, lambda: events.append("|"))
    source.send["|"]()
    assert events == ["tail", "|"]


def test_a_timer_that_is_due_inside_a_terminal_handler_does_not_emit() -> None:
    scheduler = VirtualTimeScheduler()
    source: Subject[str] = Subject()
    events: list[Any] = []

    class EmitsLater(Forwards):
        def __init__(self, out: Emitter[str]) -> None:
            super().__init__(out)
            self._later = out.later

        def feed(self, item: str, /) -> None:
            self._later(1, lambda: super(EmitsLater, self).feed("late"))
            super().feed(item)

    def completed() -> None:
        events.append("|")
        scheduler.advance_by(2)

    source.pipe(through(EmitsLater)).subscribe(events.append, on_completed=completed, scheduler=scheduler)
    source.on_next("a")
    source.on_completed()
    assert events == ["a", "|"]


def test_a_machine_that_completes_again_while_the_machines_below_flush_completes_once() -> None:
    log: list[str] = []
    completions: list[Callable[[], object]] = []

    class Completes(Forwards):
        def __init__(self, out: Emitter[str]) -> None:
            super().__init__(out)
            completions.append(out.complete)

    class CompletesTheOtherAgain(Forwards):
        def flush(self) -> None:
            log.append("flush")
            for complete in completions:
                complete()

    source: Subject[str] = Subject()
    source.pipe(through(Completes), through(Completes), through(CompletesTheOtherAgain)).subscribe(
        on_completed=lambda: log.append("|")
    )
    completions[0]()
    assert log == ["flush", "|"]


def test_a_timer_of_an_operator_below_runs_until_its_flush() -> None:
    scheduler = VirtualTimeScheduler()
    source: Subject[str] = Subject()
    ran: list[str] = []

    class SetsATimer(Forwards):
        def __init__(self, out: Emitter[str], name: str) -> None:
            super().__init__(out)
            out.later(1, lambda: ran.append(name))

        def flush(self) -> None:
            scheduler.advance_by(2)

    def sets_a_timer(name: str) -> Callable[[Observable[str]], Observable[str]]:
        return through(lambda out: SetsATimer(out, name))

    source.pipe(sets_a_timer("above"), stop_at("END"), sets_a_timer("below")).subscribe(scheduler=scheduler)
    source.on_next("END")
    assert ran == ["below"]


# with RxPY


def test_an_observer_object_can_subscribe() -> None:
    events: list[Any] = []
    observer: Observer[str] = Observer(events.append, events.append, lambda: events.append("|"))
    rx.of("a").pipe(double([])).subscribe(observer)
    assert events == ["a", "a", "tail", "|"]


def test_a_subscription_without_callbacks_works() -> None:
    log: list[Any] = []
    rx.of("a").pipe(double(log)).subscribe()
    assert log == ["flush", "close"]


def test_rxpy_operators_work_before_between_and_after() -> None:
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


def test_an_rxpy_operator_that_completes_early_disposes_the_source() -> None:
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
    inner = RecordingSubscriber()
    stream = rx.of("a").pipe(double([]))

    def subscribe_again(_: str) -> None:
        inner.subscribe(stream)

    stream.subscribe(subscribe_again)
    assert inner.events == ["a", "a", "tail", "|"] * 3


def test_the_scheduler_of_the_subscription_reaches_the_source() -> None:
    found: list[Any] = []

    class SchedulerRecorder(UnsafeSource):
        def subscribe(self, *args: Any, scheduler: Any = None, **more: Any) -> Disposable:
            found.append(scheduler)
            return super().subscribe(*args, **more)

    scheduler = ImmediateScheduler.singleton()
    SchedulerRecorder().pipe(accumulate_text(), accumulate_text()).subscribe(scheduler=scheduler)
    assert found == [scheduler]


# a chain of machines


def test_a_chain_shares_one_subscription_and_calls_feed_directly() -> None:
    subscriptions: list[ChainSubscription] = []
    observers: list[ChainObserver[str]] = []

    class Source(ChainedObservable[str]):
        def subscribe_chained(self, observer: ChainObserver[str], subscription: ChainSubscription) -> None:
            subscriptions.append(subscription)
            observers.append(observer)
            subscription.set_terminal_handlers(observer.on_error, observer.on_completed)

    machines: list[Machine[str]] = []

    def recorded(out: Emitter[str]) -> Machine[str]:
        machines.append(Double(out, []))
        return machines[-1]

    subscription = Source().pipe(through(recorded), through(recorded)).subscribe()
    assert subscriptions == [subscription]
    assert observers[0].on_next == machines[-1].feed


def test_two_subscriptions_build_two_machines() -> None:
    built: list[Emitter[str]] = []

    def build(out: Emitter[str]) -> Machine[str]:
        built.append(out)
        return Double(out, [])

    stream = rx.of("a").pipe(through(build))
    stream.subscribe()
    stream.subscribe()
    assert len(built) == 2


def test_a_machine_can_be_tested_with_a_bare_emitter() -> None:
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


def test_an_exception_in_fail_does_not_hide_the_streams_error() -> None:
    seen = RecordingSubscriber()

    def into(_: object) -> None:
        raise KeyError("into")

    source: Subject[Any] = Subject()
    seen.subscribe(source.pipe(gather_stats(into)))
    with pytest.raises(KeyError):
        source.on_error(BOOM)
    assert seen.events == [BOOM]


# the contract of a machine


class AcceptsText:
    """The smallest machine, for subclasses that break the contract or stretch it."""

    def __init__(self, out: Emitter[str]) -> None:
        self._emit = out.emit

    def feed(self, item: str, /) -> None:
        self._emit(item)


def test_a_misspelt_method_is_refused_with_the_right_name() -> None:
    class Misspelt(AcceptsText):
        def flsuh(self) -> None:
            raise NotImplementedError

    with pytest.raises(
        TypeError,
        match=r"^through: Misspelt\.flsuh is not a machine's method; did you mean 'flush'\?$",
    ):
        rx.of("a").pipe(through(Misspelt)).subscribe()


def test_any_other_public_method_is_refused() -> None:
    class Talkative(AcceptsText):
        def describe(self) -> str:
            raise NotImplementedError

    with pytest.raises(
        TypeError,
        match=r"^through: Talkative\.describe is not a machine's method; start its name with an underscore$",
    ):
        rx.of("a").pipe(through(Talkative)).subscribe()


def test_a_machine_without_feed_is_refused() -> None:
    class Unfeedable:
        def __init__(self, out: Emitter[str]) -> None:
            del out

        def flush(self) -> None:
            raise NotImplementedError

    machine: Any = Unfeedable
    with pytest.raises(TypeError, match=r"^through: Unfeedable has no method 'feed'$"):
        rx.of("a").pipe(through(machine)).subscribe()


def test_a_wrong_machine_is_refused_before_the_source_is_subscribed_to() -> None:
    class Misspelt(AcceptsText):
        def flsuh(self) -> None:
            raise NotImplementedError

    source: Subject[str] = Subject()
    for _ in range(2):  # the class is not remembered as a good one
        with pytest.raises(TypeError, match="did you mean 'flush'"):
            source.pipe(through(Misspelt)).subscribe()
    assert not source.observers


def test_properties_are_not_read_before_the_machine_works() -> None:
    class HasProperty(AcceptsText):
        @property
        def waiting(self) -> int:
            raise NotImplementedError

    assert rx.of("a").pipe(through(HasProperty)).run() == "a"


def test_constants_and_classes_may_be_public() -> None:
    class HasTypes(AcceptsText):
        kind = str

        class State(Enum):
            BEGUN = 1

    assert rx.of("a").pipe(through(HasTypes)).run() == "a"


def test_feed_may_come_from_getattr() -> None:
    class Delegates:
        def __init__(self, out: Emitter[str]) -> None:
            self._inner = AcceptsText(out)

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

    machine: Any = Delegates
    assert rx.of("a").pipe(through(machine)).run() == "a"


def test_feed_is_looked_for_in_each_machine_of_a_class() -> None:
    def with_feed(out: Emitter[str]) -> Any:
        return SimpleNamespace(feed=out.emit)

    def without_feed(_: Emitter[str]) -> Any:
        return SimpleNamespace()

    assert rx.of("a").pipe(through(with_feed)).run() == "a"
    with pytest.raises(TypeError, match="has no method 'feed'"):
        rx.of("a").pipe(through(without_feed)).subscribe()


def test_feed_may_be_an_instance_attribute() -> None:
    class Forwards:
        def __init__(self, out: Emitter[str]) -> None:
            self.feed = out.emit

    assert rx.of("a", "b").pipe(through(Forwards), ops.to_list()).run() == ["a", "b"]


def test_public_data_attributes_are_accepted() -> None:
    class Counts(AcceptsText):
        limit = 2

        def __init__(self, out: Emitter[str]) -> None:
            super().__init__(out)
            self.count = 0

        def feed(self, item: str, /) -> None:
            self.count += 1
            if self.count <= self.limit:
                super().feed(item)

    assert rx.of("a", "b", "c").pipe(through(Counts), ops.to_list()).run() == ["a", "b"]


def test_a_machine_class_is_examined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[type] = []
    monkeypatch.setattr("ollama_rx.rx.operator._check_methods", examined.append)

    class Examined(AcceptsText):
        pass

    stream = rx.of("a").pipe(through(Examined), through(Examined))
    stream.subscribe()
    stream.subscribe()
    assert examined == [Examined]


@pytest.mark.parametrize("ending", ["completed", "failed"])
def test_a_machine_may_complete_in_flush_and_fail_and_the_next_machine_ends_once(ending: str) -> None:
    calls: list[str] = []

    class Completes(AcceptsText):
        def __init__(self, out: Emitter[str]) -> None:
            super().__init__(out)
            self._complete = out.complete

        def flush(self) -> None:
            self._complete()

        def fail(self, _: Exception) -> None:
            self._complete()

    class Next(AcceptsText):
        def flush(self) -> None:
            calls.append("flush")

        def fail(self, _: Exception) -> None:
            raise NotImplementedError

        def close(self) -> None:
            calls.append("close")

    source: Subject[str] = Subject()
    source.pipe(through(Completes), through(Next)).subscribe(on_completed=lambda: calls.append("|"))
    if ending == "completed":
        source.on_completed()
    else:
        source.on_error(BOOM)
    assert calls == ["flush", "|", "close"]


# timers and sources on other threads


class Timed:
    """Sets a timer for each item; ``feed`` and the action run the given functions."""

    def __init__(
        self, out: Emitter[str], feeding: Callable[[str], object], action: Callable[[], object]
    ) -> None:
        self._later = out.later
        self._feeding = feeding
        self._action = action

    def feed(self, item: str, /) -> None:
        if item == "timer":
            self._later(0.001, self._action)
        self._feeding(item)


def push_from_a_thread(source: Subject[str], item: str) -> threading.Thread:
    thread = threading.Thread(target=source.on_next, args=(item,))
    thread.start()
    return thread


def test_a_timer_action_waits_while_another_thread_feeds() -> None:
    acted = threading.Event()
    early: list[bool] = []

    def feeding(_: str) -> None:
        early.append(acted.wait(0.05))

    def timed(out: Emitter[str]) -> Timed:
        return Timed(out, feeding, acted.set)

    source: Subject[str] = Subject()
    subscription = source.pipe(through(timed)).subscribe()
    push_from_a_thread(source, "timer").join()
    assert acted.wait(DEADLINE)
    assert early == [False]
    subscription.dispose()


def test_feeding_from_another_thread_waits_while_a_timer_action_runs() -> None:
    acting, pushed, fed = threading.Event(), threading.Event(), threading.Event()
    early: list[bool] = []

    def action() -> None:
        acting.set()
        assert pushed.wait(DEADLINE)
        early.append(fed.wait(0.05))

    def feeding(item: str) -> None:
        if item == "item":
            fed.set()

    def timed(out: Emitter[str]) -> Timed:
        return Timed(out, feeding, action)

    source: Subject[str] = Subject()
    subscription = source.pipe(through(timed)).subscribe()
    source.on_next("timer")
    assert acting.wait(DEADLINE)
    thread = push_from_a_thread(source, "item")
    pushed.set()
    thread.join()
    assert fed.is_set()
    assert early == [False]
    subscription.dispose()


def test_a_loop_without_iterate_is_refused_and_rxpys_slices_still_work() -> None:
    words = rx.of("one two ", "three ").pipe(split_words())
    with pytest.raises(TypeError, match="not iterable"):
        iter(words)
    assert words[1].run() == "two"
    assert words.pipe(ops.sequence_equal(words)).run()
