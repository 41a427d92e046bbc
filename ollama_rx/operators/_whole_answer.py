"""Join the chunks of an answer."""

from collections.abc import Callable, Iterable
from typing import Any

from reactivex import Observable

from ollama_rx.chunks import Chunk, calls_in
from ollama_rx.protocol.json_fields import JsonObject, object_of
from ollama_rx.rx import Emitter, through


def whole_answer() -> Callable[[Observable[Chunk]], Observable[Chunk]]:
    """Emit one chunk with everything that the answer's chunks hold, when the stream completes.

    ::

        source  -a--b--c-|      a="Hel"    b="lo"  c="", with the metrics
        chunks  ---------(x|)   x="Hello", with the metrics

    Text, thinking, tool calls and log probabilities are joined in the order in which they came; of all other
    fields, such as ``done_reason``, ``context`` and the metrics, the last value counts. ``chunk.message`` is
    what a chat's history needs, after an answer of ``generate`` too.

    A stream without chunks gives none. One that an operator has ended early, such as ``take``, gives a chunk
    that is not ``done``. On error or cancel nothing is emitted; an `OllamaError` has the text so far in
    ``partial``.

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
        self._fields: dict[str, Any] = {}
        self._message: dict[str, Any] = {}
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[JsonObject] = []
        self._logprobs: list[JsonObject] = []

    def feed(self, chunk: Chunk, /) -> None:
        raw = chunk.raw
        self._fields.update(raw)
        self._message.update(object_of(raw.get("message")))
        self._text.append(chunk.text)
        self._thinking.append(chunk.thinking)
        self._calls.extend(calls_in(raw))
        self._logprobs.extend(chunk.logprobs)

    def flush(self) -> None:
        if not self._text:
            return
        said = {"thinking": "".join(self._thinking), "tool_calls": self._calls}
        message = _without(self._message, said) | {name: value for name, value in said.items() if value}
        text = "".join(self._text)
        whole = _without(self._fields, ("response", "logprobs", *said))
        if "message" in whole:
            whole["message"] = {"role": "assistant", **message, "content": text}
        else:
            whole |= {"response": text, **message}
        if self._logprobs:
            whole["logprobs"] = self._logprobs
        self._emit(Chunk(whole))


def _without(fields: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
