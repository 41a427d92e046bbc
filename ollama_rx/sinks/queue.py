"""Hand items over to another thread or task."""

from collections.abc import AsyncIterator, Iterator
from typing import Final, Generic, TypeVar

from ollama_rx.rx.mailbox import MAX_WAITING, Mailbox, WhenFull
from ollama_rx.sinks._sink import Sink

T = TypeVar("T")


class End:
    """The type of `END`."""

    def __repr__(self) -> str:
        return "END"


END: Final = End()
"""What ``get`` returns when nothing more will come."""


class Queue(Sink[T], Generic[T]):
    """A bounded queue that other threads and tasks read: one sink for both.

    ``for item in queue`` and ``async for item in queue`` end with the stream; ``get`` and ``get_async``
    return `END` then. An error of the stream is raised to the first reader that reaches it. When
    ``max_waiting`` items wait, ``when_full`` says whether the stream is paused, the oldest item is
    dropped, or this sink fails. What still waits when the delivery is cancelled can be read. A queue
    takes one stream; a second one fails.

    >>> from reactivex import of
    >>> from ollama_rx import deliver
    >>> words = Queue[str]()
    >>> with deliver(of("Hello", "world"), words):
    ...     print(list(words), words.get())
    ['Hello', 'world'] END
    """

    def __init__(self, *, max_waiting: int = MAX_WAITING, when_full: WhenFull = "pause") -> None:
        self._mailbox = Mailbox[T](max_waiting, when_full)
        self._over = False

    def on_next(self, value: T) -> None:
        """Put an item in."""
        if self._over:
            raise RuntimeError("this Queue has ended; another stream needs a Queue of its own")
        self._mailbox.upstream = self.upstream
        self._mailbox.put(value)

    def on_completed(self) -> None:
        """Let the readers come to the end."""
        self._over = True
        self._mailbox.end()

    def on_error(self, error: Exception) -> None:
        """Let the readers come to the error."""
        self._over = True
        self._mailbox.end(error)

    def interrupt(self) -> None:
        """Let a writer that waits for room go on, and the readers come to the end."""
        self._mailbox.end()

    def close(self) -> None:
        """Let the readers come to the end."""
        self._over = True
        self._mailbox.end()

    def get(self, timeout: float | None = None) -> T | End:
        """Block until there is an item; `END` after the last.

        Raises:
            TimeoutError: nothing came within ``timeout`` seconds.
        """
        return self._mailbox.get(timeout, END)

    async def get_async(self) -> T | End:
        """Wait for an item; `END` after the last."""
        return await anext(self._mailbox, END)

    def __iter__(self) -> Iterator[T]:
        return iter(self._mailbox)

    def __aiter__(self) -> AsyncIterator[T]:
        return aiter(self._mailbox)
