"""A source that sends its items as fast as the operators below it take them."""

from collections.abc import Sequence
from typing import Any

from ollama_rx.rx.operator import ChainedObservable
from ollama_rx.rx.subscriber import ChainObserver
from ollama_rx.rx.subscription import ChainSubscription


class Blast(ChainedObservable[Any]):
    """Sends its items as fast as the operators take them."""

    def __init__(self, items: Sequence[Any]) -> None:
        super().__init__()
        self._items = items

    def subscribe_chained(self, observer: ChainObserver[Any], subscription: ChainSubscription) -> None:
        """Send all items at once."""
        subscription.set_terminal_handlers(observer.on_error, observer.on_completed)
        on_next = observer.on_next
        for item in self._items:
            on_next(item)
        subscription.complete()
