"""Keep an answer's context for the next request."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.arguments import check_instance
from ollama_rx.chunks import Chunk, ContextBox
from ollama_rx.rx import Emitter, through


def capture_context(box: ContextBox) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    """Put the context of the last chunk into ``box``; every chunk passes unchanged.

    ::

        source  -a--b--c-|   c carries the context
        chunks  -a--b--c-|
        box     .......c..

    The box is filled before the chunk goes on, so a request made because of that chunk finds it.
    A stream that brings no context (chat, raw, cloud, cut, failed) leaves the box as it was.

    >>> from reactivex import of
    >>> box = ContextBox()
    >>> _ = of(Chunk({"response": "", "done": True, "context": [1, 2]})).pipe(capture_context(box)).run()
    >>> box.value
    (1, 2)
    """
    check_instance("box", box, ContextBox)
    return through(lambda out: _Capture(out, box))


class _Capture:
    def __init__(self, out: Emitter[Chunk], box: ContextBox) -> None:
        emit = out.emit

        def feed(chunk: Chunk, /) -> None:
            if "context" in chunk.raw and (context := chunk.context) is not None:
                box.value = context
            emit(chunk)

        self.feed = feed
