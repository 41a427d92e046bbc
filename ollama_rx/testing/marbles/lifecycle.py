"""`check_lifecycle`: test the promises that every operator keeps, whatever it computes."""

from collections.abc import Callable, Iterable, Sequence
from string import ascii_lowercase
from typing import Any, TypeVar

import reactivex
from reactivex import Observable
from reactivex import operators as ops
from reactivex.scheduler import ImmediateScheduler

from ollama_rx.arguments import wrong_value
from ollama_rx.testing.marbles.check import draw_run
from ollama_rx.testing.marbles.diagrams import parse
from ollama_rx.testing.marbles.virtual_run import RecordedEvent, VirtualRun

T = TypeVar("T")

_Operator = Callable[[Observable[Any]], Observable[Any]]

_ERROR = Exception("the error of the source")


def check_lifecycle(
    build: Callable[[], Callable[[Observable[T]], Observable[object]]],
    /,
    *items: T,
    when_empty: Sequence[object] = (),
) -> None:
    """Check that an operator keeps the promises that every operator makes about its subscriptions.

    - Nothing in, nothing out: an empty source gives its completion at once, and no item (or ``when_empty``).
    - An error passes at once, and drops items that were held back.
    - Two subscribers share no state, neither at the same time nor one after the other.
    - Cancelling unsubscribes from the source at once, and drops items that were held back.
    - RxPY's operators work before and after it, also with a source that emits during ``subscribe``.

    Errors and cancellations are tried after each of the items, in virtual time: one item a second, the first
    after one second, and the completion a second after the last item. An operator that emits only by a timer
    and has no ``flush`` needs a timer that is shorter than a second here.

    >>> from ollama_rx.operators import split_words
    >>> check_lifecycle(split_words, "Hello wor", "ld and")
    >>> check_lifecycle(lambda: ops.default_if_empty("x"), "a")
    Traceback (most recent call last):
    AssertionError: broken promise: nothing in, nothing out
    <BLANKLINE>
      source  -|
      got     -(A|)
      A = 'x'

    Args:
        build: returns the operator, a new one at each call.
        *items: the items of the source, 1 to 26. The operator must emit something for them; if it holds items
            back, choose items after which it does, or dropping them is not tested.
        when_empty: what the operator emits for an empty source, for those that emit something.

    Raises:
        AssertionError: naming the first promise that the operator breaks, and what happened instead.
        ValueError: if the operator emits nothing for these items, or fails.
    """
    trial = _Trial(build, items, when_empty)
    for promise, check in _PROMISES.items():
        try:
            breach = check(trial)
        except Exception as error:
            raise AssertionError(f"broken promise: {promise}\n\n  raised {error!r}") from error
        if breach:
            raise AssertionError(f"broken promise: {promise}\n\n{breach}")


class _Trial:
    """Runs operators over the items, in virtual time."""

    def __init__(
        self, build: Callable[[], _Operator], items: Sequence[object], when_empty: Sequence[object]
    ) -> None:
        if not 0 < len(items) <= len(ascii_lowercase):
            raise wrong_value("items", f"1 to {len(ascii_lowercase)} items", len(items))
        self.build = build
        self.items = items
        self.when_empty = when_empty
        self.letters = ascii_lowercase[: len(items)]
        #: item number n comes at tick n, then the completion
        self.source = f"-{self.letters}|"
        #: the output of one subscriber that does not cancel
        self.alone = self.run(self.source, build()).emitted
        if errors := [event.value for event in self.alone if event.kind == "#"]:
            raise wrong_value("items", "items for which the operator does not fail", errors[0])
        if not any(event.kind == "-" for event in self.alone):
            raise wrong_value("items", "items for which the operator emits something", items)

    def run(self, source: str, operator: _Operator, *, until: float | None = None) -> VirtualRun:
        diagram = parse(source, name="source", marks="|#")
        values = dict(zip(self.letters, self.items, strict=True))
        run = VirtualRun([diagram], values, _ERROR, tick=1.0)
        run.run(operator, until=until, length=diagram.length)
        return run


def _check_empty_source(trial: _Trial) -> str:
    run = trial.run("-|", trial.build())
    expected = [*(RecordedEvent(1, "-", item) for item in trial.when_empty), RecordedEvent(1, "|")]
    return "" if run.emitted == expected else draw_run(run)


def _check_error(trial: _Trial) -> str:
    for count in range(len(trial.letters) + 1):
        before, last = trial.letters[: max(0, count - 1)], trial.letters[count - 1 : count]
        # in the tick of the last item: a timer has no time to emit what is held back
        run = trial.run(f"-{before}({last}#)", trial.build())
        if run.failure is None:  # the operator has unsubscribed
            continue
        error, emitted_before = run.failure
        if run.emitted[emitted_before:] != [error]:
            return draw_run(run)
    return ""


def _check_two_subscribers(trial: _Trial) -> str:
    alone = _untimed(trial.alone)
    for when, combine in (("at the same time", reactivex.merge), ("one after the other", reactivex.concat)):
        first, second = _subscribe_twice(trial, combine)
        if not first == second == alone:
            return (
                f"  a single subscriber gets {_describe(alone)}\n"
                f"  two, {when}, get\n    {_describe(first)}\n    {_describe(second)}"
            )
    return ""


def _subscribe_twice(
    trial: _Trial, combine: Callable[..., Observable[object]]
) -> tuple[list[RecordedEvent], list[RecordedEvent]]:
    operator = trial.build()
    first: list[RecordedEvent] = []
    second: list[RecordedEvent] = []

    def both(source: Observable[Any]) -> Observable[object]:
        stream = operator(source)
        return combine(stream.pipe(_record(first)), stream.pipe(_record(second)))

    trial.run(trial.source, both)
    return first, second


def _record(events: list[RecordedEvent]) -> Callable[[Observable[Any]], Observable[Any]]:
    return ops.do_action(
        lambda item: events.append(RecordedEvent(0, "-", item)),
        lambda error: events.append(RecordedEvent(0, "#", error)),
        lambda: events.append(RecordedEvent(0, "|")),
    )


def _check_cancel(trial: _Trial) -> str:
    for tick in range(len(trial.letters) + 1):
        run = trial.run(trial.source, trial.build(), until=tick)
        expected = [event for event in trial.alone if event.tick <= tick]
        if any(span.end is None or span.end > tick for span in run.subscriptions):
            return f"  cancelled at tick {tick}, the source is still subscribed to:\n\n{draw_run(run)}"
        if run.emitted != expected:
            return f"  cancelled at tick {tick}, expected {_describe(expected)}:\n\n{draw_run(run)}"
    return ""


def _check_rx_operators(trial: _Trial) -> str:
    def between(_: Observable[Any]) -> Observable[Any]:
        source = reactivex.from_iterable(trial.items, ImmediateScheduler.singleton())
        # `share` subscribes with an observer, unlike most operators, which subscribe with functions
        return source.pipe(ops.map(lambda item: item), trial.build(), ops.share(), ops.filter(lambda _: True))

    alone = _untimed(trial.run(f"-({trial.letters}|)", trial.build()).emitted)
    got = _untimed(trial.run("", between).emitted)
    return "" if got == alone else f"  alone    {_describe(alone)}\n  between  {_describe(got)}"


def _untimed(events: Iterable[RecordedEvent]) -> list[RecordedEvent]:
    return [RecordedEvent(0, event.kind, event.value) for event in events]


def _describe(events: Iterable[RecordedEvent]) -> str:
    marks = {"-": "", "#": "# ", "|": "|"}
    words = (marks[it.kind] + ("" if it.kind == "|" else repr(it.value)) for it in events)
    return ", ".join(words) or "nothing"


_PROMISES = {
    "nothing in, nothing out": _check_empty_source,
    "an error passes at once, and drops items that were held back": _check_error,
    "two subscribers share no state": _check_two_subscribers,
    "cancelling unsubscribes from the source at once, and drops items that were held back": _check_cancel,
    "RxPY's operators work before and after it": _check_rx_operators,
}
