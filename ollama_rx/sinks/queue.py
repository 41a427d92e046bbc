"""Pass items on to another thread or task."""

from collections.abc import AsyncIterator, Iterator
from typing import Generic, Literal, TypeVar

from ollama_rx.arguments import check_seconds
from ollama_rx.rx.mailbox import END, MAX_WAITING, Mailbox, Sentinel, WhenFull
from ollama_rx.sinks._sink import Sink

T = TypeVar("T")


class Queue(Sink[T], Generic[T]):
    """A bounded queue that other threads and tasks read.

    ``for item in queue`` and ``async for item in queue`` end with the stream; ``get`` and ``get_async`` then
    return `END`. An error of the stream is raised to the first reader that reaches it. If ``max_waiting``
    items wait, ``when_full`` decides whether the stream is paused ("pause"), the oldest item is dropped
    ("drop_oldest"), or this sink fails ("fail"). Items that wait when the delivery is cancelled can still
    be read. A queue takes the items of one stream; delivering a second one to it fails.

    >>> from reactivex import of
    >>> from ollama_rx import deliver
    >>> words = Queue[str]()
    >>> with deliver(of("Hello", "world"), words):
    ...     print(list(words), words.get())
    ['Hello', 'world'] END
    """

    def __init__(self, *, max_waiting: int = MAX_WAITING, when_full: WhenFull = "pause") -> None:
        self._mailbox = Mailbox[T](max_waiting, when_full)
        self._is_stopped = False

    def on_next(self, value: T) -> None:
        """Add an item."""
        if self._is_stopped:
            raise RuntimeError("this Queue has ended; use a new Queue for another stream")
        self._mailbox.upstream = self.upstream
        self._mailbox.put(value)

    def on_completed(self) -> None:
        """End the readers' loops after the waiting items."""
        self._is_stopped = True
        self._mailbox.end()

    def on_error(self, error: Exception) -> None:
        """Raise the error to a reader after the waiting items."""
        self._is_stopped = True
        self._mailbox.end(error)

    def interrupt(self) -> None:
        """Release a writer that waits for room, and end the readers' loops after the waiting items."""
        self._mailbox.end()

    def close(self) -> None:
        """End the readers' loops after the waiting items."""
        self._is_stopped = True
        self._mailbox.end()

    def get(self, timeout: float | None = None) -> T | Literal[Sentinel.END]:
        """Block until there is an item and return it; return `END` after the last item.

        Raises:
            TimeoutError: no item arrived within ``timeout`` seconds.
        """
        if timeout is not None:
            check_seconds("timeout", timeout, zero=True)
        return self._mailbox.get(timeout, END)

    async def get_async(self) -> T | Literal[Sentinel.END]:
        """Wait for an item and return it; return `END` after the last item."""
        return await anext(self._mailbox, END)

    def __iter__(self) -> Iterator[T]:
        return iter(self._mailbox)

    def __aiter__(self) -> AsyncIterator[T]:
        return aiter(self._mailbox)
