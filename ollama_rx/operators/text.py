"""The crossing from chunks to text."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.chunks import Chunk, texts_of
from ollama_rx.operators._through import Out, through


def chunk_text() -> Callable[[Observable[Chunk]], Observable[str]]:
    """Emit the answer's text of each chunk that has some; thinking and figures stay behind.

    ::

        source  -a--b--c-|   a="Hel"  b=""  c="lo"
        text    -a-----c-|

    >>> from reactivex import of
    >>> of(Chunk({"response": "Hel"}), Chunk({"response": ""})).pipe(chunk_text()).run()
    'Hel'
    """
    return through(_Text)


class _Text:
    __slots__ = ("_absorb", "_emit")

    def __init__(self, out: Out[str]) -> None:
        self._emit = out.emit
        self._absorb = out.absorb

    def feed(self, chunk: Chunk, /) -> None:
        if text := chunk.text:
            self._emit(text)

    def relay(self, chunks: list[Chunk], /) -> int:
        texts = texts_of(chunks)
        return self._absorb(texts if all(texts) else texts[: texts.index("")])
