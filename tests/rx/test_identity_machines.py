"""A chain behaves the same with machines in it that change nothing as without them.

Each program pushes items and terminal events, disposes, and does some of that inside the subscriber's own
callbacks. It runs once through RxPY's operators alone and once with machines before, between and after them.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import Observable, from_iterable
from reactivex import operators as ops
from reactivex.disposable import Disposable

from ollama_rx.rx.operator import Emitter, through

BOOM = RuntimeError("boom")

Step = str | int
STEPS = st.one_of(st.integers(0, 9), st.sampled_from(["complete", "error", "dispose"]))
LAYERS = st.lists(st.sampled_from(["machine", "rx"]), min_size=1, max_size=4)


class Identity:
    """A machine that passes everything on."""

    def __init__(self, out: Emitter[Any]) -> None:
        self._emit = out.emit

    def feed(self, item: object, /) -> None:
        self._emit(item)

    def flush(self) -> None:
        """Hold nothing back."""

    def fail(self, error: Exception) -> None:
        """Hold nothing back."""


class UnsafeSource(Observable[Any]):
    """Sends what it is told to send, also after its end and after it was disposed."""

    def subscribe(
        self, on_next: Any = None, on_error: Any = None, on_completed: Any = None, **_: Any
    ) -> Disposable:
        self.send = {"error": lambda: on_error(BOOM), "complete": on_completed}
        self.on_next = on_next
        return Disposable()


def layers(names: list[str]) -> list[Callable[[Observable[Any]], Observable[Any]]]:
    return [through(Identity) if name == "machine" else ops.map(lambda item: item) for name in names]


class Run:
    """Runs a program on a pipeline and records what the subscriber receives."""

    def __init__(self, names: list[str], reactions: dict[int, Step]) -> None:
        self.events: list[Any] = []
        self._reactions = dict(reactions)  # what the subscriber does when it receives its n-th event
        self._source = UnsafeSource()
        self._subscription = self._source.pipe(*layers(names)).subscribe(
            self._receive, self._receive, lambda: self._receive("|")
        )

    def _receive(self, event: object) -> None:
        self.events.append(event)
        reaction = self._reactions.pop(len(self.events), None)
        if reaction is not None:
            self.do(reaction)

    def do(self, step: Step) -> None:
        if isinstance(step, int):
            self._source.on_next(step)
        elif step == "dispose":
            self._subscription.dispose()
        elif step == "raise":
            raise BOOM
        else:
            self._source.send[step]()


@given(LAYERS, st.lists(STEPS, max_size=6), st.dictionaries(st.integers(1, 6), STEPS, max_size=4))
def test_pushed_events_are_the_same(names: list[str], steps: list[Step], reactions: dict[int, Step]) -> None:
    found, expected = Run(names, reactions), Run(["rx"], reactions)
    for step in steps:
        found.do(step)
        expected.do(step)
    assert found.events == expected.events


@given(LAYERS, st.lists(STEPS, max_size=6), st.dictionaries(st.integers(1, 6), STEPS, max_size=4), st.data())
def test_a_subscriber_that_raises_receives_its_exception_last(
    names: list[str], steps: list[Step], reactions: dict[int, Step], data: st.DataObject
) -> None:
    raising_at = data.draw(st.integers(1, 4))
    run = Run(["machine", *names], {**reactions, raising_at: "raise"})
    raised = False
    for step in steps:
        try:
            run.do(step)
        except RuntimeError:
            raised = True  # in a terminal handler, or after the subscriber had disposed
    items = [event for event in run.events if isinstance(event, int)]
    ends = run.events[len(items) :]
    assert run.events[: len(items)] == items
    assert len(ends) <= 1
    if len(items) >= raising_at and not raised:
        assert ends == [BOOM]


@given(LAYERS, st.integers(0, 5), st.integers(1, 7))
def test_a_synchronous_source_is_left_after_the_same_item(names: list[str], count: int, taken: int) -> None:
    def pulled_with(names: list[str]) -> tuple[list[int], list[Any]]:
        pulled: list[int] = []
        events: list[Any] = []
        stream: Any = from_iterable(range(count)).pipe(ops.do_action(pulled.append))
        stream.pipe(*layers(names), ops.take(taken)).subscribe(
            events.append, events.append, lambda: events.append("|")
        )
        return pulled, events

    assert pulled_with(names) == pulled_with(["rx"])


@pytest.mark.parametrize("names", [["machine"], ["machine", "rx"], ["rx", "machine"]])
def test_an_endless_iterable_is_left(names: list[str]) -> None:
    def endless() -> Any:
        while True:
            yield "a"

    stream: Any = from_iterable(endless())
    assert stream.pipe(*layers(names), ops.take(2), ops.to_list()).run() == ["a", "a"]
