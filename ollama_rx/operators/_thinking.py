"""Map chunks to the model's thinking."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.chunks import Chunk
from ollama_rx.rx import Emitter, through


def thinking() -> Callable[[Observable[Chunk]], Observable[str]]:
    """Emit the thinking of each chunk that has any; the answer's text is left out.

    ::

        source    -a--b--c-|   a.thinking="Hm"  b.thinking=""  c.thinking="."
        thinking  -x-----y-|   x="Hm"                          y="."

    If the model writes its thinking into the text, between tags, put `split_thinking` before this operator.

    >>> from reactivex import of
    >>> of(Chunk({"response": "", "thinking": "Hm"}), Chunk({"response": "Yes"})).pipe(thinking()).run()
    'Hm'
    """
    return through(_Thinking, name="thinking", takes=Chunk, gives=str)


class _Thinking:
    def __init__(self, out: Emitter[str]) -> None:
        self._emit = out.emit

    def feed(self, chunk: Chunk, /) -> None:
        if thinking := chunk.thinking:
            self._emit(thinking)
