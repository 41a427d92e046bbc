"""The types of the items that operators take and give: a pipeline in the wrong order fails with advice."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from ollama_rx.chunks import Chunk

A = TypeVar("A")

_ADVICE: dict[tuple[type, type], str] = {
    (str, Chunk): "put text() before it",
    (str, bytes): "decode the bytes first",
    (Chunk, str): "the chunks have become text before it: move it up",
}


class ItemTypes(NamedTuple):
    """The name of an operator, and the types of its items; None is any type, or an unknown one."""

    name: str = "operator"
    takes: type | None = None
    gives: type | None = None

    def check_source(self, gives: type | None) -> None:
        """Refuse a source whose items, of a known type, are of a wrong one."""
        if self.takes is not None and gives is not None and not issubclass(gives, self.takes):
            raise self._wrong_item(gives)

    def check_each(self, on_next: Callable[[A], object]) -> Callable[[A], None]:
        """Return ``on_next`` with a check of each item."""
        takes = self.takes or object

        def checked(item: A) -> None:
            if not isinstance(item, takes):
                raise self._wrong_item(type(item))
            on_next(item)

        return checked

    def _wrong_item(self, given: type) -> TypeError:
        takes = self.takes or object
        article = "an" if takes.__name__[0] in "AEIOUaeiou" else "a"
        expected = "text" if takes is str else f"{article} {takes.__name__}"
        advice = _ADVICE.get((takes, given))
        message = f"{self.name}: expected {expected}, got {given.__name__}"
        return TypeError(f"{message}; {advice}" if advice else message)
