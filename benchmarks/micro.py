"""The cost of a hop and of a subscription, ours beside RxPY's ``map``; prints JSON.

``python -m benchmarks.micro [ROUNDS]``; started by ``scenarios.py`` in a process of its own.
"""

import json
import sys
from collections.abc import Callable
from time import process_time
from typing import Any

import reactivex
from reactivex import Observable
from reactivex import operators as ops

from ollama_rx import operators as op
from ollama_rx.rx.operator import ChainedObservable, Emitter, through
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription

HOPS = 5
ITEMS = 100_000
SUBSCRIPTIONS = 3_000

Operator = Callable[[Observable[Any]], Observable[Any]]


class Counting(ChainedObservable[int]):
    """A cold source like the client's."""

    def subscribe_chained(self, observer: ChainObserver[int], subscription: ChainSubscription) -> None:
        """Send all numbers at once."""
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        on_next = observer.on_next
        for number in range(ITEMS):
            on_next(number)
        subscription.complete()


class Silent(ChainedObservable[Any]):
    """A source like the client's that never sends anything."""

    def subscribe_chained(self, observer: ChainObserver[Any], subscription: ChainSubscription) -> None:
        """Send nothing."""
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)


class _Pass:
    def __init__(self, out: Emitter[int]) -> None:
        self._emit = out.emit

    def feed(self, number: int, /) -> None:
        self._emit(number)


def own_hops() -> list[Operator]:
    """Return operators of this package that pass every item on."""
    return [through(_Pass) for _ in range(HOPS)]


def map_hops() -> list[Operator]:
    """Return RxPY's operators that do the same."""
    return [ops.map(lambda number: number) for _ in range(HOPS)]


def pipeline() -> list[Operator]:
    """Return the operators of the pipeline that the other benchmarks run."""
    return [op.gather_stats(_ignore), op.text(), op.stop_at("<END>"), op.split_sentences()]


def per_item(operators: list[Operator]) -> float:
    """Return the microseconds per item from a cold source through these operators."""
    stream = Counting().pipe(*operators)
    before = process_time()
    stream.subscribe(_ignore)
    return (process_time() - before) / ITEMS * 1e6


def per_subscription(source: Observable[Any], operators: list[Operator]) -> float:
    """Return the microseconds to subscribe and dispose of a chain that sends nothing."""
    stream = source.pipe(*operators)
    before = process_time()
    for _ in range(SUBSCRIPTIONS):
        stream.subscribe(_ignore).dispose()
    return (process_time() - before) / SUBSCRIPTIONS * 1e6


def _ignore(_: object) -> None:
    pass


def measure() -> dict[str, dict[str, float]]:
    """Run one round; a hop is a fifth of what five hops add to the bare source."""
    ours, bare, mapped = per_item(own_hops()), per_item([]), per_item(map_hops())
    found = {
        "own_hop": (ours - bare) / HOPS,
        "map_hop": (mapped - bare) / HOPS,
        "own_subscribe": per_subscription(Silent(), own_hops()),
        "map_subscribe": per_subscription(Silent(), map_hops()),
        "own_subscribe_foreign": per_subscription(reactivex.never(), own_hops()),
        "map_subscribe_foreign": per_subscription(reactivex.never(), map_hops()),
        "pipeline_subscribe": per_subscription(Silent(), pipeline()),
    }
    return {name: {"us": value} for name, value in found.items()}


def main() -> None:
    """Measure in interleaved rounds and print each round."""
    measure()
    print(json.dumps([measure() for _ in range(int(sys.argv[1]))]))


if __name__ == "__main__":
    main()
