"""Keep all items of a stream."""

from typing import TypeVar

from ollama_rx.sinks._sink import Sink

T = TypeVar("T")


class Collector(Sink[T]):
    """Keeps all items in a list, and how the stream ended; for tests, and for answers needed as a whole.

    >>> from reactivex import of
    >>> words = Collector[str]()
    >>> _ = of("Hel", "lo").subscribe(words)
    >>> words.text, words.completed
    ('Hello', True)
    """

    def __init__(self) -> None:
        self.items: list[T] = []
        self.completed = False
        self.error: Exception | None = None
        self.closed = False

    @property
    def text(self) -> str:
        """The text of all items: the items themselves, or their ``text`` if they are chunks."""
        return "".join(str(getattr(item, "text", item)) for item in self.items)

    def on_next(self, value: T) -> None:
        """Keep an item."""
        self.items.append(value)

    def on_completed(self) -> None:
        """Record the completion."""
        self.completed = True

    def on_error(self, error: Exception) -> None:
        """Record the error."""
        self.error = error

    def close(self) -> None:
        """Record that the sink is closed."""
        self.closed = True
