"""Split streamed text into words."""

import re
from collections.abc import Callable

from reactivex import Observable

from ollama_rx.operators._through import Out, through


def split_words() -> Callable[[Observable[str]], Observable[str]]:
    """Emit each word as soon as the space after it has arrived.

    ::

        source  -a--b---c-|      a="Hel"    b="lo wor"  c="ld"
        words   ----x-----(y|)   x="Hello"  y="world"

    On completion the last word is emitted; on error or cancel it is dropped.

    >>> from reactivex import of
    >>> from reactivex import operators as ops
    >>> of("Hel", "lo wor", "ld").pipe(split_words(), ops.to_list()).run()
    ['Hello', 'world']
    """
    return through(_Words)


class _Words:
    def __init__(self, out: Out[str]) -> None:
        self._emit = out.emit
        self._parts: list[str] = []

    def feed(self, text: str, /) -> None:
        *words, last = re.split(r"\s+", text)
        for word in words:
            self._parts.append(word)
            self.flush()
        if last:
            self._parts.append(last)

    def flush(self) -> None:
        word = "".join(self._parts)
        self._parts.clear()
        if word:
            self._emit(word)
