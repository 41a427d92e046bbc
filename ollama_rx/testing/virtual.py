"""Run an operator in virtual time over sources made of diagrams, and note all that happens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.testing import TestScheduler

from ollama_rx.testing.diagrams import Diagram, Event

_AFTER = 1000  # ticks for which the clock goes on after the last column


@dataclass(frozen=True, slots=True)
class Seen:
    """One event of a stream as it came."""

    tick: float
    #: `-` for an item, `|` or `#`
    kind: str
    value: object = None


@dataclass(slots=True)
class Subscription:
    """From when to when a source was subscribed."""

    begin: float
    end: float | None = None


@dataclass(slots=True)
class Run:
    """One run: what came out and when each source was subscribed."""

    sources: Sequence[Diagram]
    values: Mapping[str, object]
    error: Exception
    seconds: float
    seen: list[Seen] = field(default_factory=list[Seen])
    subscriptions: list[Subscription] = field(default_factory=list[Subscription])
    _scheduler: TestScheduler = field(default_factory=TestScheduler)

    def of(
        self, operator: Callable[[Observable[Any]], Observable[Any]], *, until: float | None, length: int
    ) -> None:
        """Subscribe at tick 0, unsubscribe at the end of tick `until`, and let the clock run out."""
        holder: list[abc.DisposableBase] = []

        def subscribe(*_: object) -> None:
            holder.append(
                operator(Observable(self._subscribe)).subscribe(
                    lambda value: self._note("-", value),
                    lambda error: self._note("#", error),
                    lambda: self._note("|"),
                    scheduler=self._scheduler,
                )
            )

        self._scheduler.schedule_absolute(self._time(0), subscribe)
        if until is not None:
            self._scheduler.advance_to(self._time(until))
            holder[0].dispose()
        self._scheduler.advance_to(self._time(length + _AFTER))
        lives = [Subscription(each.begin, each.end) for each in self.subscriptions]
        holder[0].dispose()
        self.subscriptions = lives

    def _subscribe(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        del scheduler
        subscription = Subscription(self._tick())
        diagram = self.sources[min(len(self.subscriptions), len(self.sources) - 1)]
        self.subscriptions.append(subscription)
        for event in diagram.events:
            if not diagram.hot:
                self._emit(observer, event, subscription.begin + event.tick, subscription)
            elif event.tick > subscription.begin:
                self._emit(observer, event, event.tick, subscription)

        def dispose() -> None:
            subscription.end = self._tick()

        return Disposable(dispose)

    def _emit(
        self, observer: abc.ObserverBase[Any], event: Event, tick: float, subscription: Subscription
    ) -> None:
        def action(*_: object) -> None:
            if subscription.end is not None:
                return
            match event.mark:
                case "|":
                    observer.on_completed()
                case "#":
                    observer.on_error(self.error)
                case letter:
                    observer.on_next(self.values[letter])

        self._scheduler.schedule_absolute(self._time(tick), action)

    def _note(self, kind: str, value: object = None) -> None:
        self.seen.append(Seen(self._tick(), kind, value))

    def _time(self, tick: float) -> float:
        # tick 0 is not time 0, where the scheduler would skip what is due at once
        return (tick + 1) * self.seconds

    def _tick(self) -> float:
        tick = round(self._scheduler.to_seconds(self._scheduler.now) / self.seconds - 1, 6)
        return int(tick) if tick.is_integer() else tick
