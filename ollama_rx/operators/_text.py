"""Map chunks to the text of the answer."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.chunks import Chunk
from ollama_rx.rx import Emitter, through


def text() -> Callable[[Observable[Chunk]], Observable[str]]:
    """Emit the text of each chunk that has any; thinking and metrics are left out.

    ::

        source  -a--b--c-|   a.text="Hel"  b.text=""  c.text="lo"
        text    -x-----y-|   x="Hel"                  y="lo"

    An answer without text, such as one that only calls tools, gives no item, and then ``run()`` raises RxPY's
    `SequenceContainsNoElementsError`. With `join_text` after this operator there is always one item.

    >>> from reactivex import of
    >>> of(Chunk({"response": "Hel"}), Chunk({"response": ""})).pipe(text()).run()
    'Hel'
    """
    return through(_Text, name="text", takes=Chunk, gives=str)


class _Text:
    def __init__(self, out: Emitter[str]) -> None:
        self._emit = out.emit

    def feed(self, chunk: Chunk, /) -> None:
        if text := chunk.text:
            self._emit(text)
