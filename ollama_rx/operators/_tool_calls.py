"""Map chunks to the model's tool calls."""

from collections.abc import Callable

from reactivex import Observable

from ollama_rx.chunks import Chunk, ToolCall
from ollama_rx.rx import Emitter, through


def tool_calls() -> Callable[[Observable[Chunk]], Observable[ToolCall]]:
    """Emit each tool call once, in the order of arrival.

    ::

        source  -a   -b-(c|)   a.tool_calls=(x, y)  b.tool_calls=()  c.tool_calls=(z,)
        calls   -(xy)---(z|)

    Servers send one call per chunk, all calls in one chunk, or all calls in the last chunk. A call whose id
    was seen before in the same answer is a repetition and is dropped. Calls without an id (Ollama before
    0.12.10) are never compared, since a model may make the same call twice on purpose.

    >>> from reactivex import of
    >>> call = {"function": {"name": "weather", "arguments": {"city": "Rome"}}}
    >>> of(Chunk({"message": {"content": "", "tool_calls": [call]}})).pipe(tool_calls()).run().arguments
    {'city': 'Rome'}
    """
    return through(_ToolCalls, name="tool_calls", takes=Chunk, gives=ToolCall)


class _ToolCalls:
    def __init__(self, out: Emitter[ToolCall]) -> None:
        self._emit = out.emit
        self._seen: set[str] = set()

    def feed(self, chunk: Chunk, /) -> None:
        for call in chunk.tool_calls:
            if call.id is None:
                self._emit(call)
            elif call.id not in self._seen:
                self._seen.add(call.id)
                self._emit(call)
        if chunk.done:
            self._seen.clear()
