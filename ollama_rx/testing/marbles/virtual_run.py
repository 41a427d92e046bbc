"""Run an operator in virtual time over sources made of diagrams, and record all events."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.testing import TestScheduler

from ollama_rx.testing.marbles.diagrams import Diagram, Event

_EXTRA_TICKS = 1000  # for which the clock runs on after the last column


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event that the operator emitted."""

    tick: float
    #: `-` for an item, `|` or `#`
    kind: str
    value: object = None


@dataclass(slots=True)
class SubscriptionSpan:
    """The ticks from subscribing to a source until unsubscribing; `end` is None before that."""

    begin: float
    end: float | None = None


@dataclass(slots=True)
class VirtualRun:
    """One run: the events that the operator emitted, and when each source was subscribed to."""

    sources: Sequence[Diagram]
    values: Mapping[str, object]
    error: Exception
    #: seconds per tick
    tick: float
    emitted: list[RecordedEvent] = field(default_factory=list[RecordedEvent])
    subscriptions: list[SubscriptionSpan] = field(default_factory=list[SubscriptionSpan])
    #: the first error that a source sent, and the number of events that had been emitted before it
    failure: tuple[RecordedEvent, int] | None = None
    _scheduler: TestScheduler = field(default_factory=TestScheduler)

    def run(
        self, operator: Callable[[Observable[Any]], Observable[Any]], *, until: float | None, length: int
    ) -> None:
        """Subscribe at tick 0, unsubscribe at the end of tick `until`, and let the clock run out."""
        disposables: list[abc.DisposableBase] = []

        def subscribe(*_: object) -> None:
            disposables.append(
                operator(Observable(self._subscribe)).subscribe(
                    lambda value: self._record("-", value),
                    lambda error: self._record("#", error),
                    lambda: self._record("|"),
                    scheduler=self._scheduler,
                )
            )

        self._scheduler.schedule_absolute(self._time(0), subscribe)
        if until is not None:
            self._scheduler.advance_to(self._time(until))
            disposables[0].dispose()
        self._scheduler.advance_to(self._time(length + _EXTRA_TICKS))
        spans = [SubscriptionSpan(each.begin, each.end) for each in self.subscriptions]
        disposables[0].dispose()
        self.subscriptions = spans

    def _subscribe(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        del scheduler
        span = SubscriptionSpan(self._now())
        diagram = self.sources[min(len(self.subscriptions), len(self.sources) - 1)]
        self.subscriptions.append(span)
        for event in diagram.events:
            if not diagram.hot:
                self._emit(observer, event, span.begin + event.tick, span)
            elif event.tick > span.begin:
                self._emit(observer, event, event.tick, span)

        def dispose() -> None:
            span.end = self._now()

        return Disposable(dispose)

    def _emit(
        self, observer: abc.ObserverBase[Any], event: Event, tick: float, span: SubscriptionSpan
    ) -> None:
        def action(*_: object) -> None:
            if span.end is not None:
                return
            match event.mark:
                case "|":
                    observer.on_completed()
                case "#":
                    error = RecordedEvent(self._now(), "#", self.error)
                    self.failure = self.failure or (error, len(self.emitted))
                    observer.on_error(self.error)
                case letter:
                    observer.on_next(self.values[letter])

        self._scheduler.schedule_absolute(self._time(tick), action)

    def _record(self, kind: str, value: object = None) -> None:
        self.emitted.append(RecordedEvent(self._now(), kind, value))

    def _time(self, tick: float) -> float:
        # tick 0 is not time 0: there the scheduler would skip actions that are due at once
        return (tick + 1) * self.tick

    def _now(self) -> float:
        tick = round(self._scheduler.to_seconds(self._scheduler.now) / self.tick - 1, 6)
        return int(tick) if tick.is_integer() else tick
