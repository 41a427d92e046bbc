"""Keep the message of an answer for the next request of a chat."""

from collections.abc import Callable, MutableSequence

from reactivex import Observable

from ollama_rx.arguments import check_callable
from ollama_rx.chunks import Chunk, Message
from ollama_rx.joined_chunks import JoinedChunks
from ollama_rx.rx import Emitter, through


def capture_message(
    history: MutableSequence[Message],
) -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    """Append the answer to ``history`` as one message ; every chunk passes unchanged.

    ::

        source   -a--b--c-|      a="Hel"    b="lo"  c="", with done
        chunks   -a--b--c-|
        history  -------x--      x=Message("assistant", "Hello")

    The message holds text, thinking and tool calls. It is appended before the last chunk is passed on, so a
    request that this chunk triggers may send the history.

    An answer that breaks off, fails, or is left by the subscriber is appended as far as it has arrived, with
    ``cut=True`` and without tool calls, before the subscriber learns of the end; nothing is appended if it
    has not said anything.

    It does not append the user's message, and calls no tools: `Conversation` does both.

    Args:
        history: a list, or anything else with ``append``.

    >>> from reactivex import of
    >>> history = [Message("user", "Hi")]
    >>> answer = of(Chunk({"message": {"content": "Hello"}, "done": True}))
    >>> _ = answer.pipe(capture_message(history)).run()
    >>> history[-1].content
    'Hello'
    """
    check_callable("history", getattr(history, "append", None), "a list")
    return through(
        lambda out: _CaptureMessage(out, history), name="capture_message", takes=Chunk, gives=Chunk
    )


class _CaptureMessage:
    def __init__(self, out: Emitter[Chunk], history: MutableSequence[Message]) -> None:
        self._emit = out.emit
        self._append = history.append
        self._answer = JoinedChunks()

    def feed(self, chunk: Chunk, /) -> None:
        self._answer.add(chunk)
        if chunk.done:
            self._store(cut=False)
        self._emit(chunk)

    def flush(self) -> None:
        self.close()

    def fail(self, _: Exception) -> None:
        self.close()

    def close(self) -> None:
        if not self._answer.is_silent:
            self._store(cut=True)

    def _store(self, *, cut: bool) -> None:
        self._append(self._answer.message(cut=cut))
        self._answer = JoinedChunks()
