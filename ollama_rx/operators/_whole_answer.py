"""Join the chunks of an answer."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.chunks import Chunk
from ollama_rx.joined_chunks import JoinedChunks
from ollama_rx.rx import Emitter, through


def whole_answer() -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    """Emit one chunk with everything that the answer's chunks hold, when the stream completes.

    ::

        source  -a--b--c-|      a="Hel"    b="lo"  c="", with the metrics
        chunks  ---------(x|)   x="Hello", with the metrics

    Text, thinking, tool calls and log probabilities are joined in the order in which they came; of all other
    fields, such as ``done_reason``, ``context`` and the metrics, the last value counts. ``chunk.message`` is
    what a chat's history needs, after an answer of ``generate`` too.

    A stream with several answers, such as the turn of a `Conversation` in which the model calls tools, gives
    a chunk for each, so ``run()`` returns the last one. A stream without chunks gives none. One that an
    operator has ended early, such as ``take``, gives a chunk that is not ``done``. On error or cancel the
    answer that is not complete is dropped; an `OllamaError` has the text so far in ``partial``.

    >>> from reactivex import of
    >>> chunks = of(Chunk({"message": {"content": "Hel"}}), Chunk({"message": {"content": "lo"}}))
    >>> message = chunks.pipe(whole_answer()).run().message
    >>> message.role, message.content
    ('assistant', 'Hello')
    """
    return through(_WholeAnswer, name="whole_answer", takes=Chunk, gives=Chunk)


class _WholeAnswer:
    def __init__(self, out: Emitter[Chunk]) -> None:
        self._emit = out.emit
        self._joined = JoinedChunks()
        self._is_done = False

    def feed(self, chunk: Chunk, /) -> None:
        if self._is_done:  # the next answer begins
            self.flush()
            self._joined = JoinedChunks()
        self._joined.add(chunk)
        self._is_done = chunk.done

    def flush(self) -> None:
        if not self._joined.is_empty:
            self._emit(self._joined.chunk)
