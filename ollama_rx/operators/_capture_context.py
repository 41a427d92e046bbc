"""Keep the context of an answer for the next request."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.arguments import check_instance
from ollama_rx.chunks import Chunk, ContextBox
from ollama_rx.rx import Emitter, through


def capture_context(box: ContextBox) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    """Store the context of the last chunk in ``box``; every chunk passes unchanged.

    ::

        source  -a--b--c-|   c.context=(1, 2, 3)
        chunks  -a--b--c-|
        box     -------x--   x=(1, 2, 3)

    The box is filled before the chunk is passed on, so a request that the chunk triggers uses the new
    context. The box stays unchanged if no chunk has a context: a chat, a raw prompt, a cloud model, or a
    stream that was cut off or failed.

    >>> from reactivex import of
    >>> box = ContextBox()
    >>> _ = of(Chunk({"response": "", "done": True, "context": [1, 2]})).pipe(capture_context(box)).run()
    >>> box.value
    (1, 2)
    """
    check_instance("box", box, ContextBox)
    return through(lambda out: _CaptureContext(out, box), name="capture_context", takes=Chunk, gives=Chunk)


class _CaptureContext:
    def __init__(self, out: Emitter[Chunk], box: ContextBox) -> None:
        self._emit = out.emit
        self._box = box

    def feed(self, chunk: Chunk, /) -> None:
        if "context" in chunk.raw and (context := chunk.context) is not None:
            self._box.value = context
        self._emit(chunk)
