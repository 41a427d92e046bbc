"""A stream as a loop: ``for chunk in iterate(stream)`` and ``async for chunk in iterate(stream)``."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, Generic, Self, TypeVar
from weakref import ref

from reactivex import Observable, abc

from ollama_rx.arguments import check_instance
from ollama_rx.delivery.source_subscription import SourceSubscription
from ollama_rx.rx.mailbox import MAX_WAITING, Mailbox, Sentinel, check_waiting

T = TypeVar("T")
_L = TypeVar("_L", bound="_ItemSubscription[Any]")


def iterate(stream: Observable[T], *, max_waiting: int = MAX_WAITING) -> "Items[T]":
    """Give the stream's items to a ``for`` or ``async for`` loop; leaving the loop closes the request.

    Leaving the loop drops its iterator, and that closes the request. Where something else holds the iterator,
    such as a variable, or where objects are not freed at once (PyPy), use ``with iterate(stream) as items:``
    or ``async with``: the end of the block closes the request.

    Each loop subscribes anew. In an ``async for`` the stream runs on the running event loop, in a ``for``
    on a thread of its own. An error of the stream is raised in the loop, after the items that came
    before it.

    When ``max_waiting`` items wait for a slow loop body, the stream is paused. A source that cannot be
    paused, because it pushes on the event loop and does not read from a request, is queued without a
    limit. A synchronous source without an end belongs in a ``for``: in an ``async for`` it never lets the
    event loop run.

    >>> from reactivex import of
    >>> [number * 2 for number in iterate(of(1, 2, 3))]
    [2, 4, 6]

    Raises:
        TypeError: ``stream`` is not an Observable, or ``max_waiting`` is not a whole number.
        ValueError: ``max_waiting`` is below 1.
    """
    check_instance("stream", stream, Observable)
    check_waiting(max_waiting, "pause")
    return Items(stream, max_waiting)


class Items(Generic[T]):
    """What `iterate` returns; each loop over it is a subscription.

    ``close()``, ``aclose()`` and the end of a ``with`` or ``async with`` block end the loops that run.
    """

    def __init__(self, stream: Observable[T], max_waiting: int) -> None:
        self._stream = stream
        self._max_waiting = max_waiting
        self._loops: list[ref[_ItemSubscription[T]]] = []  # a set would take a kilobyte

    def __iter__(self) -> "ItemIterator[T]":
        return self._add(ItemIterator(self._stream, self._max_waiting, None))

    def __aiter__(self) -> "AsyncItemIterator[T]":
        return self._add(AsyncItemIterator(self._stream, self._max_waiting, asyncio.get_running_loop()))

    def _add(self, iterator: _L) -> _L:
        self._loops = [loop for loop in self._loops if loop() is not None]
        self._loops.append(ref(iterator))
        return iterator

    def close(self) -> None:
        """Close the requests of the loops that run, and drop the waiting items."""
        for loop in self._loops:
            iterator = loop()
            if iterator is not None:
                iterator.dispose()

    async def aclose(self) -> None:
        """Do the same as ``close``."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class _ItemSubscription(Generic[T]):
    """One subscription and its mailbox; disposed when the loop ends or its iterator is garbage collected."""

    def __init__(
        self, stream: Observable[T], max_waiting: int, loop: asyncio.AbstractEventLoop | None
    ) -> None:
        mailbox = Mailbox[T](max_waiting)
        self._mailbox = mailbox
        self._subscription = subscription = SourceSubscription(loop)
        mailbox.upstream = subscription.upstream

        def subscribe(scheduler: abc.SchedulerBase | None) -> abc.DisposableBase:
            return stream.subscribe(mailbox.put, mailbox.end, mailbox.end, scheduler=scheduler)

        subscription.start(subscribe, mailbox.end)

    def dispose(self) -> None:
        """Close the request and drop the waiting items."""
        self._mailbox.close()
        self._subscription.dispose()

    def __del__(self) -> None:
        self.dispose()


class ItemIterator(_ItemSubscription[T], Iterator[T]):
    """A ``for`` loop's subscription; ``close()`` ends it early, as leaving the loop does."""

    def __next__(self) -> T:
        try:
            item = self._mailbox.get_nowait()
            if isinstance(item, Sentinel):
                item = next(self._mailbox)
        except BaseException:
            self.dispose()
            raise
        return item

    def close(self) -> None:
        """Close the request and drop the waiting items."""
        self.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()


class AsyncItemIterator(_ItemSubscription[T], AsyncIterator[T]):
    """An ``async for`` loop's subscription; ``aclose()`` ends it early, as leaving the loop does.

    ``asyncio.wait_for(anext(items), seconds)`` that times out loses no item: call it again.
    """

    def __anext__(self) -> Coroutine[Any, Any, T]:
        # The mailbox's coroutine, because one of this iterator would stay in the traceback of a cancelled
        # task, and keep the iterator and its subscription alive. Cancelled by `wait_for`, it loses nothing.
        return anext(self._mailbox)

    async def aclose(self) -> None:
        """Close the request and drop the waiting items."""
        self.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.dispose()
