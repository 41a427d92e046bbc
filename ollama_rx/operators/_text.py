"""The crossing from chunks to text."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.chunks import Chunk
from ollama_rx.rx import Emitter, through


def text() -> Callable[[Observable[Chunk]], Observable[str]]:
    """Emit the answer's text of each chunk that has some; thinking and figures stay behind.

    ::

        source  -a--b--c-|   a="Hel"  b=""  c="lo"
        text    -a-----c-|

    >>> from reactivex import of
    >>> of(Chunk({"response": "Hel"}), Chunk({"response": ""})).pipe(text()).run()
    'Hel'
    """
    return through(_Text)


class _Text:
    __slots__ = ("_emit",)

    def __init__(self, out: Emitter[str]) -> None:
        self._emit = out.emit

    def feed(self, chunk: Chunk, /) -> None:
        if text := chunk.text:
            self._emit(text)
