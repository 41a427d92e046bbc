"""An operator that breaks a promise is caught, and the promise is named."""

from collections.abc import Callable
from typing import Any

import pytest
import reactivex
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.disposable import CompositeDisposable, Disposable

from ollama_rx.operators import join_text, split_words, stop_at, throttle_latest
from ollama_rx.testing import check_lifecycle

Operator = Callable[[Observable[Any]], Observable[Any]]
Observer = abc.ObserverBase[Any]
Scheduler = abc.SchedulerBase | None

NOTHING = "nothing in, nothing out"
ERROR = "an error passes at once, and drops items that were held back"
SHARING = "two subscribers share no state"
CANCEL = "cancelling unsubscribes from the source at once, and drops items that were held back"
RX = "RxPY's operators work before and after it"


def operator(subscribe: Callable[[Observable[Any], Observer, Scheduler], abc.DisposableBase]) -> Operator:
    """Make an operator of a function that subscribes to the source."""

    def build(source: Observable[Any]) -> Observable[Any]:
        def subscribe_to_source(observer: Observer, scheduler: Scheduler = None) -> abc.DisposableBase:
            return subscribe(source, observer, scheduler)

        return Observable(subscribe_to_source)

    return build


def note_end(over: list[bool]) -> Operator:
    """Record that the source has completed or failed."""
    return ops.do_action(on_error=lambda _: over.append(True), on_completed=lambda: over.append(True))


def breach(build: Callable[[], Operator], *items: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        check_lifecycle(build, *(items or ("x", "y")))
    return str(caught.value)


def broken_promise(build: Callable[[], Operator], *items: Any) -> str:
    return breach(build, *items).splitlines()[0].removeprefix("broken promise: ")


@pytest.mark.parametrize(
    ("build", "items"),
    [
        (split_words, ["Hello wor", "ld and"]),
        (lambda: stop_at("held"), ["out", "hel"]),
        (lambda: stop_at("held"), ["out", "held", "never"]),
        (lambda: throttle_latest(60), ["out", "held"]),
        (lambda: ops.map(str), [1, 2]),
        (ops.pairwise, [1, 2, 3]),
        (lambda: ops.take(1), ["x", "y"]),
        (ops.distinct_until_changed, list(range(26))),
    ],
)
def test_an_operator_that_keeps_all_promises_passes(build: Callable[[], Operator], items: list[Any]) -> None:
    check_lifecycle(build, *items)


def late_completion() -> Operator:
    return ops.concat(reactivex.timer(1.0).pipe(ops.ignore_elements()))


@pytest.mark.parametrize(
    "build",
    [
        lambda: ops.default_if_empty("item"),
        lambda: ops.start_with("item"),
        lambda: ops.concat(reactivex.never()),
        late_completion,
    ],
)
def test_an_empty_source_must_give_its_completion_only(build: Callable[[], Operator]) -> None:
    assert broken_promise(build) == NOTHING


def test_an_operator_may_say_what_it_emits_for_an_empty_source() -> None:
    check_lifecycle(join_text, "x", "y", when_empty=[""])
    with pytest.raises(AssertionError, match=NOTHING):
        check_lifecycle(join_text, "x", "y", when_empty=["x"])
    with pytest.raises(AssertionError, match=NOTHING):
        check_lifecycle(split_words, "x y", when_empty=[""])


def test_output_for_an_empty_source_is_drawn() -> None:
    assert breach(late_completion).splitlines()[2:] == ["  source  -|", "  got     --|"]


def flush_on_error(seconds: float | None = None) -> Operator:
    """Hold each item until the next one or for some seconds; wrongly emit it before an error."""

    def subscribe(source: Observable[Any], observer: Observer, scheduler: Scheduler) -> abc.DisposableBase:
        held: list[Any] = []

        def on_next(item: Any) -> None:
            if seconds is None:
                flush()
            elif scheduler is not None:
                scheduler.schedule_relative(seconds, flush)
            held.append(item)

        def flush(*_: object) -> None:
            while held:
                observer.on_next(held.pop())

        def on_error(error: Exception) -> None:
            flush()
            observer.on_error(error)

        def on_completed() -> None:
            flush()
            observer.on_completed()

        return source.subscribe(on_next, on_error, on_completed, scheduler=scheduler)

    return operator(subscribe)


def late_error() -> Operator:
    return ops.catch(lambda error, _: reactivex.timer(1.0).pipe(ops.flat_map(reactivex.throw(error))))


@pytest.mark.parametrize(
    "build",
    [
        flush_on_error,
        late_error,
        lambda: ops.catch(reactivex.empty()),
        lambda: ops.catch(reactivex.throw(KeyError("another"))),
        lambda: ops.catch(reactivex.never()),
        lambda: ops.retry(2),
    ],
)
def test_an_error_must_pass_at_once_and_alone(build: Callable[[], Operator]) -> None:
    assert broken_promise(build) == ERROR


def test_items_that_wait_for_a_timer_must_be_dropped_too() -> None:
    assert broken_promise(lambda: flush_on_error(seconds=0.5)) == ERROR


def test_events_after_an_error_are_drawn() -> None:
    assert breach(flush_on_error).splitlines()[2:] == [
        "  source  -(a#)",
        "  got     -(a#)",
        "  a = 'x'",
    ]
    replaced = breach(lambda: ops.catch(reactivex.throw(KeyError("another"))))
    assert "  # = KeyError('another')" in replaced


def count_for_all() -> Operator:
    """Number the items, wrongly counting those of all subscribers."""
    count = iter(range(1000))
    return ops.map(lambda item: (next(count), item))


def count_until_completion() -> Operator:
    """Number the items, with one counter that every completion resets."""
    count = [0]

    def number(item: Any) -> Any:
        count[0] += 1
        return count[0], item

    return lambda source: source.pipe(
        ops.map(number), ops.do_action(on_completed=lambda: count.__setitem__(0, 0))
    )


def serve_once() -> Operator:
    """Fail for every subscriber that comes after a completion."""
    over: list[bool] = []

    def check(item: Any) -> Any:
        if over:
            raise KeyError(item)
        return item

    return lambda source: source.pipe(ops.map(check), ops.do_action(on_completed=lambda: over.append(True)))


@pytest.mark.parametrize("build", [count_for_all, count_until_completion, serve_once])
def test_subscribers_must_not_share_state(build: Callable[[], Operator]) -> None:
    assert broken_promise(build) == SHARING


def test_the_output_of_both_subscribers_is_listed() -> None:
    assert breach(count_for_all).splitlines()[2:] == [
        "  a single subscriber gets (0, 'x'), (1, 'y'), |",
        "  two, at the same time, get",
        "    (0, 'x'), (2, 'y'), |",
        "    (1, 'x'), (3, 'y'), |",
    ]
    assert breach(serve_once).splitlines()[3:] == [
        "  two, one after the other, get",
        "    'x', 'y', |",
        "    # KeyError('x')",
    ]


def forget_the_source() -> Operator:
    def subscribe(source: Observable[Any], observer: Observer, scheduler: Scheduler) -> abc.DisposableBase:
        source.subscribe(observer, scheduler=scheduler)
        return Disposable()

    return operator(subscribe)


def unsubscribe_late() -> Operator:
    def subscribe(source: Observable[Any], observer: Observer, scheduler: Scheduler) -> abc.DisposableBase:
        assert scheduler is not None
        inner = source.subscribe(observer, scheduler=scheduler)

        def unsubscribe(*_: object) -> None:
            inner.dispose()

        def dispose() -> None:
            scheduler.schedule_relative(1.0, unsubscribe)

        return Disposable(dispose)

    return operator(subscribe)


class FlushOnCancel(Observable[Any]):
    """Emits an item when it is cancelled; `Observable.subscribe` would keep that from the subscriber."""

    def __init__(self, source: Observable[Any]) -> None:
        super().__init__()
        self._source = source

    def subscribe(
        self,
        on_next: abc.ObserverBase[Any] | abc.OnNext[Any] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        assert callable(on_next)
        over: list[bool] = []
        source = self._source.pipe(note_end(over))
        inner = source.subscribe(on_next, on_error, on_completed, scheduler=scheduler)
        return CompositeDisposable(Disposable(lambda: None if over else on_next("held")), inner)


def raise_on_cancel() -> Operator:
    def subscribe(source: Observable[Any], observer: Observer, scheduler: Scheduler) -> abc.DisposableBase:
        over: list[bool] = []
        inner = source.pipe(note_end(over)).subscribe(observer, scheduler=scheduler)

        def dispose() -> None:
            inner.dispose()
            if not over:
                raise KeyError("cancelled")

        return Disposable(dispose)

    return operator(subscribe)


@pytest.mark.parametrize(
    "build", [forget_the_source, unsubscribe_late, lambda: FlushOnCancel, raise_on_cancel]
)
def test_cancelling_must_reach_the_source_and_emit_nothing(build: Callable[[], Operator]) -> None:
    assert broken_promise(build) == CANCEL


def test_events_after_cancelling_are_drawn() -> None:
    assert breach(forget_the_source).splitlines()[2:] == [
        "  cancelled at tick 0, the source is still subscribed to:",
        "",
        "  source  -ab|",
        "  got",
        "  a = 'x'",
        "  b = 'y'",
    ]
    assert "  cancelled at tick 0, expected nothing:\n" in breach(lambda: FlushOnCancel)


def test_an_exception_while_a_promise_is_checked_is_the_cause_of_the_failure() -> None:
    with pytest.raises(AssertionError, match=r"\n\n  raised KeyError\('cancelled'\)$") as caught:
        check_lifecycle(raise_on_cancel, "x")
    assert isinstance(caught.value.__cause__, KeyError)


class FunctionsOnly(Observable[Any]):
    """Can be subscribed to with functions, but not with an observer."""

    def __init__(self, source: Observable[Any]) -> None:
        super().__init__()
        self._source = source

    def subscribe(
        self,
        on_next: abc.ObserverBase[Any] | abc.OnNext[Any] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        if not callable(on_next):
            raise TypeError("on_next is not a function")
        return self._source.subscribe(on_next, on_error, on_completed, scheduler=scheduler)


def use_the_subscription_early() -> Operator:
    """Use the subscription to the source in `on_next`, when `subscribe` may not have returned yet."""

    def subscribe(source: Observable[Any], observer: Observer, scheduler: Scheduler) -> abc.DisposableBase:
        subscriptions: list[abc.DisposableBase] = []

        def on_next(item: Any) -> None:
            if not subscriptions:
                raise KeyError("not subscribed yet")
            observer.on_next(item)

        inner = source.subscribe(on_next, observer.on_error, observer.on_completed, scheduler=scheduler)
        subscriptions.append(inner)
        return inner

    return operator(subscribe)


@pytest.mark.parametrize("build", [lambda: FunctionsOnly, use_the_subscription_early])
def test_rxpy_operators_must_work_before_and_after_it(build: Callable[[], Operator]) -> None:
    assert broken_promise(build) == RX


def test_the_output_between_rxpy_operators_is_listed() -> None:
    assert breach(use_the_subscription_early).splitlines()[2:] == [
        "  alone    'x', 'y', |",
        "  between  # KeyError('not subscribed yet')",
    ]


@pytest.mark.parametrize("count", [0, 27])
def test_the_number_of_items_is_limited(count: int) -> None:
    with pytest.raises(ValueError, match=f"^items: expected 1 to 26 items, got {count}$"):
        check_lifecycle(lambda: ops.map(str), *range(count))


def test_items_must_make_the_operator_emit() -> None:
    with pytest.raises(
        ValueError, match=r"^items: expected items for which the operator emits something, got \(1,\)$"
    ):
        check_lifecycle(ops.pairwise, 1)


def test_items_must_not_make_the_operator_fail() -> None:
    with pytest.raises(
        ValueError,
        match=r"^items: expected items for which the operator does not fail, got ZeroDivisionError",
    ):
        check_lifecycle(lambda: ops.map(lambda number: 1 / number), 0)
