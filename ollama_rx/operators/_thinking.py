"""The crossing from chunks to the model's thinking."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.chunks import Chunk
from ollama_rx.rx import Emitter, through


def thinking() -> Callable[[Observable[Chunk]], Observable[str]]:
    """Emit the thinking of each chunk that has some; the answer's text stays behind.

    ::

        source    -a--b--c-|   a.thinking="Hm"  b.thinking=""  c.thinking="."
        thinking  -a-----c-|

    Thinking that stands in the text between tags is moved by `split_thinking` first.

    >>> from reactivex import of
    >>> of(Chunk({"response": "", "thinking": "Hm"}), Chunk({"response": "Yes"})).pipe(thinking()).run()
    'Hm'
    """
    return through(_Thoughts)


class _Thoughts:
    def __init__(self, out: Emitter[str]) -> None:
        emit = out.emit

        def feed(chunk: Chunk, /) -> None:
            if thinking := chunk.thinking:
                emit(thinking)

        self.feed = feed
