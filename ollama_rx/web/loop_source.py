"""Brings the items of a stream to one event loop, from whatever threads it sends them."""

import asyncio
from collections.abc import Callable, Sequence

from reactivex import Observable, abc

from ollama_rx.delivery.source_subscription import SourceSubscription
from ollama_rx.rx.event_loops import run_on_loop
from ollama_rx.rx.mailbox import Mailbox, Sentinel


class LoopSource:
    """One subscription, whose items are handed over on the running event loop.

    An item that is sent on the loop is handed over at once. Other threads put theirs into a mailbox, and wait
    while it is full; so a thread that is too fast is slowed down, and items keep their order.

    Args:
        on_items: takes items.
        on_end: learns of the end, and of the error if there is one.
    """

    def __init__(
        self, on_items: Callable[[Sequence[object]], object], on_end: Callable[[Exception | None], object]
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.is_subscribing = False
        """Whether what is handed over is sent inside ``subscribe``, so that the loop does nothing else."""
        self._on_items = on_items
        self._on_end = on_end
        self._mailbox = Mailbox[object]()
        self._subscription = SourceSubscription(self.loop)
        self._is_receiving = False
        self._is_closed = False

    def subscribe(self, stream: Observable[object]) -> None:
        """Begin; an error of ``subscribe`` is an end like any other."""

        def subscribe(scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
            return stream.subscribe(self._put, self._mailbox.end, self._mailbox.end, scheduler=scheduler)

        self._mailbox.when_ready(self._receive_on_loop)
        self.is_subscribing = True
        try:
            self._subscription.start(subscribe, self._mailbox.end)
        finally:
            self.is_subscribing = False

    def close(self) -> None:
        """Close the request; nothing is handed over any more."""
        self._is_closed = True
        self._mailbox.close()
        self._subscription.dispose()

    def _put(self, item: object) -> None:
        if self._is_closed and self.is_subscribing:
            raise RuntimeError("the stream is closed")  # all that ends a source which sends in `subscribe`
        self._mailbox.put(item)

    def _receive_on_loop(self) -> None:
        if self._is_receiving:
            self.loop.call_soon_threadsafe(self._receive)
        elif not run_on_loop(self.loop, self._receive):  # the loop is closed
            self.close()

    def _receive(self) -> None:
        """Hand over what is in the mailbox, and wait for more."""
        self._is_receiving = True
        try:
            self._hand_over()
            if not self._is_closed:
                self._mailbox.when_ready(self._receive_on_loop)
        finally:
            self._is_receiving = False

    def _hand_over(self) -> None:
        try:
            items = self._mailbox.get_all_nowait()
        except Exception as error:  # noqa: BLE001 - the stream's
            self._on_end(error)
            return
        if not isinstance(items, Sentinel):
            self._on_items(items)
        elif self._mailbox.ended and not self._is_closed:
            self._on_end(None)
