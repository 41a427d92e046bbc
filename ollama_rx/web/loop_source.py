"""Brings the items of a stream to one event loop, from whatever threads it sends them."""

import asyncio
from collections.abc import Callable, Sequence
from threading import get_ident

from reactivex import Observable, abc

from ollama_rx.delivery.source_subscription import SourceSubscription
from ollama_rx.rx.mailbox import Mailbox, Sentinel


class LoopSource:
    """One subscription, whose items are handed over on the event loop that runs when this is made.

    An item that is sent on the loop is handed over at once. Other threads put theirs into a mailbox, and wait
    while it is full: a thread that is too fast is slowed down, and items keep their order.

    Args:
        on_items: takes items; sends none to the stream.
        on_end: learns of the end, and of the error if there is one.
    """

    def __init__(
        self, on_items: Callable[[Sequence[object]], object], on_end: Callable[[Exception | None], object]
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self._is_subscribing = False
        self._thread = get_ident()
        self._on_items = on_items
        self._on_end = on_end
        self._mailbox = Mailbox[object]()
        self._subscription = SourceSubscription(self.loop)
        self._is_closed = False

    def subscribe(self, stream: Observable[object]) -> None:
        """Begin; an error of ``subscribe`` is an end like any other."""

        def subscribe(scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
            return stream.subscribe(self._put, self._mailbox.end, self._mailbox.end, scheduler=scheduler)

        self._mailbox.when_ready(self._empty_soon)
        self._is_subscribing = True
        try:
            self._subscription.start(subscribe, self._mailbox.end)
        finally:
            self._is_subscribing = False

    def close(self) -> None:
        """Close the request; nothing is handed over any more."""
        self._is_closed = True
        self._mailbox.close()
        self._subscription.dispose()

    def _put(self, item: object) -> None:
        if get_ident() != self._thread or self._mailbox:  # what another thread has sent before comes first
            self._mailbox.put(item)
        elif not self._is_closed:
            self._on_items((item,))
        elif self._is_subscribing:
            raise RuntimeError("the stream is closed")  # all that ends a source which sends in `subscribe`

    def _empty_soon(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self._empty)
        except RuntimeError:  # the loop is closed
            self.close()

    def _empty(self) -> None:
        """Hand over what is in the mailbox, and wait for more."""
        try:
            items = self._mailbox.get_all_nowait()
        except Exception as error:  # noqa: BLE001 - the stream's
            self._on_end(error)
            return
        if isinstance(items, Sentinel):
            self._on_end(None)
            return
        self._on_items(items)
        if not self._is_closed:
            self._mailbox.when_ready(self._empty_soon)
